/* SPDX-License-Identifier: MIT */
/* Tests of microvm/memory.c. */
#include "microvm/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "lib/fail.h"
#include "microvm/layout.h"
#include "tests/unit/test.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static void check_bounds(const struct guestmem *mem)
{
	uint8_t *host = mem->regions[0].host;

	CHECK(guestmem_at(mem, 0, 1) == host);
	CHECK(guestmem_at(mem, 4 * MIB - 1, 1) == host + 4 * MIB - 1);
	CHECK(guestmem_at(mem, 0, 4 * MIB) == host);
	CHECK(!guestmem_at(mem, 0, 4 * MIB + 1));
	CHECK(!guestmem_at(mem, 4 * MIB - 1, 2));
	CHECK(!guestmem_at(mem, 4 * MIB, 1));
	CHECK(!guestmem_at(mem, 0, 0));
	CHECK(!guestmem_at(mem, 1, UINT64_MAX));
	CHECK(!guestmem_at(mem, UINT64_MAX, 2));
	CHECK(!guestmem_at(mem, UINT64_MAX - 4095, 4096));
}

int main(void)
{
	TEST("an address is a pointer only if all of its bytes are RAM")
	{
		struct guestmem mem;

		CHECK_INT(guestmem_create(&mem, 4 * MIB, false), 0);
		CHECK_INT(mem.n_regions, 1);
		check_bounds(&mem);
		guestmem_destroy(&mem);
		CHECK(!guestmem_at(&mem, 0, 1));
	}
	TEST("memory beyond the 32-bit hole continues at 4 GiB")
	{
		struct guestmem mem;

		CHECK_INT(guestmem_create(&mem, 4 * GIB, false), 0);
		CHECK_INT(mem.n_regions, 2);
		CHECK_INT(mem.regions[0].bytes, LAYOUT_LOW_RAM_END);
		CHECK_INT(mem.regions[1].base, LAYOUT_HIGH_RAM);
		CHECK_INT(mem.regions[1].bytes, 4 * GIB - LAYOUT_LOW_RAM_END);
		CHECK(guestmem_at(&mem, LAYOUT_LOW_RAM_END - 1, 1));
		CHECK(!guestmem_at(&mem, LAYOUT_LOW_RAM_END - 1, 2));
		CHECK(!guestmem_at(&mem, LAYOUT_LOW_RAM_END, 1));
		CHECK(!guestmem_at(&mem, LAYOUT_HIGH_RAM - 1, 2));
		CHECK(guestmem_at(&mem, LAYOUT_HIGH_RAM, 1 * GIB));
		CHECK(!guestmem_at(&mem, LAYOUT_HIGH_RAM, 1 * GIB + 1));
		guestmem_destroy(&mem);
	}
	TEST("regions are aligned so that huge pages fit, and zeroed")
	{
		struct guestmem mem;

		CHECK_INT(guestmem_create(&mem, 2 * MIB, false), 0);
		CHECK_INT((uintptr_t)mem.regions[0].host % (2 * MIB), 0);
		CHECK_INT(mem.fd, -1);
		for (size_t i = 0; i < 2 * MIB; i += 4096)
			CHECK_INT(mem.regions[0].host[i], 0);
		guestmem_destroy(&mem);
	}
	TEST("shared memory is seen by whoever maps its memfd")
	{
		struct guestmem mem;

		CHECK_INT(guestmem_create(&mem, 2 * MIB, true), 0);
		CHECK(mem.fd >= 0);

		char *other =
			mmap(NULL, 4096, PROT_READ, MAP_SHARED, mem.fd, 4096);

		CHECK(other != MAP_FAILED);
		memcpy(guestmem_at(&mem, 4096, 5), "hello", 5);
		CHECK(memcmp(other, "hello", 5) == 0);
		munmap(other, 4096);
		guestmem_destroy(&mem);
		CHECK_INT(mem.fd, -1);
	}
	TEST("sizes that are no multiple of 2 MiB, or absurd, are refused")
	{
		struct guestmem mem;

		CHECK_INT(guestmem_create(&mem, 0, false), -EINVAL);
		CHECK_INT(guestmem_create(&mem, 3 * MIB, false), -EINVAL);
		CHECK_HAS(fail_text(), "guest memory of 3145728 bytes");
		CHECK_INT(guestmem_create(&mem, 1ULL << 63, false), -EINVAL);
		CHECK_INT(guestmem_create(&mem, 1ULL << 60, false), -ENOMEM);
		CHECK_INT(mem.n_regions, 0);
	}
	TEST("destroying a zeroed struct closes nothing")
	{
		struct guestmem mem = {};

		CHECK(dup2(STDOUT_FILENO, 0) == 0);
		guestmem_destroy(&mem);
		CHECK(fcntl(0, F_GETFD) >= 0);
	}
	return test_done();
}
