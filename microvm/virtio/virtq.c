/* SPDX-License-Identifier: MIT */
/* The device's side of a split virtqueue: checks, takes and gives back. */
#include "microvm/virtio/virtq.h"

#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <unistd.h>

#include "lib/fail.h"

/* The rings are little-endian, as the hosts that have KVM and this VMM are. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte order");

/* Index fields: the driver writes them while they are read. */
#define LOAD(p)         __atomic_load_n(p, __ATOMIC_RELAXED)
#define LOAD_ACQUIRE(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)

/* Where a chain's descriptors are: the queue's table, or an indirect one. */
struct table {
	const struct vring_desc *descs;
	uint32_t n;
	bool indirect;
};

static const void *ring_at(const struct virtq *q, const char *what, gpa_t gpa,
			   uint64_t bytes, unsigned alignment)
{
	const void *ring = guestmem_at(q->mem, gpa, bytes);

	if (!ring || gpa % alignment) {
		fail_plain(EINVAL, "%s ring at %#llx is %s", what,
			   (unsigned long long)gpa,
			   ring ? "misaligned" : "outside memory");
		return NULL;
	}
	return ring;
}

int virtq_start(struct virtq *q)
{
	uint64_t n = q->size;

	if (n == 0 || n & (n - 1))
		return fail_plain(EINVAL, "queue size %u", q->size);
	q->desc_ring =
		ring_at(q, "descriptor", q->desc, n * sizeof(struct vring_desc),
			VRING_DESC_ALIGN_SIZE);
	/* Both end with an event index, whether it is used or not. */
	q->avail_ring = (void *)ring_at(q, "available", q->avail, 6 + 2 * n,
					VRING_AVAIL_ALIGN_SIZE);
	q->used_ring = (void *)ring_at(q, "used", q->used, 6 + 8 * n,
				       VRING_USED_ALIGN_SIZE);
	if (!q->desc_ring || !q->avail_ring || !q->used_ring)
		return -EINVAL;
	q->last_avail = q->used_index = q->signalled = 0;
	q->ready = true;
	return 0;
}

void virtq_poke(int eventfd)
{
	uint64_t one = 1;

	/* It fails when the count is full only: then it is readable. */
	(void)!write(eventfd, &one, sizeof(one));
}

static uint16_t *avail_event(const struct virtq *q)
{
	return (uint16_t *)&q->used_ring->ring[q->size];
}

/* The driver's index, when it is ahead; with nothing to take, asks for a kick
 * and looks again. */
