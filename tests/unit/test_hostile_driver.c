/* SPDX-License-Identifier: MIT */
/* A guest that breaks every rule of rings and registers: the device lives. */
#include <sys/mman.h>

#include "microvm/virtio/devices.h"
#include "tests/unit/driver.h"

#define SIZE  8
#define WRITE VRING_DESC_F_WRITE

/* What the guest does to queue 0 of a running rng. */
static void index_ahead(struct driver *d)
{
	d->queues[0].avail->idx += SIZE + 1;
}

static void index_back(struct driver *d)
{
	d->queues[0].avail->idx = UINT16_MAX;
}

static void head_out_of_range(struct driver *d)
{
	driver_offer(d, 0, SIZE);
}

static void offer_one(struct driver *d, uint64_t addr, uint32_t len,
		      uint16_t flags, uint16_t next)
{
	d->queues[0].desc[0] = (struct vring_desc){addr, len, flags, next};
	driver_offer(d, 0, 0);
}

static void next_out_of_range(struct driver *d)
{
	offer_one(d, DRIVER_BUFFERS, 8, WRITE | VRING_DESC_F_NEXT, UINT16_MAX);
}

static void circle(struct driver *d)
{
	offer_one(d, DRIVER_BUFFERS, 8, WRITE | VRING_DESC_F_NEXT, 0);
}

static void behind_memory(struct driver *d)
{
	offer_one(d, DRIVER_MEMORY - 4, 8, WRITE, 0);
}

static void around_the_end(struct driver *d)
{
	offer_one(d, UINT64_MAX - 3, 8, WRITE, 0);
}

static void registers_as_buffer(struct driver *d)
{
	offer_one(d, DRIVER_BASE, 8, WRITE, 0);
}

static void no_bytes(struct driver *d)
{
	offer_one(d, DRIVER_BUFFERS, 0, WRITE, 0);
}

static void wrong_order(struct driver *d)
{
	d->queues[0].desc[1] = (struct vring_desc){DRIVER_BUFFERS, 8, 0, 0};
	offer_one(d, DRIVER_BUFFERS, 8, WRITE | VRING_DESC_F_NEXT, 1);
}

