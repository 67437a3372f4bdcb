/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/console.c. */
#include <fcntl.h>
#include <linux/virtio_console.h>
#include <sys/socket.h>

#include "tests/unit/driver.h"

enum { LOG_OUT = 1, CONTROL_IN, CONTROL_OUT, AGENT_IN, AGENT_OUT };

struct guest {
	struct driver d;
	int log[2], agent[2];
};

static void open_guest(struct guest *g)
{
	driver_init(&g->d);
	if (pipe2(g->log, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       g->agent) < 0)
		exit(1);
	driver_attach(&g->d, console_create(&g->d.mem, &g->d.loop, g->log[1],
					    g->agent[0]));
	CHECK(driver_start(&g->d, 0));
}

static void close_guest(struct guest *g)
{
	driver_fini(&g->d);
	close(g->log[0]);
	close(g->log[1]);
	close(g->agent[0]);
	if (g->agent[1] >= 0)
		close(g->agent[1]);
}

static void control(struct guest *g, uint32_t port, uint16_t event,
		    uint16_t value)
{
	const struct virtio_console_control m = {port, event, value};
	const struct driver_part part = {DRIVER_BUFFER, sizeof(m), false};

	memcpy(driver_at(&g->d, DRIVER_BUFFER), &m, sizeof(m));
	driver_add(&g->d, CONTROL_OUT, &part, 1);
	driver_kick(&g->d, CONTROL_OUT);
	CHECK(driver_used(&g->d, CONTROL_OUT, NULL) >= 0);
}

/* The next message that came: its event, or -1. */
static int told(struct guest *g, uint32_t port, uint16_t value,
		const char *name)
{
	const struct driver_part part = {DRIVER_BUFFER + 0x1000, 64, true};
	const char *bytes = driver_at(&g->d, part.at);
	struct virtio_console_control m;
	uint32_t len;

	driver_add(&g->d, CONTROL_IN, &part, 1);
	driver_kick(&g->d, CONTROL_IN);
	if (driver_used(&g->d, CONTROL_IN, &len) < 0)
		return -1;
	memcpy(&m, bytes, sizeof(m));
	CHECK_INT(len, sizeof(m) + strlen(name));
	CHECK(m.id == port && m.value == value);
	CHECK(!memcmp(bytes + sizeof(m), name, strlen(name)));
	return m.event;
}