static uint16_t available(const struct virtq *q)
{
	/* Partner: the driver's write barrier between entry and index. */
	uint16_t index = LOAD_ACQUIRE(&q->avail_ring->idx);

	if (index != q->last_avail || !q->event_idx)
		return index;
	__atomic_store_n(avail_event(q), q->last_avail, __ATOMIC_RELAXED);
	/* Partner: the driver's barrier between the index that it writes and
	 * the event that it reads; one of us sees the other's. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return LOAD_ACQUIRE(&q->avail_ring->idx);
}

/* Reads a descriptor once: later changes of the guest's are not seen. */
static int copy_desc(const struct table *t, uint32_t at,
		     struct vring_desc *desc)
{
	if (at >= t->n)
		return fail_plain(EINVAL, "descriptor %u of %u", at, t->n);
	memcpy(desc, &t->descs[at], sizeof(*desc));
	__asm__ volatile("" : : : "memory");
	return 0;
}

static int enter_indirect(const struct virtq *q, const struct vring_desc *desc,
			  struct table *t)
{
	uint32_t n = desc->len / sizeof(*desc);

	if (t->indirect)
		return fail_plain(EINVAL, "indirect table in an indirect one");
	if (desc->flags & VRING_DESC_F_NEXT)
		return fail_plain(EINVAL, "indirect descriptor with a next");
	if (desc->len == 0 || desc->len % sizeof(*desc) || n > q->size)
		return fail_plain(EINVAL, "indirect table of %u bytes",
				  desc->len);

	const void *descs = guestmem_at(q->mem, desc->addr, desc->len);

	if (!descs)
		return fail_plain(EINVAL, "indirect table at %#llx",
				  (unsigned long long)desc->addr);
	*t = (struct table){descs, n, true};
	return 0;
}

static int add_part(const struct virtq *q, const struct vring_desc *desc,
		    struct virtq_chain *chain)
{
	void *host = guestmem_at(q->mem, desc->addr, desc->len);
	unsigned n = chain->n_read + chain->n_write;

	if (!host)
		return fail_plain(EINVAL, "buffer of %u bytes at %#llx",
				  desc->len, (unsigned long long)desc->addr);
	if (n == chain->room)
		return fail_plain(EINVAL, "chain of more than %u descriptors",
				  n);
	chain->iov[n] = (struct iovec){host, desc->len};
	if (desc->flags & VRING_DESC_F_WRITE) {
		chain->n_write++;
		chain->write_bytes += desc->len;
		return 0;
	}
	if (chain->n_write > 0)
		return fail_plain(EINVAL, "readable buffer after a writable");
	chain->n_read++;
	chain->read_bytes += desc->len;
	return 0;
}

/* Follows the chain from its head on. A table's length bounds the steps in
 * it, so that a circle ends. */
static int walk(const struct virtq *q, struct virtq_chain *chain)
{
	struct table t = {q->desc_ring, q->size, false};
	uint32_t at = chain->head;
	uint32_t steps = 0;

	for (;;) {
		struct vring_desc desc;
		int r = copy_desc(&t, at, &desc);

		if (r < 0)
			return r;
		if (++steps > t.n)
			return fail_plain(EINVAL, "descriptors in a circle");
		if (desc.flags & VRING_DESC_F_INDIRECT) {
			r = enter_indirect(q, &desc, &t);
			if (r < 0)
				return r;
			at = steps = 0;
			continue;
		}
		r = add_part(q, &desc, chain);
		if (r < 0 || !(desc.flags & VRING_DESC_F_NEXT))
			return r;
		at = desc.next;
	}
}

int virtq_next(struct virtq *q, struct virtq_chain *chain)
{
	if (!q->ready)
		return 0;

	uint16_t ahead = available(q) - q->last_avail;

	if (ahead == 0)
		return 0;
	if (ahead > q->size)
		return fail_plain(EINVAL, "%u buffers in a ring of %u", ahead,
				  q->size);

	uint16_t slot = q->last_avail & (q->size - 1);

	*chain = (struct virtq_chain){
		.iov = chain->iov,
		.room = chain->room,
		.head = LOAD(&q->avail_ring->ring[slot]),
	};

	int r = walk(q, chain);

	if (r < 0)
		return r;
	q->last_avail++;
	return 1;
}

void virtq_undo_next(struct virtq *q)
{
	q->last_avail--;
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	struct vring_used_elem *e =
		&q->used_ring->ring[q->used_index & (q->size - 1)];

	e->id = head;
	e->len = written;
	q->used_index++;
	/* Partner: the driver's read barrier between index and entry. */
	__atomic_store_n(&q->used_ring->idx, q->used_index, __ATOMIC_RELEASE);
}

static bool wants_interrupt(const struct virtq *q)
{
	const struct vring_avail *avail = q->avail_ring;

	/* Partner: the driver's barrier between asking for an interrupt and
	 * its last look at the used index. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return !(LOAD(&avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(LOAD(&avail->ring[q->size]), q->used_index,
				q->signalled);
}

void virtq_signal(struct virtq *q)
{
	if (!q->ready || q->used_index == q->signalled)
		return;

	bool wanted = wants_interrupt(q);

	q->signalled = q->used_index;
	if (!wanted)
		return;
	/* Partner: the transport's read of the interrupt status. */
	__atomic_fetch_or(q->isr, VIRTIO_MMIO_INT_VRING, __ATOMIC_RELEASE);
	virtq_poke(q->irq);
}

/* Copies between bytes and the parts; to_guest says which way. */
static size_t copy(const struct iovec *iov, unsigned n, size_t offset,
		   void *bytes, size_t len, bool to_guest)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}

		uint8_t *guest = (uint8_t *)iov[i].iov_base + offset;
		uint8_t *ours = (uint8_t *)bytes + done;
		size_t part = iov[i].iov_len - offset;

		if (part > len - done)
			part = len - done;
		memcpy(to_guest ? guest : ours, to_guest ? ours : guest, part);
		done += part;
		offset = 0;
	}
	return done;
}

size_t virtq_copy_out(const struct virtq_chain *chain, size_t offset,
		      void *bytes, size_t len)
{
	return copy(chain->iov, chain->n_read, offset, bytes, len, false);
}

size_t virtq_copy_in(const struct virtq_chain *chain, size_t offset,
		     const void *bytes, size_t len)
{
	return copy(chain->iov + chain->n_read, chain->n_write, offset,
		    (void *)bytes, len, true);
}
