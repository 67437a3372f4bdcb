/* SPDX-License-Identifier: MIT */
/* A fake guest: drives a virtio device by its registers and its rings. */
#pragma once

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "lib/fail.h"
#include "lib/loop.h"
#include "microvm/bus.h"
#include "microvm/memory.h"
#include "microvm/virtio/mmio.h"
#include "microvm/virtio/virtio.h"
#include "tests/unit/test.h"

#define DRIVER_MEMORY (4ULL << 20)
#define DRIVER_BASE   0xd0000000ULL /* of the registers */
#define DRIVER_ROUNDS 100           /* of the loop, until it has to be quiet */

/* Where the rings of a queue are; buffers begin behind those of the last. */
#define DRIVER_RINGS(q) (0x10000ULL * ((q) + 1))
#define DRIVER_BUFFERS  0x100000ULL

struct driver_queue {
	uint16_t size, index;     /* the next entry of the available ring */
	uint16_t next_desc, seen; /* seen: entries of the used ring */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

struct driver {
	struct guestmem mem;
	struct bus bus;
	struct loop loop;
	struct virtio_device *dev;
	struct driver_queue queues[VIRTIO_QUEUES_MAX];
	gpa_t free; /* the next buffer */
	int stop;
};

/* A part of a chain. */
struct driver_part {
	gpa_t gpa;
	uint32_t len;
	bool write; /* by the device */
};

static inline int driver_on_stop(void *arg, uint32_t events)
{
	struct driver *d = arg;
	uint64_t count;

	(void)events;
	(void)!read(d->stop, &count, sizeof(count));
	loop_stop(&d->loop);
	return 0;
}

/* Memory and loop, for a device that is made next. */
static inline void driver_open(struct driver *d)
{
	*d = (struct driver){.free = DRIVER_BUFFERS};
	d->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (guestmem_create(&d->mem, DRIVER_MEMORY, false) < 0 ||
	    loop_init(&d->loop) < 0 ||
	    loop_add(&d->loop, d->stop, EPOLLIN, driver_on_stop, d) < 0) {
		printf("Bail out! %s\n", fail_text());
		exit(1);
	}
}

/* Takes the device and puts it on the bus. */
static inline void driver_attach(struct driver *d, struct virtio_device *dev)
{
	if (!dev || mmio_attach(dev, &d->bus, DRIVER_BASE) < 0) {
		printf("Bail out! %s\n", fail_text());
		exit(1);
	}
	d->dev = dev;
}

static inline void driver_close(struct driver *d)
{
	virtio_destroy(d->dev);
	loop_fini(&d->loop);
	guestmem_destroy(&d->mem);
	close(d->stop);
}

static inline uint32_t driver_get(struct driver *d, uint64_t offset)
{
	uint32_t value;

	bus_read(&d->bus, DRIVER_BASE + offset, &value, sizeof(value));
	return value;
}

static inline void driver_set(struct driver *d, uint64_t offset, uint32_t value)
{
	bus_write(&d->bus, DRIVER_BASE + offset, &value, sizeof(value));
}

static inline uint32_t driver_status(struct driver *d)
{
	return driver_get(d, VIRTIO_MMIO_STATUS);
}

/* Runs the device's loop until nothing is left to do. */
static inline void driver_run(struct driver *d)
{
	struct pollfd p = {.fd = d->loop.epoll, .events = POLLIN};
	uint64_t one = 1;

	for (int i = 0; i < DRIVER_ROUNDS; i++) {
		if (poll(&p, 1, 0) == 0)
			return;
		(void)!write(d->stop, &one, sizeof(one));
		CHECK_INT(loop_run(&d->loop), 0);
	}
	printf("# the loop never gets quiet\n");
	test_fail();
}

static inline void driver_kick(struct driver *d, unsigned q)
{
	driver_set(d, VIRTIO_MMIO_QUEUE_NOTIFY, q);
	driver_run(d);
}

static inline void *driver_at(struct driver *d, gpa_t gpa)
{
	return guestmem_at(&d->mem, gpa, 1);
}

/* A fresh buffer. */
static inline gpa_t driver_alloc(struct driver *d, uint32_t bytes)
{
	gpa_t gpa = d->free;

	d->free += (bytes + 15) / 16 * 16;
	if (d->free > DRIVER_MEMORY)
		abort();
	return gpa;
}

/* Reset, and the handshake up to FEATURES_OK; returns the status. */
static inline uint32_t driver_negotiate(struct driver *d, uint64_t features)
{
	uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	driver_set(d, VIRTIO_MMIO_STATUS, 0);
	driver_set(d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	driver_set(d, VIRTIO_MMIO_STATUS, status);
	for (uint32_t sel = 0; sel < 2; sel++) {
		driver_set(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, sel);
		driver_set(d, VIRTIO_MMIO_DRIVER_FEATURES,
			   (uint32_t)(features >> 32 * sel));
	}
	driver_set(d, VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_FEATURES_OK);
	return driver_status(d);
}

static inline void driver_set_place(struct driver *d, uint64_t low, gpa_t gpa)
{
	driver_set(d, low, (uint32_t)gpa);
	driver_set(d, low + 4, (uint32_t)(gpa >> 32));
}

/* Sets queue q up. */
static inline void driver_queue(struct driver *d, unsigned q, uint16_t size)
{
	gpa_t rings = DRIVER_RINGS(q);

	d->queues[q] = (struct driver_queue){
		.size = size,
		.desc = driver_at(d, rings),
		.avail = driver_at(d, rings + 0x4000),
		.used = driver_at(d, rings + 0x8000),
	};
	memset(driver_at(d, rings), 0, 0x10000);
	driver_set(d, VIRTIO_MMIO_QUEUE_SEL, q);
	driver_set(d, VIRTIO_MMIO_QUEUE_NUM, size);
	driver_set_place(d, VIRTIO_MMIO_QUEUE_DESC_LOW, rings);
	driver_set_place(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, rings + 0x4000);
	driver_set_place(d, VIRTIO_MMIO_QUEUE_USED_LOW, rings + 0x8000);
	driver_set(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

/* From reset to DRIVER_OK, with all queues of this size; VERSION_1 is added
 * to the features. */
static inline void driver_start(struct driver *d, uint64_t features,
				uint16_t size)
{
	uint32_t status;

	status = driver_negotiate(d, features | 1ULL << VIRTIO_F_VERSION_1);
	CHECK(status & VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned q = 0; q < d->dev->ops->n_queues; q++)
		driver_queue(d, q, size);
	driver_set(d, VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_DRIVER_OK);
	driver_run(d);
}

/* Makes the chain that begins with this descriptor available. */
static inline void driver_offer(struct driver *d, unsigned q, uint16_t head)
{
	struct driver_queue *dq = &d->queues[q];

	dq->avail->ring[dq->index % dq->size] = head;
	dq->index++;
	__atomic_store_n(&dq->avail->idx, dq->index, __ATOMIC_SEQ_CST);
}

/* Writes a chain of these parts and makes it available; returns its head.
 * Descriptors are used in a circle: the caller keeps within the size. */
static inline uint16_t driver_add(struct driver *d, unsigned q,
				  const struct driver_part *parts, unsigned n)
{
	struct driver_queue *dq = &d->queues[q];
	uint16_t head = dq->next_desc % dq->size;

	for (unsigned i = 0; i < n; i++) {
		uint16_t at = dq->next_desc++ % dq->size;
		bool last = i == n - 1;

		dq->desc[at] = (struct vring_desc){
			.addr = parts[i].gpa,
			.len = parts[i].len,
			.flags = (parts[i].write ? VRING_DESC_F_WRITE : 0) |
				 (last ? 0 : VRING_DESC_F_NEXT),
			.next = last ? 0 : dq->next_desc % dq->size,
		};
	}
	driver_offer(d, q, head);
	return head;
}

/* Offers bytes to the device in a buffer of their own. */
static inline uint16_t driver_send(struct driver *d, unsigned q,
				   const void *bytes, uint32_t len)
{
	struct driver_part part = {driver_alloc(d, len), len, false};

	memcpy(driver_at(d, part.gpa), bytes, len);
	return driver_add(d, q, &part, 1);
}

/* Offers a buffer for the device to fill; returns where it is. */
static inline gpa_t driver_ask(struct driver *d, unsigned q, uint32_t len)
{
	struct driver_part part = {driver_alloc(d, len), len, true};

	driver_add(d, q, &part, 1);
	return part.gpa;
}

/* The next chain that came back: its head, and the bytes written; -1: none. */
static inline int driver_used(struct driver *d, unsigned q, uint32_t *len)
{
	struct driver_queue *dq = &d->queues[q];

	if (dq->seen == __atomic_load_n(&dq->used->idx, __ATOMIC_ACQUIRE))
		return -1;

	struct vring_used_elem e = dq->used->ring[dq->seen++ % dq->size];

	if (len)
		*len = e.len;
	return (int)e.id;
}

/* Interrupts since the last call. */
static inline unsigned driver_interrupts(struct driver *d)
{
	uint64_t count = 0;

	if (read(d->dev->irq, &count, sizeof(count)) < 0)
		return 0;
	return (unsigned)count;
}
