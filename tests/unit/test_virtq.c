/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/virtq.c. */
#include "microvm/virtio/virtq.h"

#include "tests/unit/driver.h"

#define SIZE  8
#define DESC  0x1000ULL
#define AVAIL 0x2000ULL
#define USED  0x3000ULL
#define TABLE 0x4000ULL

/* A queue that no device serves: the test is both sides. */
struct ring {
	struct guestmem mem;
	struct virtq q;
	struct iovec iov[SIZE];
	struct virtq_chain chain;
	struct vring_desc *desc, *table;
	struct vring_avail *avail;
	struct vring_used *used;
};

static void open_ring(struct ring *r, bool event_idx)
{
	*r = (struct ring){};
	if (guestmem_create(&r->mem, DRIVER_RAM, false) < 0)
		exit(1);
	uint8_t *ram = r->mem.regions[0].host;

	r->desc = (void *)(ram + DESC);
	r->table = (void *)(ram + TABLE);
	r->avail = (void *)(ram + AVAIL);
	r->used = (void *)(ram + USED);
	r->q = (struct virtq){
		.mem = &r->mem,
		.size = SIZE,
		.event_idx = event_idx,
		.desc = DESC,
		.avail = AVAIL,
		.used = USED,
		.notify = -1,
		.irq = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
	};
	r->chain = (struct virtq_chain){.iov = r->iov, .room = SIZE};
	CHECK_INT(virtq_start(&r->q), 0);
}

static void close_ring(struct ring *r)
{
	close(r->q.irq);
	guestmem_destroy(&r->mem);
}

static void offer(struct ring *r, uint16_t head)
{
	r->avail->ring[r->avail->idx % SIZE] = head;
	r->avail->idx++;
}

static bool was_interrupted(struct ring *r)
{
	uint64_t count;

	return read(r->q.irq, &count, sizeof(count)) > 0;
}

/* What virtq_next() makes of these descriptors, from the first on. */
static int next_of(const struct vring_desc *desc, unsigned n,
		   const struct vring_desc *table, unsigned n_table)
{
	struct ring r;
	int result;

	open_ring(&r, false);
	memcpy(r.desc, desc, n * sizeof(*desc));
	if (table)
		memcpy(r.table, table, n_table * sizeof(*table));
	offer(&r, 0);
	fail_clear();
	result = virtq_next(&r.q, &r.chain);
	if (result < 0)
		CHECK(*fail_text());
	close_ring(&r);
	return result;
}

static int next_of_one(uint64_t addr, uint32_t len, uint16_t flags,
		       uint16_t next)
{
	const struct vring_desc desc = {addr, len, flags, next};

	return next_of(&desc, 1, NULL, 0);
}

#define NEXT     VRING_DESC_F_NEXT
#define WRITES   VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

static void places(void)
{
	static const struct {
		uint16_t size;
		gpa_t desc, avail, used;
	} wrong[] = {
		{0, DESC, AVAIL, USED},
		{3, DESC, AVAIL, USED},
		{65535, DESC, AVAIL, USED},
		{SIZE, DESC + 8, AVAIL, USED},
		{SIZE, DESC, AVAIL + 1, USED},
		{SIZE, DESC, AVAIL, USED + 2},
		{SIZE, DRIVER_RAM, AVAIL, USED},
		{SIZE, DRIVER_RAM - 16, AVAIL, USED},
		{SIZE, DESC, DRIVER_RAM - 4 - 2 * SIZE, USED},
		{SIZE, DESC, AVAIL, DRIVER_RAM - 4 - 8 * SIZE},
		{SIZE, -16ULL, AVAIL, USED},
		{SIZE, DESC, -2ULL, USED},
		{SIZE, DESC, AVAIL, -4ULL},
	};
	struct ring r;

	open_ring(&r, true);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct virtq q = {.mem = &r.mem,
				  .event_idx = true,
				  .size = wrong[i].size,
				  .desc = wrong[i].desc,
				  .avail = wrong[i].avail,
				  .used = wrong[i].used};

		fail_clear();
		CHECK(virtq_start(&q) < 0);
		CHECK(*fail_text());
		CHECK(!q.live);
		CHECK_INT(virtq_next(&q, &r.chain), 0);
	}
	close_ring(&r);
}

