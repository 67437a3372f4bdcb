/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/virtq.c. */
#include "microvm/virtio/virtq.h"

#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

#define SIZE     8
#define ROOM     4
#define DESC     0x1000
#define AVAIL    0x2000
#define USED     0x3000
#define TABLE    0x4000 /* an indirect table */
#define BUFFER   0x5000
#define WRITE    VRING_DESC_F_WRITE
#define NEXT     VRING_DESC_F_NEXT
#define INDIRECT VRING_DESC_F_INDIRECT

/* A queue and the driver's side of it. */
struct ring {
	struct guestmem mem;
	struct virtq q;
	struct vring_desc *desc, *table;
	struct vring_avail *avail;
	struct vring_used *used;
	uint32_t isr;
	struct iovec iov[ROOM];
	struct virtq_chain chain;
};

static void ring_open(struct ring *r)
{
	*r = (struct ring){};
	if (guestmem_create(&r->mem, 2 << 20, false) < 0)
		abort();
	r->desc = guestmem_at(&r->mem, DESC, 1);
	r->table = guestmem_at(&r->mem, TABLE, 1);
	r->avail = guestmem_at(&r->mem, AVAIL, 1);
	r->used = guestmem_at(&r->mem, USED, 1);
	r->chain = (struct virtq_chain){.iov = r->iov, .room = ROOM};
	r->q = (struct virtq){
		.mem = &r->mem,
		.size = SIZE,
		.desc = DESC,
		.avail = AVAIL,
		.used = USED,
		.irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.isr = &r->isr,
	};
}

static void ring_close(struct ring *r)
{
	close(r->q.irq);
	guestmem_destroy(&r->mem);
}

static void describe(struct vring_desc *at, uint64_t addr, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	*at = (struct vring_desc){addr, len, flags, next};
}

static void offer(struct ring *r, uint16_t head)
{
	r->avail->ring[r->avail->idx % SIZE] = head;
	r->avail->idx++;
}

static int next(struct ring *r)
{
	return virtq_next(&r->q, &r->chain);
}

static bool interrupted(struct ring *r)
{
	uint64_t count;

	return read(r->q.irq, &count, sizeof(count)) > 0;
}

/* What virtq_next() says of a chain from descriptor 0 on. */
static const char *mistake(struct ring *r)
{
	offer(r, 0);
	fail_clear();
	return next(r) == -EINVAL ? fail_text() : "no failure";
}

/* What virtq_start() says. */
static const char *place(struct ring *r)
{
	fail_clear();
	return virtq_start(&r->q) == -EINVAL ? fail_text() : "no failure";
}

static void ring_start(struct ring *r)
{
	ring_open(r);
	CHECK_INT(virtq_start(&r->q), 0);
}

static void takes_a_chain(void)
{
	struct ring r;

	ring_start(&r);
	CHECK_INT(next(&r), 0);
	describe(&r.desc[3], BUFFER, 16, NEXT, 1);
	describe(&r.desc[1], BUFFER + 0x100, 32, NEXT | WRITE, 2);
	describe(&r.desc[2], BUFFER + 0x200, 64, WRITE, 0);
	offer(&r, 3);
	CHECK_INT(next(&r), 1);
	CHECK_INT(r.chain.head, 3);
	CHECK_INT(r.chain.n_read, 1);
	CHECK_INT(r.chain.n_write, 2);
	CHECK_INT(r.chain.read_bytes, 16);
	CHECK_INT(r.chain.write_bytes, 96);
	CHECK(r.iov[2].iov_base == guestmem_at(&r.mem, BUFFER + 0x200, 64));
	CHECK_INT(next(&r), 0);
	virtq_undo_next(&r.q);
	CHECK_INT(next(&r), 1);
	CHECK_INT(r.chain.head, 3);
	virtq_push(&r.q, 3, 7);
	CHECK_INT(r.used->idx, 1);
	CHECK_INT(r.used->ring[0].id, 3);
	CHECK_INT(r.used->ring[0].len, 7);
}

static void wraps(void)
{
	struct ring r;

	ring_start(&r);
	describe(&r.desc[0], BUFFER, 4, WRITE, 0);
	for (uint32_t i = 0; i < 70000; i++) {
		offer(&r, 0);
		CHECK_INT(next(&r), 1);
		virtq_push(&r.q, 0, i);
	}
	CHECK_INT(r.used->idx, 70000 % 65536);
	CHECK_INT(r.used->ring[69999 % SIZE].len, 69999);
	CHECK_INT(next(&r), 0);
}

static void follows_an_indirect_table(void)
{
	struct ring r;

	ring_start(&r);
	describe(&r.desc[0], BUFFER, 8, NEXT, 1);
	describe(&r.desc[1], TABLE, 3 * 16, INDIRECT, 0);
	describe(&r.table[0], BUFFER, 16, NEXT, 2);
	describe(&r.table[2], BUFFER, 32, WRITE, 0);
	offer(&r, 0);
	CHECK_INT(next(&r), 1);
	CHECK_INT(r.chain.n_read, 2);
	CHECK_INT(r.chain.n_write, 1);
	CHECK_INT(r.chain.read_bytes, 24);
}