static void handshake(struct guest *g)
{
	control(g, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	CHECK_INT(told(g, 0, 1, ""), VIRTIO_CONSOLE_PORT_ADD);
	CHECK_INT(told(g, 1, 1, ""), VIRTIO_CONSOLE_PORT_ADD);
	control(g, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	CHECK_INT(told(g, 0, 1, ""), VIRTIO_CONSOLE_CONSOLE_PORT);
	CHECK_INT(told(g, 0, 1, ""), VIRTIO_CONSOLE_PORT_OPEN);
	control(g, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	CHECK_INT(told(g, 1, 1, "bulkhead.agent"), VIRTIO_CONSOLE_PORT_NAME);
	CHECK_INT(told(g, 1, 1, ""), VIRTIO_CONSOLE_PORT_OPEN);
	control(g, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void ports_are_told(void)
{
	struct guest g;

	open_guest(&g);
	CHECK_INT(driver_read(&g.d, VIRTIO_MMIO_CONFIG + 4), 2);
	handshake(&g);
	/* However often it is asked, each answer waits once. */
	for (int i = 0; i < 100; i++)
		control(&g, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	CHECK_INT(told(&g, 0, 1, ""), VIRTIO_CONSOLE_PORT_ADD);
	CHECK_INT(told(&g, 1, 1, ""), VIRTIO_CONSOLE_PORT_ADD);
	CHECK_INT(told(&g, 0, 0, ""), -1);
	close_guest(&g);
}

static void say(struct guest *g, unsigned q, uint32_t len, uint8_t byte)
{
	const struct driver_part part = {DRIVER_BUFFER + 0x10000, len, false};

	memset(driver_at(&g->d, part.at), byte, len);
	driver_add(&g->d, q, &part, 1);
	driver_kick(&g->d, q);
}

static void log_drops(void)
{
	struct guest g;
	char bytes[4096];
	size_t total = 0;

	open_guest(&g);
	say(&g, LOG_OUT, 5000, 'x');
	for (ssize_t n; (n = read(g.log[0], bytes, sizeof(bytes))) > 0;)
		total += (size_t)n;
	CHECK_INT(total, 5000);
	for (int i = 0; i < 40; i++) {
		say(&g, LOG_OUT, 5000, 'y');
		CHECK(driver_used(&g.d, LOG_OUT, NULL) >= 0);
	}
	close_guest(&g);
}

static void agent_speaks(void)
{
	const struct driver_part part = {DRIVER_BUFFER + 0x2000, 3, true};
	struct guest g;
	char bytes[8] = "";
	uint32_t len;

	open_guest(&g);
	handshake(&g);
	say(&g, AGENT_OUT, 4, 'a');
	CHECK_INT(read(g.agent[1], bytes, sizeof(bytes)), 4);
	CHECK_STR(bytes, "aaaa");
	/* Without buffers nothing is read, and nothing is lost. */
	CHECK_INT(write(g.agent[1], "hello", 5), 5);
	driver_pump(&g.d);
	driver_add(&g.d, AGENT_IN, &part, 1);
	driver_kick(&g.d, AGENT_IN);
	CHECK(driver_used(&g.d, AGENT_IN, &len) >= 0 && len == 3);
	CHECK(!memcmp(driver_at(&g.d, part.at), "hel", 3));
	driver_add(&g.d, AGENT_IN, &part, 1);
	driver_kick(&g.d, AGENT_IN);
	CHECK(driver_used(&g.d, AGENT_IN, &len) >= 0 && len == 2);
	CHECK(!memcmp(driver_at(&g.d, part.at), "lo", 2));
	close_guest(&g);
}

static void waits_until_open(void)
{
	const struct driver_part part = {DRIVER_BUFFER + 0x2000, 64, true};
	struct guest g;
	uint32_t len;

	open_guest(&g);
	driver_add(&g.d, AGENT_IN, &part, 1);
	CHECK_INT(write(g.agent[1], "early", 5), 5);
	driver_kick(&g.d, AGENT_IN);
	CHECK_INT(driver_used(&g.d, AGENT_IN, &len), -1);
	handshake(&g);
	CHECK(driver_used(&g.d, AGENT_IN, &len) >= 0 && len == 5);
	close_guest(&g);
}

/* More than a socket holds; every byte arrives, in order. */
static void back_pressure(void)
{
	const uint32_t part_bytes = 0x20000;
	struct guest g;
	uint8_t bytes[4096];
	uint32_t parts = 0, used = 0;
	uint64_t total = 0;

	open_guest(&g);
	handshake(&g);
	for (; parts < 8; parts++) {
		const struct driver_part part = {DRIVER_BUFFER + 0x10000,
						 part_bytes, false};

		for (uint32_t i = 0; i < part_bytes; i++)
			((uint8_t *)driver_at(&g.d, part.at))[i] =
				(uint8_t)(i % 251);
		driver_add(&g.d, AGENT_OUT, &part, 1);
	}
	driver_kick(&g.d, AGENT_OUT);
	while (driver_used(&g.d, AGENT_OUT, NULL) >= 0)
		used++;
	CHECK(used < parts);
	for (ssize_t n; (n = read(g.agent[1], bytes, sizeof(bytes))) > 0;) {
		for (ssize_t i = 0; i < n; i++, total++)
			if (bytes[i] != total % part_bytes % 251)
				CHECK(!"a byte is not what was sent");
		driver_pump(&g.d);
	}
	CHECK_INT(total, (uint64_t)parts * part_bytes);
	while (driver_used(&g.d, AGENT_OUT, NULL) >= 0)
		used++;
	CHECK_INT(used, parts);
	close_guest(&g);
}

static void other_side_ends(void)
{
	const struct driver_part part = {DRIVER_BUFFER + 0x2000, 64, true};
	struct guest g;

	open_guest(&g);
	handshake(&g);
	driver_add(&g.d, AGENT_IN, &part, 1);
	driver_kick(&g.d, AGENT_IN);
	close(g.agent[1]);
	g.agent[1] = -1;
	driver_pump(&g.d);
	CHECK_INT(told(&g, 1, 0, ""), VIRTIO_CONSOLE_PORT_OPEN);
	say(&g, AGENT_OUT, 100, 'z');
	CHECK(driver_used(&g.d, AGENT_OUT, NULL) >= 0);
	CHECK(!driver_is_broken(&g.d));
	close_guest(&g);
}

int main(void)
{
	TEST("two ports are added, named and opened, each once asked for",
	     ports_are_told);
	TEST("the kernel's log is dropped when nobody reads it", log_drops);
	TEST("the agent speaks and hears", agent_speaks);
	TEST("nothing is given to a port that the guest has not opened",
	     waits_until_open);
	TEST("a full socket holds the guest back, and no byte is lost",
	     back_pressure);
	TEST("the socket's end closes the port, and what comes is dropped",
	     other_side_ends);
	return test_done();
}