static void takes_and_gives(void)
{
	struct ring r;
	char text[8] = "";

	open_ring(&r, false);
	r.desc[2] = (struct vring_desc){0x8000, 4, NEXT, 5};
	r.desc[5] = (struct vring_desc){0x9000, 2, NEXT, 1};
	r.desc[1] = (struct vring_desc){0xa000, 16, WRITES, 0};
	memcpy(r.mem.regions[0].host + 0x8000, "abcd", 4);
	memcpy(r.mem.regions[0].host + 0x9000, "ef", 2);
	CHECK_INT(virtq_next(&r.q, &r.chain), 0);
	offer(&r, 2);
	CHECK_INT(virtq_next(&r.q, &r.chain), 1);
	CHECK(r.chain.head == 2 && r.chain.n_read == 2 && r.chain.n_write == 1);
	CHECK(r.chain.read_bytes == 6 && r.chain.write_bytes == 16);
	CHECK_INT(virtq_copy_out(&r.chain, 1, text, sizeof(text)), 5);
	CHECK_STR(text, "bcdef");
	CHECK_INT(virtq_copy_in(&r.chain, 14, "xyz", 3), 2);
	CHECK(!memcmp(r.mem.regions[0].host + 0xa00e, "xy\0", 3));
	virtq_undo_next(&r.q);
	CHECK_INT(virtq_next(&r.q, &r.chain), 1);
	virtq_push(&r.q, r.chain.head, 16);
	CHECK(r.used->idx == 1 && r.used->ring[0].id == 2 &&
	      r.used->ring[0].len == 16);
	CHECK(!was_interrupted(&r));
	virtq_signal(&r.q);
	CHECK(was_interrupted(&r));
	r.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	virtq_push(&r.q, 0, 0);
	virtq_signal(&r.q);
	CHECK(!was_interrupted(&r));
	close_ring(&r);
}

/* Around the end of the 16-bit indices, too. */
static void event_index(void)
{
	struct ring r;
	uint16_t *used_event, *avail_event;

	open_ring(&r, true);
	used_event = &r.avail->ring[SIZE];
	avail_event = (uint16_t *)&r.used->ring[SIZE];
	r.desc[0] = (struct vring_desc){0x8000, 4, WRITES, 0};
	for (uint32_t i = 0; i < 70000; i += 2) {
		/* The driver wants to hear of the second of two. */
		*used_event = (uint16_t)(i + 1);
		for (int n = 0; n < 2; n++) {
			offer(&r, 0);
			if (virtq_next(&r.q, &r.chain) != 1)
				CHECK(!"a chain was lost");
			virtq_push(&r.q, 0, 4);
			virtq_signal(&r.q);
			/* The very first signal is for sure. */
			if (was_interrupted(&r) != (n == 1 || i == 0))
				CHECK(!"an interrupt too many or too few");
		}
		if (virtq_next(&r.q, &r.chain) != 0 ||
		    *avail_event != (uint16_t)(i + 2))
			CHECK(!"a kick is not asked for");
	}
	close_ring(&r);
}