static void indirect_and_next(struct driver *d)
{
	offer_one(d, DRIVER_BUFFERS, 16,
		  VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
}

static void indirect_odd(struct driver *d)
{
	offer_one(d, DRIVER_BUFFERS, 17, VRING_DESC_F_INDIRECT, 0);
}

static void indirect_huge(struct driver *d)
{
	offer_one(d, DRIVER_BUFFERS, 1 << 20, VRING_DESC_F_INDIRECT, 0);
}

static void indirect_nowhere(struct driver *d)
{
	offer_one(d, DRIVER_MEMORY, 16, VRING_DESC_F_INDIRECT, 0);
}

/* The table is the ring itself, in which the descriptor is indirect again. */
static void indirect_nested(struct driver *d)
{
	offer_one(d, DRIVER_RINGS(0), 16, VRING_DESC_F_INDIRECT, 0);
}

static void status_back(struct driver *d)
{
	driver_set(d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
}

static const struct {
	const char *sentence;
	void (*act)(struct driver *d);
} mistakes[] = {
	{"index too far ahead", index_ahead},
	{"index that goes back", index_back},
	{"head out of range", head_out_of_range},
	{"next out of range", next_out_of_range},
	{"chain in a circle", circle},
	{"buffer over memory's end", behind_memory},
	{"buffer around the end of addresses", around_the_end},
	{"buffer in a device", registers_as_buffer},
	{"buffer of no bytes", no_bytes},
	{"readable behind writable", wrong_order},
	{"indirect with next", indirect_and_next},
	{"indirect table of odd length", indirect_odd},
	{"indirect table longer than the queue", indirect_huge},
	{"indirect table outside memory", indirect_nowhere},
	{"indirect in indirect", indirect_nested},
	{"status that goes back", status_back},
};

/* stderr goes to a memory file; returns it. */
static int catch_log(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		abort();
	return fd;
}

static unsigned count_lines(int fd)
{
	char text[4096];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	unsigned lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

static void open_rng(struct driver *d)
{
	driver_open(d);
	driver_attach(d, rng_create(&d->mem, &d->loop));
}

static bool works(struct driver *d)
{
	uint32_t len = 0;

	driver_start(d, 1ULL << VIRTIO_RING_F_INDIRECT_DESC, SIZE);
	d->free = DRIVER_BUFFERS;
	driver_ask(d, 0, 64);
	driver_kick(d, 0);
	return driver_used(d, 0, &len) == 0 && len == 64;
}

static void breaks_and_recovers(struct driver *d, void (*act)(struct driver *d))
{
	CHECK(works(d));
	driver_interrupts(d);
	act(d);
	driver_kick(d, 0);
	CHECK(driver_status(d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK_INT(driver_interrupts(d), 1);
	CHECK(driver_get(d, VIRTIO_MMIO_INTERRUPT_STATUS) &
	      VIRTIO_MMIO_INT_CONFIG);
	/* It touches the queue no more. */
	driver_ask(d, 0, 64);
	driver_kick(d, 0);
	CHECK_INT(driver_used(d, 0, NULL), -1);
	CHECK_INT(driver_interrupts(d), 0);
	CHECK(works(d));
}

static void logs_once(void)
{
	int log = catch_log();
	struct driver d;

	open_rng(&d);
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		breaks_and_recovers(&d, mistakes[i].act);
	CHECK_INT(count_lines(log), 1);
	driver_close(&d);
}

/* The guest changes its descriptors after the device has taken them. */
static void changes_its_mind(void)
{
	struct driver d;
	struct iovec iov[4];
	struct virtq_chain chain = {.iov = iov, .room = 4};

	open_rng(&d);
	CHECK(works(&d));
	offer_one(&d, DRIVER_BUFFERS, 8, WRITE, 0);
	CHECK_INT(virtq_next(&d.dev->queues[0], &chain), 1);
	d.queues[0].desc[0].addr = DRIVER_MEMORY;
	d.queues[0].desc[0].len = UINT32_MAX;
	CHECK_INT(chain.write_bytes, 8);
	CHECK(iov[0].iov_base == driver_at(&d, DRIVER_BUFFERS));
	CHECK_INT(virtq_copy_in(&chain, 0, "0123456789", 10), 8);
	driver_close(&d);
}

/* Every register with every size and telling values, over and over. */
static void writes_everywhere(void)
{
	static const uint64_t values[] = {0,      1,          0xff,
					  0x8000, UINT32_MAX, UINT64_MAX};
	struct driver d;
	uint64_t value;

	catch_log();
	open_rng(&d);
	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
		for (uint64_t at = 0; at < 0x1000; at++)
			for (unsigned len = 1; len <= 8; len *= 2) {
				bus_write(&d.bus, DRIVER_BASE + at, &values[v],
					  len);
				bus_read(&d.bus, DRIVER_BASE + at, &value, len);
			}
	driver_run(&d);
	CHECK(works(&d));
	driver_close(&d);
}

/* Rings that lie over each other and over the buffers. */
static void overlapping_rings(void)
{
	struct driver d;

	catch_log();
	open_rng(&d);
	driver_negotiate(&d, 1ULL << VIRTIO_F_VERSION_1);
	driver_set(&d, VIRTIO_MMIO_QUEUE_NUM, SIZE);
	driver_set(&d, VIRTIO_MMIO_QUEUE_READY, 1); /* all of them at 0 */
	driver_set(&d, VIRTIO_MMIO_STATUS,
		   driver_status(&d) | VIRTIO_CONFIG_S_DRIVER_OK);
	for (int i = 0; i < 100; i++) {
		struct vring_desc *desc = driver_at(&d, 0);

		*desc = (struct vring_desc){0, 128, WRITE, 0};
		driver_kick(&d, 0);
	}
	CHECK(works(&d));
	driver_close(&d);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct driver d;

		TEST(mistakes[i].sentence)
		{
			open_rng(&d);
			breaks_and_recovers(&d, mistakes[i].act);
			driver_close(&d);
		}
	}
	TEST("all these mistakes are logged once", logs_once);
	TEST("changing a descriptor that was taken changes nothing",
	     changes_its_mind);
	TEST("writing all registers in all sizes leaves a device that works",
	     writes_everywhere);
	TEST("rings on top of each other harm the guest only",
	     overlapping_rings);
	return test_done();
}
