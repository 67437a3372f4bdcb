/* SPDX-License-Identifier: MIT */
/* Tests of cmd/limit.c. */
#include "cmd/limit.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

static int64_t bytes_of(const char *word)
{
	int64_t bytes = -2;

	return limit_bytes("memory", word, &bytes) < 0 ? -2 : bytes;
}

static void sizes_have_units(void)
{
	CHECK_INT(bytes_of("0"), 0);
	CHECK_INT(bytes_of("-1"), -1);
	CHECK_INT(bytes_of("4096"), 4096);
	CHECK_INT(bytes_of("7b"), 7);
	CHECK_INT(bytes_of("2k"), 2048);
	CHECK_INT(bytes_of("64M"), INT64_C(64) << 20);
	CHECK_INT(bytes_of("64mb"), INT64_C(64) << 20);
	CHECK_INT(bytes_of("3GiB"), INT64_C(3) << 30);
	CHECK_INT(bytes_of("1T"), INT64_C(1) << 40);
}

static void other_words_are_no_sizes(void)
{
	const char *const words[] = {"",     "M",
				     "1.5G", "12X",
				     "-2",   "-1M",
				     "1MM",  "1 M",
				     "1ib",  "+",
				     " ",    "9999999P",
				     "0x10", "99999999999999999999"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		CHECK_INT(bytes_of(words[i]), -2);
	CHECK(strstr(fail_text(), "--memory 99999999999999999999"));
}

static void only_the_named_is_set(void)
{
	struct limit_words w = {
		.pids_limit = "-1", .cpu_quota = "500", .memory = "1k"};
	struct spec_resources res = {.memory = {.has_swap = true, .swap = 5}};

	CHECK_INT(limit_set_all(&w, &res), 0);
	CHECK(res.has_pids_limit && res.cpu.has_quota && res.memory.has_limit);
	CHECK_INT(res.pids_limit, -1);
	CHECK_INT(res.cpu.quota_us, 500);
	CHECK_INT(res.memory.limit, 1024);
	CHECK_INT(res.memory.swap, 5);
	CHECK(!res.cpu.has_period && !res.cpu.has_shares && !res.cpu.cpus);
	CHECK(!res.block_io.has_weight && !res.memory.has_reservation);
}

static void numbers_have_ranges(void)
{
	struct spec_resources res = {};
	struct limit_words idle = {.cpu_idle = "2"};
	struct limit_words weight = {.blkio_weight = "70000"};
	struct limit_words shares = {.cpu_shares = "-1"};
	struct limit_words pids = {.pids_limit = "5x"};

	CHECK_INT(limit_set_all(&idle, &res), -EINVAL);
	CHECK_INT(limit_set_all(&weight, &res), -EINVAL);
	CHECK_INT(limit_set_all(&shares, &res), -EINVAL);
	CHECK_INT(limit_set_all(&pids, &res), -EINVAL);
	CHECK(strstr(fail_text(), "--pids-limit 5x"));
}

int main(void)
{
	TEST("a size has a unit, or -1 for none", sizes_have_units);
	TEST("what is no size is refused", other_words_are_no_sizes);
	TEST("only what is named is set", only_the_named_is_set);
	TEST("a number outside its range is refused", numbers_have_ranges);
	return test_done();
}