static void copies(void)
{
	char bytes[16] = {};
	struct ring r;

	ring_start(&r);
	describe(&r.desc[0], BUFFER, 3, NEXT, 1);
	describe(&r.desc[1], BUFFER + 0x100, 5, NEXT, 2);
	describe(&r.desc[2], BUFFER + 0x200, 2, NEXT | WRITE, 3);
	describe(&r.desc[3], BUFFER + 0x300, 4, WRITE, 0);
	memcpy(guestmem_at(&r.mem, BUFFER, 3), "abc", 3);
	memcpy(guestmem_at(&r.mem, BUFFER + 0x100, 5), "defgh", 5);
	offer(&r, 0);
	CHECK_INT(next(&r), 1);
	CHECK_INT(virtq_copy_out(&r.chain, 0, bytes, sizeof(bytes)), 8);
	CHECK_STR(bytes, "abcdefgh");
	CHECK_INT(virtq_copy_out(&r.chain, 4, bytes, 2), 2);
	CHECK(memcmp(bytes, "ef", 2) == 0);
	CHECK_INT(virtq_copy_out(&r.chain, 8, bytes, 2), 0);
	CHECK_INT(virtq_copy_in(&r.chain, 1, "0123456789", 10), 5);
	CHECK_STR((char *)guestmem_at(&r.mem, BUFFER + 0x201, 1), "0");
	CHECK_STR((char *)guestmem_at(&r.mem, BUFFER + 0x300, 1), "1234");
}

static void interrupts_by_flag(void)
{
	struct ring r;

	ring_start(&r);
	virtq_signal(&r.q);
	CHECK(!interrupted(&r)); /* nothing was pushed */
	virtq_push(&r.q, 0, 0);
	virtq_signal(&r.q);
	CHECK(interrupted(&r));
	CHECK_INT(r.isr, VIRTIO_MMIO_INT_VRING);
	virtq_signal(&r.q);
	CHECK(!interrupted(&r));
	r.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	virtq_push(&r.q, 0, 0);
	virtq_signal(&r.q);
	CHECK(!interrupted(&r));
}

static void interrupts_by_event(void)
{
	struct ring r;

	ring_start(&r);
	r.q.event_idx = true;
	r.avail->flags = VRING_AVAIL_F_NO_INTERRUPT; /* not looked at */
	r.avail->ring[SIZE] = 1;                     /* with the second */
	virtq_push(&r.q, 0, 0);
	virtq_signal(&r.q);
	CHECK(!interrupted(&r));
	virtq_push(&r.q, 0, 0);
	virtq_signal(&r.q);
	CHECK(interrupted(&r));
	virtq_push(&r.q, 0, 0);
	virtq_signal(&r.q);
	CHECK(!interrupted(&r));
}

static void asks_for_kicks(void)
{
	struct ring r;

	ring_start(&r);
	r.q.event_idx = true;
	describe(&r.desc[0], BUFFER, 4, WRITE, 0);

	const uint16_t *event = (uint16_t *)&r.used->ring[SIZE];

	for (int i = 0; i < 3; i++)
		offer(&r, 0);
	CHECK_INT(next(&r), 1);
	CHECK_INT(*event, 0); /* there is more: no kick is needed */
	CHECK_INT(next(&r), 1);
	CHECK_INT(next(&r), 1);
	CHECK_INT(next(&r), 0);
	CHECK_INT(*event, 3);
}

static void ring_mistakes(void)
{
	struct ring r;

	ring_start(&r);
	r.q.size = 0;
	CHECK_STR(place(&r), "queue size 0");
	r.q.size = 12;
	CHECK_STR(place(&r), "queue size 12");
	r.q.size = SIZE;
	r.q.desc = DESC + 8;
	CHECK_STR(place(&r), "descriptor ring at 0x1008 is misaligned");
	r.q.desc = (2 << 20) - 16 * SIZE + 16;
	CHECK_HAS(place(&r), "outside memory");
	r.q.desc = UINT64_MAX - 15;
	CHECK_HAS(place(&r), "outside memory");
	r.q.desc = DESC;
	r.q.avail = AVAIL + 1;
	CHECK_STR(place(&r), "available ring at 0x2001 is misaligned");
	r.q.avail = AVAIL;
	r.q.used = USED + 2;
	CHECK_STR(place(&r), "used ring at 0x3002 is misaligned");
	r.q.used = (2 << 20) - 8;
	CHECK_STR(place(&r), "used ring at 0x1ffff8 is outside memory");
	r.q.used = USED;
	CHECK_STR(place(&r), "no failure");
}

static void circle(void)
{
	struct ring r;

	ring_start(&r);
	r.chain.room = ROOM;
	describe(&r.desc[0], TABLE, 2 * 16, INDIRECT, 0);
	describe(&r.table[0], BUFFER, 1, NEXT, 1);
	describe(&r.table[1], BUFFER, 1, NEXT, 0);
	CHECK_STR(mistake(&r), "descriptors in a circle");
}

