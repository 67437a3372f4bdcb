/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/console.c. */
#include <fcntl.h>
#include <linux/virtio_console.h>
#include <sys/socket.h>

#include "microvm/virtio/devices.h"
#include "tests/unit/driver.h"

#define MULTIPORT (1ULL << VIRTIO_CONSOLE_F_MULTIPORT)
#define SIZE      16

enum { RX0, TX0, CONTROL_RX, CONTROL_TX, RX1, TX1 };

struct control {
	struct virtio_console_control head;
	char name[16];
};

/* A console whose log is a pipe; log and peer are the far ends. */
struct setup {
	struct driver d;
	int log, log_in, peer, agent;
};

static void open_console(struct setup *s)
{
	int log[2], sock[2];

	if (pipe2(log, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       sock) < 0)
		abort();
	*s = (struct setup){.log = log[0],
			    .log_in = log[1],
			    .peer = sock[0],
			    .agent = sock[1]};
	fcntl(s->log, F_SETFL, O_NONBLOCK);
	driver_open(&s->d);
	driver_attach(&s->d, console_create(&s->d.mem, &s->d.loop, s->log_in,
					    s->agent));
	driver_start(&s->d, MULTIPORT, SIZE);
}

static void close_console(struct setup *s)
{
	driver_close(&s->d);
	close(s->log);
	close(s->log_in);
	close(s->peer);
	close(s->agent);
}

static void say(struct setup *s, uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control m = {id, event, value};

	driver_send(&s->d, CONTROL_TX, &m, sizeof(m));
	driver_kick(&s->d, CONTROL_TX);
	CHECK(driver_used(&s->d, CONTROL_TX, NULL) >= 0);
}

/* Gives a control buffer and returns what is put into it. */
static struct control hear(struct setup *s)
{
	struct control m = {};
	uint32_t len = 0;
	gpa_t gpa = driver_ask(&s->d, CONTROL_RX, sizeof(m));

	driver_kick(&s->d, CONTROL_RX);
	CHECK(driver_used(&s->d, CONTROL_RX, &len) >= 0);
	memcpy(&m, driver_at(&s->d, gpa), len <= sizeof(m) ? len : 0);
	return m;
}

static void check_hear(struct setup *s, uint32_t id, uint16_t event,
		       uint16_t value)
{
	struct control m = hear(s);

	CHECK_INT(m.head.id, id);
	CHECK_INT(m.head.event, event);
	CHECK_INT(m.head.value, value);
}