static void wrong_chains(void)
{
	const struct vring_desc loop[] = {{0x8000, 4, NEXT, 1},
					  {0x8000, 4, NEXT, 0}};
	const struct vring_desc turned[] = {{0x8000, 4, WRITES | NEXT, 1},
					    {0x8000, 4, 0, 0}};

	CHECK_INT(next_of_one(0x8000, 4, 0, 0), 1);
	CHECK_INT(next_of_one(0x8000, 4, NEXT, SIZE), -EINVAL);
	CHECK_INT(next_of_one(0x8000, 4, NEXT, 65535), -EINVAL);
	CHECK(next_of_one(0x8000, 4, NEXT, 0) < 0);
	CHECK_INT(next_of_one(0x8000, 0, 0, 0), -EFAULT);
	CHECK_INT(next_of_one(DRIVER_RAM, 4, 0, 0), -EFAULT);
	CHECK_INT(next_of_one(DRIVER_RAM - 3, 4, 0, 0), -EFAULT);
	CHECK_INT(next_of_one(-4ULL, 8, WRITES, 0), -EFAULT);
	CHECK_INT(next_of_one(0x8000, UINT32_MAX, WRITES, 0), -EFAULT);
	CHECK(next_of(loop, 2, NULL, 0) < 0);
	CHECK_INT(next_of(turned, 2, NULL, 0), -EINVAL);
}

static int next_of_table(uint64_t at, uint32_t len, uint16_t flags,
			 struct vring_desc first)
{
	const struct vring_desc desc = {at, len, flags, 0};

	return next_of(&desc, 1, &first, 1);
}

static void wrong_tables(void)
{
	const struct vring_desc good = {0x8000, 4, 0, 0};
	const struct vring_desc nested = {TABLE, 16, INDIRECT, 0};
	const struct vring_desc round = {0x8000, 4, NEXT, 0};

	CHECK_INT(next_of_table(TABLE, 16, INDIRECT, good), 1);
	CHECK_INT(next_of_table(TABLE, 0, INDIRECT, good), -EINVAL);
	CHECK_INT(next_of_table(TABLE, 24, INDIRECT, good), -EINVAL);
	CHECK_INT(next_of_table(TABLE, 0xfffffff0, INDIRECT, good), -EINVAL);
	CHECK_INT(next_of_table(DRIVER_RAM, 16, INDIRECT, good), -EFAULT);
	CHECK_INT(next_of_table(-8ULL, 16, INDIRECT, good), -EFAULT);
	CHECK_INT(next_of_table(TABLE, 16, INDIRECT | NEXT, good), -EINVAL);
	CHECK_INT(next_of_table(TABLE, 16, INDIRECT, nested), -EINVAL);
	CHECK_INT(next_of_table(TABLE, 16, INDIRECT, round), -ELOOP);
	/* At no multiple of anything: allowed; it holds zeroes here. */
	CHECK_INT(next_of_table(TABLE + 0x101, 16, INDIRECT, good), -EFAULT);
}

static void wrong_index(void)
{
	struct ring r;

	open_ring(&r, false);
	r.desc[0] = (struct vring_desc){0x8000, 4, 0, 0};
	offer(&r, SIZE);
	CHECK_INT(virtq_next(&r.q, &r.chain), -EINVAL);
	r.avail->idx = SIZE + 1;
	CHECK_INT(virtq_next(&r.q, &r.chain), -EINVAL);
	CHECK_HAS(fail_text(), "9 entries in a ring of 8");
	close_ring(&r);
}

static void long_chains(void)
{
	const struct vring_desc table = {TABLE, 16 * (SIZE + 1), INDIRECT, 0};
	struct vring_desc parts[SIZE + 1];

	for (uint16_t i = 0; i <= SIZE; i++)
		parts[i] =
			(struct vring_desc){0x8000, 4, NEXT, (uint16_t)(i + 1)};
	parts[SIZE].flags = 0;
	CHECK_INT(next_of(&table, 1, parts, SIZE + 1), -E2BIG);
}

int main(void)
{
	TEST("rings of a wrong size, place or alignment are refused", places);
	TEST("a chain is taken, put back, taken again and given back",
	     takes_and_gives);
	TEST("with event indices there is one interrupt where it is wanted",
	     event_index);
	TEST("chains that loop, leave memory or the ring are refused",
	     wrong_chains);
	TEST("indirect tables are checked as the ring is", wrong_tables);
	TEST("an index that jumps and a head outside the ring are refused",
	     wrong_index);
	TEST("a chain longer than the device's room is refused", long_chains);
	return test_done();
}
