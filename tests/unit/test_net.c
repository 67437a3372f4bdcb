/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/net.c, on a tap in a network namespace. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "microvm/microvm.h"
#include "microvm/virtio/devices.h"
#include "tests/unit/driver.h"

#define HEADER sizeof(struct virtio_net_hdr_v1)
#define PROTO  0x88b5 /* for experiments: no one else sends it */
#define SIZE   16
#define MERGE  (1ULL << VIRTIO_NET_F_MRG_RXBUF)

enum { RX, TX };

/* The guest on the tap, and the host's socket on the same interface. */
struct setup {
	struct driver d;
	int tap, socket, index;
};

static const uint8_t mac[6] = {0x02, 1, 2, 3, 4, 5};

static void set_up(int sock, const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_UP};
	int fd = open("/proc/sys/net/ipv6/conf/all/disable_ipv6",
		      O_WRONLY | O_CLOEXEC);

	/* Without IPv6 the interface has nothing to say of its own. */
	if (fd >= 0) {
		CHECK_INT(write(fd, "1", 1), 1);
		close(fd);
	}
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	CHECK_INT(ioctl(sock, SIOCSIFFLAGS, &ifr), 0);
}

static void open_net(struct setup *s, uint64_t features)
{
	struct ifreq ifr = {.ifr_name = "tap0",
			    .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};

	if (unshare(CLONE_NEWNET) < 0)
		SKIP("rights to make a network namespace");
	s->tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (s->tap < 0 || ioctl(s->tap, TUNSETIFF, &ifr) < 0)
		SKIP("/dev/net/tun");
	s->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			   htons(PROTO));
	set_up(s->socket, "tap0");
	s->index = (int)if_nametoindex("tap0");

	struct sockaddr_ll here = {.sll_family = AF_PACKET,
				   .sll_protocol = htons(PROTO),
				   .sll_ifindex = s->index};
	struct vm_net net = {.tap = s->tap, .mtu = 1400};

	CHECK_INT(bind(s->socket, (struct sockaddr *)&here, sizeof(here)), 0);
	memcpy(net.mac, mac, sizeof(mac));
	driver_open(&s->d);
	driver_attach(&s->d, net_create(&s->d.mem, &s->d.loop, &net));
	driver_start(&s->d, features, SIZE);
}

static void close_net(struct setup *s)
{
	driver_close(&s->d);
	close(s->socket);
	close(s->tap);
}

/* A frame of len bytes, the last of which is mark. */
static void make_frame(uint8_t *frame, size_t len, uint8_t mark)
{
	memset(frame, 0, len);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, mac, 6);
	frame[12] = PROTO >> 8;
	frame[13] = PROTO & 0xff;
	frame[len - 1] = mark;
}

static void host_sends(struct setup *s, size_t len, uint8_t mark)
{
	uint8_t frame[1500];

	make_frame(frame, len, mark);
	CHECK_INT(send(s->socket, frame, len, 0), len);
	driver_run(&s->d);
}

