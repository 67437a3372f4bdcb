/* SPDX-License-Identifier: MIT */
/* What every virtio device has, and what a device has to bring. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "microvm/virtio/virtq.h"

struct bus;
struct loop;

#define VIRTIO_QUEUES_MAX 8 /* console: control, agent, kernel log */

struct virtio_device;

/*
 * One kind of device. All functions run with the device's lock held: activate
 * and kick in the I/O thread, reset and config_* in a vCPU's, where the loop
 * must not be touched; destroy in the I/O thread, alone.
 */
struct virtio_ops {
	const char *name; /* in messages: "rng" */
	uint32_t id;      /* VIRTIO_ID_* */
	unsigned n_queues;
	uint16_t queue_max; /* largest size of each queue, a power of two */
	uint64_t features;  /* offered, beside those of the transport */

	/* Reads of the configuration space; the rest is zeroes. NULL: none. */
	void (*config_read)(struct virtio_device *dev, uint64_t offset,
			    void *bytes, unsigned len);
	/* Writes to it; checked by the device. NULL: they are dropped. */
	void (*config_write)(struct virtio_device *dev, uint64_t offset,
			     const void *bytes, unsigned len);
	/* The driver is ready; its features are dev->features. Queues with a
	 * size are started. NULL: nothing to do. */
	int (*activate)(struct virtio_device *dev);
	/* The driver kicked queue q, or it was just activated. */
	int (*kick)(struct virtio_device *dev, unsigned q);
	/* The driver reset the device: forget what it said. When this returns
	 * no thread touches its queues any more. NULL: nothing to do. */
	void (*reset)(struct virtio_device *dev);
	/* Frees what the device's _create made. */
	void (*destroy)(struct virtio_device *dev);
};

/* Whose queue an eventfd kicks. */
struct virtio_wire {
	struct virtio_device *dev;
	unsigned q;
};

/*
 * Base of each device: first member of its own struct. A negative return of
 * activate or kick marks the device as needing reset; it is logged once.
 *
 * States: reset (status 0) → negotiating → active (DRIVER_OK) → broken
 * (DEVICE_NEEDS_RESET) → reset. Queues are used in active only.
 * guarded by: lock, but for what its comments say.
 */
struct virtio_device {
	const struct virtio_ops *ops;
	const struct guestmem *mem;
	struct loop *loop; /* the I/O thread's */
	pthread_mutex_t lock;
	uint64_t features; /* accepted by the driver */
	uint32_t status;
	uint32_t isr; /* atomic */
	uint32_t config_generation;
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	bool activated; /* ops->activate was called since DRIVER_OK */
	bool reported;  /* a mistake of the guest was logged; outlives resets */
	int irq;        /* eventfd */
	struct virtq queues[VIRTIO_QUEUES_MAX];
	struct virtio_wire wires[VIRTIO_QUEUES_MAX]; /* constant */
};

/*
 * Prepares the base: eventfds for the interrupt and for each queue's kick,
 * which are watched in loop. I/O thread, before vCPUs run.
 * Returns 0 or -errno with fail() text.
 */
int virtio_init(struct virtio_device *dev, const struct virtio_ops *ops,
		const struct guestmem *mem, struct loop *loop);

/* Closes and forgets the base; safe on a zeroed struct. */
void virtio_fini(struct virtio_device *dev);

/* Calls ops->destroy; NULL is fine. */
void virtio_destroy(struct virtio_device *dev);

/*
 * A mistake of the guest, described by fail() text: logged once, and the
 * device asks for its reset. With the lock held.
 */
void virtio_broken(struct virtio_device *dev);

/* The configuration space changed: the driver is told. With the lock held. */
void virtio_config_changed(struct virtio_device *dev);

/* What the driver reset is as it was made. vCPU thread, with the lock held. */
void virtio_reset(struct virtio_device *dev);

/* DRIVER_OK was written: the I/O thread is told. With the lock held. */
void virtio_activate(struct virtio_device *dev);

/* May queues be used? For handlers of the device's own fds; with the lock. */
bool virtio_is_active(const struct virtio_device *dev);

/* Serves one chain: 0 and the bytes written to it, or -errno with fail() text
 * for a mistake of the guest. */
typedef int virtio_serve(struct virtio_device *dev,
			 const struct virtq_chain *chain, uint32_t *written);

/*
 * Has each chain of queue q served and gives it back; chain is where they are
 * put. After as many as the queue holds the queue is kicked again, so that no
 * guest keeps the loop to itself. Returns 0 or -errno with fail() text.
 */
int virtio_serve_queue(struct virtio_device *dev, unsigned q,
		       struct virtq_chain *chain, virtio_serve *serve);

/* For config_read: the part of a device's configuration that is read; what
 * lies behind its end is left as it is. */
void virtio_config_copy(const void *config, size_t config_bytes,
			uint64_t offset, void *bytes, unsigned len);

/* Was the feature accepted? */
static inline bool virtio_has(const struct virtio_device *dev, unsigned bit)
{
	return dev->features & 1ULL << bit;
}
