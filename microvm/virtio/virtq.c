/* SPDX-License-Identifier: MIT */
/* The device's side of a split virtqueue (virtio 1.2, section 2.7). */
#include "microvm/virtio/virtq.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <unistd.h>

#include "lib/fail.h"

/* -- The ring in guest memory --------------------------------------------- */

/*
 * The guest may write any of this at any moment: each value is read once, by
 * an access that the compiler cannot repeat, and only the copy is looked at.
 */
#define RING_READ(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define RING_WRITE(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

static uint16_t *avail_u16(const struct virtq *q, size_t index)
{
	return (uint16_t *)guestmem_at(q->mem, q->avail, 6 + 2ULL * q->size) +
	       index;
}

static struct vring_avail *avail_ring(const struct virtq *q)
{
	return guestmem_at(q->mem, q->avail, 4 + 2ULL * q->size);
}

static struct vring_used *used_ring(const struct virtq *q)
{
	return guestmem_at(q->mem, q->used, 4 + 8ULL * q->size);
}

/* used_event, behind the available ring: when the driver wants interrupts. */
static uint16_t used_event(const struct virtq *q)
{
	return RING_READ(avail_u16(q, 2 + q->size));
}

/* avail_event, behind the used ring: when we want kicks. */
static void set_avail_event(const struct virtq *q, uint16_t value)
{
	uint16_t *at = guestmem_at(q->mem, q->used + 4 + 8ULL * q->size, 2);

	RING_WRITE(at, value);
}

int virtq_start(struct virtq *q)
{
	uint64_t event = q->event_idx ? 2 : 0;

	if (q->size == 0 || q->size > 32768 || (q->size & (q->size - 1)))
		return fail_plain(EINVAL, "queue of size %u", q->size);
	if (q->desc % 16 || q->avail % 2 || q->used % 4)
		return fail_plain(EINVAL, "a ring is not aligned");
	if (!guestmem_at(q->mem, q->desc, 16ULL * q->size) ||
	    !guestmem_at(q->mem, q->avail, 4 + 2ULL * q->size + event) ||
	    !guestmem_at(q->mem, q->used, 4 + 8ULL * q->size + event))
		return fail_plain(EFAULT, "a ring is not in memory");
	q->last_avail = q->used_index = q->signalled = 0;
	q->signalled_valid = false;
	q->live = true;
	return 0;
}

/* -- Chains --------------------------------------------------------------- */

static int add_part(struct virtq *q, struct virtq_chain *chain,
		    const struct vring_desc *d)
{
	bool writes = d->flags & VRING_DESC_F_WRITE;
	unsigned n = chain->n_read + chain->n_write;
	void *host = guestmem_at(q->mem, d->addr, d->len);

	if (!host)
		return fail_plain(EFAULT,
				  "buffer of %u bytes at %#llx is not in "
				  "memory",
				  d->len, (unsigned long long)d->addr);
	if (n == chain->room)
		return fail_plain(E2BIG, "chain of more than %u buffers",
				  chain->room);
	/* What was written is told in 32 bits. */
	if (chain->read_bytes + chain->write_bytes + d->len > UINT32_MAX)
		return fail_plain(E2BIG, "chain of 4 GiB or more");
	if (!writes && chain->n_write)
		return fail_plain(EINVAL, "a buffer to read behind one to "
					  "write");
	chain->iov[n] = (struct iovec){.iov_base = host, .iov_len = d->len};
	if (writes) {
		chain->n_write++;
		chain->write_bytes += d->len;
	} else {
		chain->n_read++;
		chain->read_bytes += d->len;
	}
	return 0;
}

/* The descriptors that a chain goes through: the queue's, or its own. */
struct table {
	const uint8_t *bytes; /* an indirect table may lie at any address */
	uint32_t n;
	bool indirect;
};

static struct vring_desc copy_desc(const struct table *t, uint16_t at)
{
	struct vring_desc d;

	memcpy(&d, t->bytes + at * sizeof(d), sizeof(d));
	/* The compiler must not read guest memory again where it needs d. */
	__asm__ volatile("" : "+m"(d) : : "memory");
	return d;
}

static int walk(struct virtq *q, struct virtq_chain *chain, struct table t,
		uint16_t at);

static int walk_indirect(struct virtq *q, struct virtq_chain *chain,
			 const struct vring_desc *d)
{
	struct table t = {.n = d->len / sizeof(struct vring_desc),
			  .indirect = true};

	if (d->flags & VRING_DESC_F_NEXT)
		return fail_plain(EINVAL, "an indirect descriptor with a next "
					  "one");
	if (d->len == 0 || d->len % sizeof(struct vring_desc) || t.n > 32768)
		return fail_plain(EINVAL, "indirect table of %u bytes", d->len);
	t.bytes = guestmem_at(q->mem, d->addr, d->len);
	if (!t.bytes)
		return fail_plain(EFAULT, "an indirect table is not in memory");
	return walk(q, chain, t, 0);
}

