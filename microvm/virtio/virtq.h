/* SPDX-License-Identifier: MIT */
/* The device's side of a split virtqueue (virtio 1.2, section 2.7). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "microvm/memory.h"

struct vring_avail;
struct vring_desc;
struct vring_used;

/*
 * All that a guest says about buffers is checked here, and nowhere else: ring
 * addresses when the queue is set up, indices and descriptors at each use. A
 * descriptor chain, its indirect table too, is copied once and bounded by the
 * caller's array; only the copy is read. Whatever the guest does wrong makes
 * virtq_next() return -errno with fail() text: the device then calls
 * virtio_broken() and touches the queue no more until the driver's reset.
 *
 * owned by: the thread that serves the queue. Set up by the transport before
 * that thread hears of it.
 */
struct virtq {
	const struct guestmem *mem;
	bool ready;    /* checked and in use; else virtq_next() finds nothing */
	uint16_t size; /* a power of two */
	uint16_t last_avail; /* next entry of the available ring to take */
	uint16_t used_index; /* next entry of the used ring to fill */
	uint16_t signalled;  /* used_index when virtq_signal() last looked */
	bool event_idx;      /* VIRTIO_F_EVENT_IDX was negotiated */
	gpa_t desc, avail, used;
	/* Where these are, once they are known to lie in RAM. */
	const struct vring_desc *desc_ring;
	struct vring_avail *avail_ring;
	struct vring_used *used_ring;
	int notify;    /* eventfd: the driver kicks */
	int irq;       /* eventfd: we interrupt */
	uint32_t *isr; /* the transport's interrupt status; atomic */
};

/*
 * A chain as host memory: first the parts that the device reads, then those
 * that it writes. The caller sets iov and room only.
 */
struct virtq_chain {
	struct iovec *iov;        /* the caller's array */
	unsigned room;            /* its length; a longer chain is an error */
	unsigned n_read, n_write; /* iov[0..n_read) then [n_read..+n_write) */
	size_t read_bytes, write_bytes;
	uint16_t head; /* for virtq_push() */
};

/*
 * Checks the ring's place and prepares for use. desc, avail, used and size are
 * the driver's. Returns 0 or -errno with fail() text.
 */
int virtq_start(struct virtq *q);

/* Has an eventfd signalled: the queue's notify, or the device's irq. */
void virtq_poke(int eventfd);

/*
 * Takes the next available chain. Returns 1 and *chain, 0 when there is none
 * (and then the driver's kicks are asked for), or -errno with fail() text.
 */
int virtq_next(struct virtq *q, struct virtq_chain *chain);

/* Puts the last chain taken back, as if it had not been taken; once more, the
 * one before it. */
void virtq_undo_next(struct virtq *q);

/* Gives a chain back with this many bytes written. */
void virtq_push(struct virtq *q, uint16_t head, uint32_t written);

/* Interrupts the driver if it wants to hear of what was pushed since. Call
 * once after a batch of virtq_push(). */
void virtq_signal(struct virtq *q);

/* Copies up to len bytes out of the parts that the device reads, from offset
 * on. Returns the bytes copied. */
size_t virtq_copy_out(const struct virtq_chain *chain, size_t offset,
		      void *bytes, size_t len);

/* Copies len bytes into the parts that the device writes, from offset on.
 * Returns the bytes copied. */
size_t virtq_copy_in(const struct virtq_chain *chain, size_t offset,
		     const void *bytes, size_t len);
