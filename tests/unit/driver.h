/* SPDX-License-Identifier: MIT */
/* A fake guest: the driver's side of a device, for tests of microvm/virtio/. */
#pragma once

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/loop.h"
#include "microvm/bus.h"
#include "microvm/memory.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/mmio.h"
#include "microvm/virtio/virtio.h"
#include "tests/unit/test.h"

#define DRIVER_RAM    (2ULL << 20)
#define DRIVER_MMIO   0xd0000000ULL
#define DRIVER_RINGS  0x10000ULL  /* queue n's rings are at n pages of 16 KiB */
#define DRIVER_BUFFER 0x100000ULL /* from here on the test's */

#define DRIVER_ROUNDS_MAX 1000 /* more events in a row: the device spins */

struct driver_queue {
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t size, next_desc, used_seen;
};

struct driver {
	struct guestmem mem;
	struct loop loop;
	struct bus bus;
	struct virtio_device *dev;
	int idle; /* eventfd: ends a round of the loop */
	struct driver_queue queues[VIRTIO_QUEUES_MAX];
};

/* One part of a chain; the device writes it or reads it. */
struct driver_part {
	gpa_t at;
	uint32_t len;
	bool writes;
};

/* The guest's memory at an address. */
static inline void *driver_at(struct driver *d, gpa_t gpa)
{
	return d->mem.regions[0].host + gpa;
}

static inline uint32_t driver_read(struct driver *d, uint64_t offset)
{
	uint32_t value = 0;

	bus_read(&d->bus, DRIVER_MMIO + offset, &value, sizeof(value));
	return value;
}

static inline void driver_write(struct driver *d, uint64_t offset,
				uint32_t value)
{
	bus_write(&d->bus, DRIVER_MMIO + offset, &value, sizeof(value));
}

static inline int driver_idle(void *arg, uint32_t events)
{
	struct driver *d = arg;
	uint64_t count;

	(void)events;
	(void)!read(d->idle, &count, sizeof(count));
	loop_stop(&d->loop);
	return 0;
}

