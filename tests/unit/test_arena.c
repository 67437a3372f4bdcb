/* SPDX-License-Identifier: MIT */
/* Tests of lib/arena.c. */
#include "lib/arena.h"

#include <stdint.h>

#include "tests/unit/test.h"

int main(void)
{
	struct arena a = {};

	TEST("pieces are zeroed, aligned and apart, in small and large sizes")
	{
		char *last = NULL;

		for (size_t size = 1; size < 100000; size = size * 3 + 1) {
			char *p = arena_alloc(&a, size);

			CHECK(p && p != last);
			CHECK_INT((uintptr_t)p % _Alignof(max_align_t), 0);
			CHECK(p[0] == 0 && p[size - 1] == 0);
			memset(p, 0xaa, size);
			last = p;
		}
	}
	TEST("strings are copied and ended")
	{
		CHECK_STR(arena_strdup(&a, "abc"), "abc");
		CHECK_STR(arena_strndup(&a, "abc", 2), "ab");
		CHECK_STR(arena_strndup(&a, NULL, 0), "");
		CHECK_STR(arena_printf(&a, "%s-%d", "x", 7), "x-7");
	}
	TEST("sizes that overflow give NULL")
	{
		CHECK(!arena_array(&a, SIZE_MAX / 2, 4));
		CHECK(!arena_alloc(&a, SIZE_MAX - 8));
		CHECK(!arena_strndup(&a, "", SIZE_MAX));
	}
	TEST("an array of nothing is something to point at")
	{
		CHECK(arena_array(&a, 0, 8));
	}
	TEST("an arena is usable again after it was freed")
	{
		arena_fini(&a);
		arena_fini(&a);
		CHECK_STR(arena_strdup(&a, "again"), "again");
	}
	arena_fini(&a);
	return test_done();
}