static void tells(void)
{
	struct virtio_net_config c;
	struct setup s;

	open_net(&s, 0);
	for (unsigned i = 0; i < sizeof(c); i++)
		bus_read(&s.d.bus, DRIVER_BASE + VIRTIO_MMIO_CONFIG + i,
			 (uint8_t *)&c + i, 1);
	CHECK(memcmp(c.mac, mac, 6) == 0);
	CHECK_INT(c.mtu, 1400);
	driver_set(&s.d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	CHECK(driver_get(&s.d, VIRTIO_MMIO_DEVICE_FEATURES) &
	      1 << VIRTIO_NET_F_MTU);
	close_net(&s);
}

static void sends(void)
{
	uint8_t bytes[HEADER + 100] = {}, got[200];
	struct setup s;

	open_net(&s, 0);
	make_frame(bytes + HEADER, 100, 7);
	driver_send(&s.d, TX, bytes, sizeof(bytes));
	driver_kick(&s.d, TX);
	CHECK_INT(driver_used(&s.d, TX, NULL), 0);
	CHECK_INT(recv(s.socket, got, sizeof(got), 0), 100);
	CHECK(memcmp(got, bytes + HEADER, 100) == 0);
	close_net(&s);
}

static void receives(void)
{
	struct virtio_net_hdr_v1 *header;
	uint32_t len = 0;
	struct setup s;

	open_net(&s, MERGE);

	gpa_t gpa = driver_ask(&s.d, RX, 1600);

	driver_kick(&s.d, RX);
	host_sends(&s, 60, 9);
	CHECK_INT(driver_used(&s.d, RX, &len), 0);
	CHECK_INT(len, HEADER + 60);
	header = driver_at(&s.d, gpa);
	CHECK_INT(header->num_buffers, 1);
	CHECK_INT(((uint8_t *)header)[len - 1], 9);
	close_net(&s);
}

static void merges(void)
{
	struct virtio_net_hdr_v1 *header;
	uint32_t len = 0;
	struct setup s;

	open_net(&s, MERGE);

	gpa_t first = driver_ask(&s.d, RX, 500);

	driver_ask(&s.d, RX, 500);
	driver_kick(&s.d, RX);
	host_sends(&s, 1300, 3);
	CHECK_INT(driver_used(&s.d, RX, NULL), -1); /* it needs three */

	gpa_t last = driver_ask(&s.d, RX, 500);

	driver_kick(&s.d, RX);
	for (int i = 0; i < 3; i++)
		CHECK_INT(driver_used(&s.d, RX, &len), i);
	header = driver_at(&s.d, first);
	CHECK_INT(header->num_buffers, 3);
	CHECK_INT(len, HEADER + 1300 - 1000);
	CHECK_INT(((uint8_t *)driver_at(&s.d, last))[len - 1], 3);
	close_net(&s);
}

static void waits(void)
{
	struct setup s;

	open_net(&s, MERGE);
	for (uint8_t i = 1; i <= 5; i++)
		host_sends(&s, 60, i);
	for (uint8_t i = 1; i <= 5; i++) {
		uint8_t *at = driver_at(&s.d, driver_ask(&s.d, RX, 128));

		driver_kick(&s.d, RX);
		CHECK_INT(driver_used(&s.d, RX, NULL), i - 1);
		CHECK_INT(at[HEADER + 59], i);
	}
	close_net(&s);
}

static void mistakes(void)
{
	struct setup s;

	open_net(&s, MERGE);
	driver_send(&s.d, TX, "short", 5);
	driver_kick(&s.d, TX);
	CHECK_STR(fail_text(), "queue 1: frame of 5 bytes");
	driver_start(&s.d, MERGE, SIZE);
	driver_ask(&s.d, RX, HEADER - 1);
	driver_kick(&s.d, RX);
	host_sends(&s, 60, 1);
	CHECK_STR(fail_text(), "input buffer of 11 bytes");
	CHECK(driver_status(&s.d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	driver_start(&s.d, MERGE, SIZE);
	driver_ask(&s.d, RX, 128);
	driver_kick(&s.d, RX);
	host_sends(&s, 60, 1);
	CHECK_INT(driver_used(&s.d, RX, NULL), 0);
	close_net(&s);
}

static void no_tap(void)
{
	struct driver d;

	driver_open(&d);
	CHECK(net_create(&d.mem, &d.loop, &(struct vm_net){.tap = 0}) == NULL);
	CHECK_HAS(fail_text(), "header size of a tap");
	driver_close(&d);
}

int main(void)
{
	TEST("address and MTU are told", tells);
	TEST("the guest's frames come out of the tap", sends);
	TEST("the tap's frames come to the guest", receives);
	TEST("a frame longer than a buffer takes several, when all are there",
	     merges);
	TEST("frames wait in the tap for buffers, and keep their order", waits);
	TEST("frames and buffers without a header break the device", mistakes);
	TEST("what is no tap is refused", no_tap);
	return test_done();
}