/* Memory, loop and bus, without a device. */
static inline void driver_init(struct driver *d)
{
	*d = (struct driver){.idle = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	if (guestmem_create(&d->mem, DRIVER_RAM, false) < 0 ||
	    loop_init(&d->loop) < 0 ||
	    loop_add(&d->loop, d->idle, EPOLLIN, driver_idle, d) < 0) {
		printf("# %s\n", fail_text());
		exit(1);
	}
}

/* Puts the device on the bus; takes it. */
static inline void driver_attach(struct driver *d, struct virtio_device *dev)
{
	d->dev = dev;
	if (!dev || mmio_attach(dev, &d->bus, DRIVER_MMIO) < 0) {
		printf("# %s\n", fail_text());
		exit(1);
	}
}

static inline void driver_fini(struct driver *d)
{
	virtio_destroy(d->dev);
	loop_fini(&d->loop);
	guestmem_destroy(&d->mem);
	close(d->idle);
}

/* Runs the I/O thread's loop until nothing is left to do. */
static inline void driver_pump(struct driver *d)
{
	const uint64_t one = 1;
	struct pollfd p = {.fd = d->loop.epoll, .events = POLLIN};

	for (int n = 0; poll(&p, 1, 0) > 0; n++) {
		if (n == DRIVER_ROUNDS_MAX) {
			printf("# the device has no rest\n");
			test_fail();
			return;
		}
		/* It comes last: what is ready is handled before. */
		(void)!write(d->idle, &one, sizeof(one));
		CHECK_INT(loop_run(&d->loop), 0);
	}
}

static inline uint64_t driver_offered(struct driver *d)
{
	uint64_t low;

	driver_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	low = driver_read(d, VIRTIO_MMIO_DEVICE_FEATURES);
	driver_write(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	return low | (uint64_t)driver_read(d, VIRTIO_MMIO_DEVICE_FEATURES)
			     << 32;
}

/* Reset to FEATURES_OK; returns whether the device took the features. */
static inline bool driver_negotiate(struct driver *d, uint64_t features)
{
	driver_write(d, VIRTIO_MMIO_STATUS, 0);
	memset(d->queues, 0, sizeof(d->queues));
	driver_write(d, VIRTIO_MMIO_STATUS, 1);
	driver_write(d, VIRTIO_MMIO_STATUS, 3);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	driver_write(d, VIRTIO_MMIO_DRIVER_FEATURES,
		     (uint32_t)(features >> 32));
	driver_write(d, VIRTIO_MMIO_STATUS, 11);
	return driver_read(d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK;
}

/* Tells the device where queue i is. */
static inline void driver_place(struct driver *d, unsigned i, uint32_t size,
				const gpa_t rings[3])
{
	driver_write(d, VIRTIO_MMIO_QUEUE_SEL, i);
	driver_write(d, VIRTIO_MMIO_QUEUE_NUM, size);
	for (unsigned n = 0; n < 3; n++) {
		uint64_t at = VIRTIO_MMIO_QUEUE_DESC_LOW + 0x10 * n;

		driver_write(d, at, (uint32_t)rings[n]);
		driver_write(d, at + 4, (uint32_t)(rings[n] >> 32));
	}
	driver_write(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

/* Makes an empty queue i; returns whether the device took it. */
static inline bool driver_queue(struct driver *d, unsigned i, uint16_t size)
{
	gpa_t at = DRIVER_RINGS + i * 0x4000ULL;
	const gpa_t rings[3] = {at, at + 0x2000, at + 0x3000};

	memset(driver_at(d, at), 0, 0x4000);
	d->queues[i] = (struct driver_queue){
		.desc = driver_at(d, rings[0]),
		.avail = driver_at(d, rings[1]),
		.used = driver_at(d, rings[2]),
		.size = size,
	};
	driver_place(d, i, size, rings);
	return driver_read(d, VIRTIO_MMIO_QUEUE_READY) == 1;
}

/* The whole handshake with all queues of 16 entries and all features but
 * those in without. */
static inline bool driver_start(struct driver *d, uint64_t without)
{
	bool ok = driver_negotiate(d, driver_offered(d) & ~without);

	for (unsigned i = 0; i < d->dev->ops->n_queues; i++)
		ok = driver_queue(d, i, 16) && ok;
	driver_write(d, VIRTIO_MMIO_STATUS, 15);
	driver_pump(d);
	return ok && driver_read(d, VIRTIO_MMIO_STATUS) == 15;
}

/* Makes a chain available; returns its head. */
static inline uint16_t driver_add(struct driver *d, unsigned i,
				  const struct driver_part *parts, unsigned n)
{
	struct driver_queue *q = &d->queues[i];
	uint16_t head = q->next_desc;

	for (unsigned k = 0; k < n; k++) {
		uint16_t at = q->next_desc;

		q->next_desc = (uint16_t)((at + 1) % q->size);
		q->desc[at] = (struct vring_desc){
			.addr = parts[k].at,
			.len = parts[k].len,
			.flags =
				(uint16_t)((parts[k].writes ? VRING_DESC_F_WRITE
							    : 0) |
					   (k + 1 < n ? VRING_DESC_F_NEXT : 0)),
			.next = q->next_desc,
		};
	}
	q->avail->ring[q->avail->idx % q->size] = head;
	__atomic_store_n(&q->avail->idx, (uint16_t)(q->avail->idx + 1),
			 __ATOMIC_RELEASE);
	return head;
}

/* Kicks queue i and lets the device work. */
static inline void driver_kick(struct driver *d, unsigned i)
{
	driver_write(d, VIRTIO_MMIO_QUEUE_NOTIFY, i);
	driver_pump(d);
}

/* The next chain that came back, or -1; *len: what was written. */
static inline int driver_used(struct driver *d, unsigned i, uint32_t *len)
{
	struct driver_queue *q = &d->queues[i];
	struct vring_used_elem *e = &q->used->ring[q->used_seen % q->size];

	if (__atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) == q->used_seen)
		return -1;
	q->used_seen++;
	if (len)
		*len = e->len;
	return (int)e->id;
}

/* Interrupts since the last look. */
static inline uint64_t driver_interrupts(struct driver *d)
{
	uint64_t count = 0;

	(void)!read(d->dev->irq, &count, sizeof(count));
	return count;
}

/* Has the device asked for its reset? */
static inline bool driver_is_broken(struct driver *d)
{
	return driver_read(d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}
