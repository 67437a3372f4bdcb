/* SPDX-License-Identifier: MIT */
/* Tests of lib/wire.c. */
#include "lib/wire.h"

#include "lib/arena.h"
#include "lib/cleanup.h"
#include "tests/unit/test.h"

static void round_trip(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};
	_cleanup_(arena_fini)
	struct arena a = {};
	struct wire_field f;

	wire_put_u64(&b, 1, UINT64_MAX - 1);
	wire_put_str(&b, 2, "text");
	wire_put_str(&b, 3, NULL);
	wire_put_str(&b, 4, "");

	size_t mark = wire_begin(&b, 5);

	wire_put_u64(&b, 6, 7);
	wire_end(&b, mark);

	struct wire w = wire_of(b.data, b.len);

	CHECK(wire_next(&w, &f) && f.tag == 1);
	CHECK(wire_u64(&f) == UINT64_MAX - 1);
	CHECK(wire_next(&w, &f) && f.tag == 2);
	CHECK_STR(wire_str(&f, &a), "text");
	CHECK(wire_next(&w, &f) && f.tag == 4);
	CHECK_STR(wire_str(&f, &a), "");
	CHECK(wire_next(&w, &f) && f.tag == 5);

	struct wire inside = wire_inside(&f);

	CHECK(wire_next(&inside, &f) && f.tag == 6 && wire_u64(&f) == 7);
	CHECK(!wire_next(&inside, &f) && !inside.bad);
	CHECK(!wire_next(&w, &f) && !w.bad);
}

/* A record of one field whose length field says len. */
static bool is_bad(uint32_t len, size_t bytes)
{
	uint8_t record[16] = {1,
			      0,
			      0,
			      0,
			      (uint8_t)len,
			      (uint8_t)(len >> 8),
			      (uint8_t)(len >> 16),
			      (uint8_t)(len >> 24)};
	struct wire w = wire_of(record, bytes);
	struct wire_field f;

	while (wire_next(&w, &f))
		;
	return w.bad;
}

int main(void)
{
	TEST("what is written is read, in order", round_trip);
	TEST("a field that runs over the end makes the record bad")
	{
		CHECK(!is_bad(8, 16));
		CHECK(is_bad(9, 16));
		CHECK(is_bad(UINT32_MAX, 16));
		CHECK(is_bad(7, 16)); /* one byte is left: no header */
		CHECK(is_bad(0, 7));
		CHECK(is_bad(0, 1));
		CHECK(!is_bad(0, 0));
	}
	TEST("a number of another size reads as 0, a NUL makes no string")
	{
		_cleanup_(arena_fini)
		struct arena a = {};
		struct wire_field f = {.bytes = (const uint8_t *)"ab\0c",
				       .len = 4};

		CHECK_INT(wire_u64(&f), 0);
		CHECK(!wire_str(&f, &a));
	}
	return test_done();
}