static int walk(struct virtq *q, struct virtq_chain *chain, struct table t,
		uint16_t at)
{
	/* A chain longer than its table goes round in a circle. */
	for (uint32_t steps = 0; steps < t.n; steps++) {
		struct vring_desc d;
		int r;

		if (at >= t.n)
			return fail_plain(EINVAL, "descriptor %u of %u", at,
					  t.n);
		d = copy_desc(&t, at);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (t.indirect)
				return fail_plain(EINVAL,
						  "an indirect table within "
						  "another");
			return walk_indirect(q, chain, &d);
		}
		r = add_part(q, chain, &d);
		if (r < 0 || !(d.flags & VRING_DESC_F_NEXT))
			return r;
		at = d.next;
	}
	return fail_plain(ELOOP, "a chain of descriptors without an end");
}

/* -- Taking --------------------------------------------------------------- */

static uint16_t avail_index(const struct virtq *q)
{
	/* Pairs with the driver's write barrier between entry and index. */
	return __atomic_load_n(&avail_ring(q)->idx, __ATOMIC_ACQUIRE);
}

/* Asks for a kick at the next entry; true when one came meanwhile. */
static bool rearm(struct virtq *q)
{
	if (q->event_idx)
		set_avail_event(q, q->last_avail);
	/* Our wish must be seen before we look again: pairs with the driver's
	 * barrier between its index and its look at our wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return avail_index(q) != q->last_avail;
}

int virtq_next(struct virtq *q, struct virtq_chain *chain)
{
	struct table t = {.n = q->size};
	uint16_t waiting;
	int r;

	if (!q->live)
		return 0;
	waiting = (uint16_t)(avail_index(q) - q->last_avail);
	/* A guest that takes its index back has no entry either. */
	if (waiting == 0 && rearm(q))
		waiting = (uint16_t)(avail_index(q) - q->last_avail);
	if (waiting == 0)
		return 0;
	if (waiting > q->size)
		return fail_plain(EINVAL, "%u entries in a ring of %u", waiting,
				  q->size);
	chain->n_read = chain->n_write = 0;
	chain->read_bytes = chain->write_bytes = 0;
	chain->head =
		RING_READ(&avail_ring(q)->ring[q->last_avail & (q->size - 1)]);
	t.bytes = guestmem_at(q->mem, q->desc, 16ULL * q->size);
	r = walk(q, chain, t, chain->head);
	if (r < 0)
		return r;
	q->last_avail++;
	return 1;
}

void virtq_undo_next(struct virtq *q)
{
	q->last_avail--;
}

/* -- Giving back ---------------------------------------------------------- */

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	struct vring_used *used = used_ring(q);
	struct vring_used_elem *e = &used->ring[q->used_index & (q->size - 1)];

	RING_WRITE(&e->id, head);
	RING_WRITE(&e->len, written);
	/* Pairs with the driver's read barrier between index and entry. */
	__atomic_store_n(&used->idx, ++q->used_index, __ATOMIC_RELEASE);
}

static bool wants_signal(struct virtq *q)
{
	uint16_t pushed = (uint16_t)(q->used_index - q->signalled);
	bool was_valid = q->signalled_valid;

	if (pushed == 0)
		return false;
	q->signalled = q->used_index;
	q->signalled_valid = true;
	/* Our index must be seen before its wish is read: pairs with the
	 * driver's barrier between its wish and its look at our index. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!q->event_idx)
		return !(RING_READ(&avail_ring(q)->flags) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	return !was_valid ||
	       (uint16_t)(q->used_index - used_event(q) - 1) < pushed;
}

void virtq_signal(struct virtq *q)
{
	uint64_t one = 1;

	if (!wants_signal(q))
		return;
	if (q->isr)
		__atomic_fetch_or(q->isr, 1, __ATOMIC_RELEASE);
	if (q->irq >= 0)
		(void)!write(q->irq, &one, sizeof(one));
}

/* -- Bytes ---------------------------------------------------------------- */

static size_t copy(const struct iovec *iov, unsigned n, size_t skip,
		   uint8_t *out, const uint8_t *in, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		size_t part = iov[i].iov_len;

		if (skip >= part) {
			skip -= part;
			continue;
		}
		part -= skip;
		if (part > len - done)
			part = len - done;
		if (out)
			memcpy(out + done, (uint8_t *)iov[i].iov_base + skip,
			       part);
		else
			memcpy((uint8_t *)iov[i].iov_base + skip, in + done,
			       part);
		done += part;
		skip = 0;
	}
	return done;
}

size_t virtq_copy_out(const struct virtq_chain *chain, size_t offset,
		      void *bytes, size_t len)
{
	return copy(chain->iov, chain->n_read, offset, bytes, NULL, len);
}

size_t virtq_copy_in(const struct virtq_chain *chain, size_t offset,
		     const void *bytes, size_t len)
{
	return copy(chain->iov + chain->n_read, chain->n_write, offset, NULL,
		    bytes, len);
}