static void too_long(void)
{
	struct ring r;

	ring_start(&r);
	for (uint16_t i = 0; i < SIZE; i++)
		describe(&r.desc[i], BUFFER, 1, i < SIZE - 1 ? NEXT : 0, i + 1);
	CHECK_STR(mistake(&r), "chain of more than 4 descriptors");
}

static void descriptor_out_of_range(void)
{
	struct ring r;

	ring_start(&r);
	describe(&r.desc[0], BUFFER, 1, NEXT, SIZE);
	CHECK_STR(mistake(&r), "descriptor 8 of 8");
	r.avail->idx = 0;
	offer(&r, 0xffff);
	CHECK_INT(next(&r), -EINVAL);
	CHECK_STR(fail_text(), "descriptor 65535 of 8");
}

static void buffer_outside_memory(void)
{
	struct ring r;

	ring_start(&r);
	describe(&r.desc[0], (2 << 20) - 4, 5, WRITE, 0);
	CHECK_STR(mistake(&r), "buffer of 5 bytes at 0x1ffffc");
	r.avail->idx = 0;
	describe(&r.desc[0], UINT64_MAX, 2, WRITE, 0);
	CHECK_HAS(mistake(&r), "buffer of 2 bytes at 0xffffffffffffffff");
	r.avail->idx = 0;
	describe(&r.desc[0], BUFFER, 0, WRITE, 0);
	CHECK_HAS(mistake(&r), "buffer of 0 bytes");
}

static void readable_after_writable(void)
{
	struct ring r;

	ring_start(&r);
	describe(&r.desc[0], BUFFER, 1, NEXT | WRITE, 1);
	describe(&r.desc[1], BUFFER, 1, 0, 0);
	CHECK_STR(mistake(&r), "readable buffer after a writable");
}

static void index_jumps(void)
{
	struct ring r;

	ring_start(&r);
	r.avail->idx = SIZE + 1;
	CHECK_INT(next(&r), -EINVAL);
	CHECK_STR(fail_text(), "9 buffers in a ring of 8");
	r.avail->idx = UINT16_MAX; /* backwards */
	CHECK_INT(next(&r), -EINVAL);
}

static void indirect_mistakes(void)
{
	struct ring r;

	ring_start(&r);
	describe(&r.desc[0], TABLE, 16, INDIRECT | NEXT, 1);
	CHECK_STR(mistake(&r), "indirect descriptor with a next");
	r.avail->idx = 0;
	describe(&r.desc[0], TABLE, 24, INDIRECT, 0);
	CHECK_STR(mistake(&r), "indirect table of 24 bytes");
	r.avail->idx = 0;
	describe(&r.desc[0], TABLE, 0, INDIRECT, 0);
	CHECK_STR(mistake(&r), "indirect table of 0 bytes");
	r.avail->idx = 0;
	describe(&r.desc[0], TABLE, 16 * (SIZE + 1), INDIRECT, 0);
	CHECK_STR(mistake(&r), "indirect table of 144 bytes");
	r.avail->idx = 0;
	describe(&r.desc[0], 2 << 20, 16, INDIRECT, 0);
	CHECK_STR(mistake(&r), "indirect table at 0x200000");
	r.avail->idx = 0;
	describe(&r.desc[0], TABLE, 16, INDIRECT, 0);
	describe(&r.table[0], TABLE, 16, INDIRECT, 0);
	CHECK_STR(mistake(&r), "indirect table in an indirect one");
	r.avail->idx = 0;
	describe(&r.table[0], BUFFER, 16, NEXT, 1);
	CHECK_STR(mistake(&r), "descriptor 1 of 1");
}

static void not_ready(void)
{
	struct ring r;

	ring_open(&r);
	offer(&r, 0);
	CHECK_INT(next(&r), 0);
	virtq_signal(&r.q);
	CHECK(!interrupted(&r));
	ring_close(&r);
}

int main(void)
{
	TEST("a chain is taken, put back, taken again and given back",
	     takes_a_chain);
	TEST("indices wrap around", wraps);
	TEST("an indirect table is followed, at a chain's end, too",
	     follows_an_indirect_table);
	TEST("bytes are copied across the parts of a chain", copies);
	TEST("a driver without event index is interrupted by its flag",
	     interrupts_by_flag);
	TEST("a driver with event index is interrupted at its event",
	     interrupts_by_event);
	TEST("kicks are asked for when the ring is empty only", asks_for_kicks);
	TEST("a ring in a wrong place or of a wrong size is refused",
	     ring_mistakes);
	TEST("descriptors in a circle are refused", circle);
	TEST("a chain longer than the caller's room is refused", too_long);
	TEST("a descriptor that is none is refused", descriptor_out_of_range);
	TEST("a buffer outside memory, or of no bytes, is refused",
	     buffer_outside_memory);
	TEST("a readable buffer after a writable one is refused",
	     readable_after_writable);
	TEST("an index that jumps is refused", index_jumps);
	TEST("indirect tables that break a rule are refused",
	     indirect_mistakes);
	TEST("a queue that is not ready has nothing", not_ready);
	return test_done();
}