/* The handshake, up to the agent's port being open. */
static void open_ports(struct setup *s)
{
	say(s, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	check_hear(s, 0, VIRTIO_CONSOLE_PORT_ADD, 1);
	check_hear(s, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
	say(s, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	check_hear(s, 1, VIRTIO_CONSOLE_PORT_NAME, 1);
	check_hear(s, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(s, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

#define CONSOLE         \
	struct setup s; \
                        \
	open_console(&s)

static void announces(void)
{
	CONSOLE;
	CHECK_INT(driver_get(&s.d, VIRTIO_MMIO_CONFIG + 4), 2);
	say(&s, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	check_hear(&s, 0, VIRTIO_CONSOLE_PORT_ADD, 1);
	check_hear(&s, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
	say(&s, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	check_hear(&s, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
	check_hear(&s, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(&s, 1, VIRTIO_CONSOLE_PORT_READY, 1);

	struct control m = hear(&s);

	CHECK_INT(m.head.event, VIRTIO_CONSOLE_PORT_NAME);
	CHECK(memcmp(m.name, "bulkhead.agent", 15) == 0);
	check_hear(&s, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	say(&s, 7, VIRTIO_CONSOLE_PORT_READY, 1); /* no such port */
	driver_ask(&s.d, CONTROL_RX, 64);
	driver_kick(&s.d, CONTROL_RX);
	CHECK_INT(driver_used(&s.d, CONTROL_RX, NULL), -1);
	close_console(&s);
}

static void logs(void)
{
	char bytes[16] = {};

	CONSOLE;
	driver_send(&s.d, TX0, "hello ", 6);
	driver_send(&s.d, TX0, "world", 5);
	driver_kick(&s.d, TX0);
	CHECK_INT(read(s.log, bytes, sizeof(bytes)), 11);
	CHECK_STR(bytes, "hello world");
	CHECK_INT(driver_used(&s.d, TX0, NULL), 0);
	CHECK_INT(driver_used(&s.d, TX0, NULL), 1);
	close_console(&s);
}

static void drops_log(void)
{
	char bytes[4096] = {};

	CONSOLE;
	for (int i = 0; i < 40; i++) { /* a pipe holds 16 of these */
		driver_send(&s.d, TX0, bytes, sizeof(bytes));
		driver_kick(&s.d, TX0);
		CHECK(driver_used(&s.d, TX0, NULL) >= 0);
	}
	close(s.log);
	driver_send(&s.d, TX0, bytes, sizeof(bytes));
	driver_kick(&s.d, TX0);
	CHECK(driver_used(&s.d, TX0, NULL) >= 0);
	s.log = dup(0);
	close_console(&s);
}

static void carries(void)
{
	char bytes[16] = {};
	uint32_t len = 0;

	CONSOLE;
	open_ports(&s);
	driver_send(&s.d, TX1, "ping", 4);
	driver_kick(&s.d, TX1);
	CHECK_INT(recv(s.peer, bytes, sizeof(bytes), 0), 4);
	CHECK_STR(bytes, "ping");

	gpa_t gpa = driver_ask(&s.d, RX1, 64);

	driver_kick(&s.d, RX1);
	CHECK_INT(driver_used(&s.d, RX1, NULL), -1);
	CHECK_INT(send(s.peer, "pong", 5, 0), 5);
	driver_run(&s.d);
	CHECK_INT(driver_used(&s.d, RX1, &len), 0);
	CHECK_INT(len, 5);
	CHECK_STR((char *)driver_at(&s.d, gpa), "pong");
	close_console(&s);
}

static void waits_for_guest(void)
{
	uint32_t len = 0;

	CONSOLE;
	CHECK_INT(send(s.peer, "early", 6, 0), 6);
	driver_run(&s.d);

	gpa_t a = driver_ask(&s.d, RX1, 2);

	driver_kick(&s.d, RX1);
	CHECK_INT(driver_used(&s.d, RX1, NULL), -1); /* not open yet */
	open_ports(&s);
	CHECK_INT(driver_used(&s.d, RX1, &len), 0);
	CHECK_INT(len, 2);
	CHECK(memcmp(driver_at(&s.d, a), "ea", 2) == 0);

	/* The rest waits in the socket for a buffer. */
	gpa_t b = driver_ask(&s.d, RX1, 16);

	driver_kick(&s.d, RX1);
	CHECK_INT(driver_used(&s.d, RX1, &len), 1);
	CHECK_INT(len, 4);
	CHECK_STR((char *)driver_at(&s.d, b), "rly");
	close_console(&s);
}

/* Reads all that is there, checks its order; returns the count so far. */
static uint32_t drain(struct setup *s, uint32_t have)
{
	uint32_t words[4096];
	ssize_t n;

	while ((n = recv(s->peer, words, sizeof(words), 0)) > 0)
		for (ssize_t i = 0; i < n / 4; i++)
			CHECK_INT(words[i], have++);
	return have;
}

static void holds_guest_up(void)
{
	enum { CHUNK = 64 << 10, CHUNKS = 12 };
	uint32_t value = 0, have = 0;
	int done = 0, room = 16 << 10;

	CONSOLE;
	setsockopt(s.agent, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	open_ports(&s);
	for (int i = 0; i < CHUNKS; i++) {
		gpa_t gpa = driver_alloc(&s.d, CHUNK);
		struct driver_part parts[2] = {
			{gpa, 1000, false},
			{gpa + 1000, CHUNK - 1000, false},
		};
		uint32_t *words = guestmem_at(&s.d.mem, gpa, CHUNK);

		for (int w = 0; w < CHUNK / 4; w++)
			words[w] = value++;
		/* The ring has room for eight chains of two. */
		while (i - done >= SIZE / 2) {
			have = drain(&s, have);
			driver_run(&s.d);
			done += driver_used(&s.d, TX1, NULL) >= 0;
		}
		driver_add(&s.d, TX1, parts, 2);
		driver_kick(&s.d, TX1);
		if (i == 0)
			CHECK_INT(driver_used(&s.d, TX1, NULL), -1);
	}
	while (have < value) {
		uint32_t before = have;

		have = drain(&s, have);
		driver_run(&s.d);
		CHECK(have > before);
	}
	while (driver_used(&s.d, TX1, NULL) >= 0)
		done++;
	CHECK_INT(done, CHUNKS);
	close_console(&s);
}

static void tells_end(void)
{
	CONSOLE;
	open_ports(&s);
	CHECK_INT(send(s.peer, "last", 4, 0), 4);
	shutdown(s.peer, SHUT_RDWR);
	driver_run(&s.d);

	gpa_t gpa = driver_ask(&s.d, RX1, 16);

	driver_ask(&s.d, RX1, 16);
	driver_kick(&s.d, RX1);
	CHECK_INT(driver_used(&s.d, RX1, NULL), 0);
	CHECK(memcmp(driver_at(&s.d, gpa), "last", 4) == 0);
	CHECK_INT(driver_used(&s.d, RX1, NULL), -1);
	check_hear(&s, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	/* What the guest says then is dropped. */
	driver_send(&s.d, TX1, "x", 1);
	driver_kick(&s.d, TX1);
	CHECK_INT(driver_used(&s.d, TX1, NULL), 0);
	close_console(&s);
}

static void starts_again(void)
{
	char bytes[16] = {};

	CONSOLE;
	open_ports(&s);
	driver_start(&s.d, MULTIPORT, SIZE);
	CHECK_INT(send(s.peer, "wait", 4, 0), 4);
	driver_ask(&s.d, RX1, 16);
	driver_kick(&s.d, RX1);
	CHECK_INT(driver_used(&s.d, RX1, NULL), -1);
	open_ports(&s);
	CHECK_INT(driver_used(&s.d, RX1, NULL), 0);
	driver_send(&s.d, TX1, "again", 5);
	driver_kick(&s.d, TX1);
	CHECK_INT(recv(s.peer, bytes, sizeof(bytes), 0), 5);
	close_console(&s);
}

static void mistakes(void)
{
	CONSOLE;
	driver_send(&s.d, CONTROL_TX, "short", 5);
	driver_kick(&s.d, CONTROL_TX);
	CHECK_STR(fail_text(), "queue 3: control message of 5 bytes");
	CHECK(driver_status(&s.d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	driver_start(&s.d, MULTIPORT, SIZE);
	say(&s, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	driver_ask(&s.d, CONTROL_RX, 7);
	driver_kick(&s.d, CONTROL_RX);
	CHECK_STR(fail_text(), "queue 2: control buffer of 7 bytes");
	driver_start(&s.d, MULTIPORT, SIZE);
	open_ports(&s);
	driver_send(&s.d, RX1, "not to be read", 14);
	driver_kick(&s.d, RX1);
	CHECK_STR(fail_text(), "queue 4: input buffer of no bytes");
	close_console(&s);
}

static void without_fds(void)
{
	struct setup s = {};

	driver_open(&s.d);
	driver_attach(&s.d, console_create(&s.d.mem, &s.d.loop, -1, -1));
	driver_start(&s.d, MULTIPORT, SIZE);
	say(&s, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	check_hear(&s, 1, VIRTIO_CONSOLE_PORT_NAME, 1);
	check_hear(&s, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	driver_send(&s.d, TX0, "x", 1);
	driver_send(&s.d, TX1, "x", 1);
	driver_kick(&s.d, TX0);
	driver_kick(&s.d, TX1);
	CHECK_INT(driver_used(&s.d, TX0, NULL), 0);
	CHECK_INT(driver_used(&s.d, TX1, NULL), 0);
	driver_close(&s.d);
}

int main(void)
{
	TEST("both ports are announced, the console and the agent's by name",
	     announces);
	TEST("what the guest prints is logged", logs);
	TEST("a full log, or one that nobody reads, does not hold the guest up",
	     drops_log);
	TEST("the agent's port carries bytes both ways", carries);
	TEST("what the peer sends waits for the guest's port and buffers",
	     waits_for_guest);
	TEST("a peer that does not read holds the guest up, and nothing is "
	     "lost",
	     holds_guest_up);
	TEST("the guest is told that the peer is gone, after its last bytes",
	     tells_end);
	TEST("after a reset the ports are opened anew", starts_again);
	TEST("control messages and buffers that are none break the device",
	     mistakes);
	TEST("without log and agent all output is dropped", without_fds);
	return test_done();
}
