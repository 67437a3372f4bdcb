/* SPDX-License-Identifier: MIT */
/* Tests of the conversion of limits for cgroup v2; nothing is written. */
#include "isolate/cgroup_internal.h"

#include "lib/buf.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

/* What would be written to file; NULL: nothing, "!" an error. */
static const char *value_of(const struct spec_resources *res, const char *file)
{
	static char text[256];
	struct limit_source src = {.res = res};
	size_t n;
	const struct limit_row *rows = cgroup_v2_rows(&n);

	for (size_t i = 0; i < n; i++) {
		bool is_other = rows[i].other_file &&
				strcmp(rows[i].other_file, file) == 0;
		struct buf b = {};

		if (!is_other && strcmp(rows[i].file, file) != 0)
			continue;

		int r = is_other ? rows[i].other_format(&src, &b)
				 : rows[i].format(&src, &b);
		snprintf(text, sizeof(text), "%s", r < 0 ? "!" : buf_str(&b));
		bool has_value = r < 0 || b.len;

		buf_fini(&b);
		if (has_value)
			return text;
	}
	return NULL;
}

static bool gives(const struct spec_resources *res, const char *file,
		  const char *want)
{
	const char *got = value_of(res, file);

	if (!got || !want)
		return got == want;
	if (strcmp(got, want) != 0)
		printf("# %s: \"%s\", not \"%s\"\n", file, got, want);
	return strcmp(got, want) == 0;
}

static void test_weights(void)
{
	TEST("shares become weights that keep minimum, default and maximum")
	{
		CHECK(cgroup_v2_weight(0) == 1);
		CHECK(cgroup_v2_weight(1) == 1);
		CHECK(cgroup_v2_weight(2) == 1);
		CHECK(cgroup_v2_weight(1024) == 100);
		CHECK(cgroup_v2_weight(262144) == 10000);
		CHECK(cgroup_v2_weight(UINT64_MAX) == 10000);
	}
	TEST("shares in between follow the quadratic formula")
	{
		/* ceil(10^((l^2 + 125 l) / 612 - 7/34)), l = log2(shares) */
		CHECK(cgroup_v2_weight(3) == 2);
		CHECK(cgroup_v2_weight(512) == 59);
		CHECK(cgroup_v2_weight(2048) == 174);
		CHECK(cgroup_v2_weight(4096) == 303);
		CHECK(cgroup_v2_weight(100000) == 4340);
	}
	TEST("more shares never give less weight")
	{
		uint64_t last = 0;
		bool rises = true;

		for (uint64_t s = 2; s < 270000; s += 7) {
			uint64_t w = cgroup_v2_weight(s);

			rises = rises && w >= last && w >= 1 && w <= 10000;
			last = w;
		}
		CHECK(rises);
	}
	TEST("shares of 0 are none")
	{
		struct spec_resources res = {.cpu = {.has_shares = true}};

		CHECK(gives(&res, "cpu.weight", NULL));
	}
	TEST("a block weight is scaled for io.weight and kept for BFQ")
	{
		struct spec_resources res = {
			.block_io = {.has_weight = true, .weight = 10}};

		CHECK(gives(&res, "io.weight", "default 1"));
		CHECK(gives(&res, "io.bfq.weight", "10"));
		res.block_io.weight = 1000;
		CHECK(gives(&res, "io.weight", "default 10000"));
		res.block_io.weight = 500;
		CHECK(gives(&res, "io.weight", "default 4950"));
		res.block_io.weight = 0;
		CHECK(gives(&res, "io.weight", "default 1"));
	}
}

static void test_memory(void)
{
	TEST("nothing given writes nothing")
	{
		struct spec_resources res = {};
		size_t n;
		const struct limit_row *rows = cgroup_v2_rows(&n);

		for (size_t i = 0; i < n; i++)
			CHECK(gives(&res, rows[i].file, NULL));
	}
	TEST("memory of -1 is max")
	{
		struct spec_resources res = {.memory = {.has_limit = true,
							.limit = -1,
							.has_reservation = true,
							.reservation = -1}};

		CHECK(gives(&res, "memory.max", "max"));
		CHECK(gives(&res, "memory.low", "max"));
	}
	TEST("swap is what is left of the sum behind memory")
	{
		struct spec_resources res = {.memory = {.has_limit = true,
							.limit = 1000,
							.has_swap = true,
							.swap = 3000}};

		CHECK(gives(&res, "memory.max", "1000"));
		CHECK(gives(&res, "memory.swap.max", "2000"));
		res.memory.swap = 1000;
		CHECK(gives(&res, "memory.swap.max", "0"));
		res.memory.swap = -1;
		CHECK(gives(&res, "memory.swap.max", "max"));
	}
	TEST("swap below memory, or without a limit of memory, is refused")
	{
		struct spec_resources res = {.memory = {.has_limit = true,
							.limit = 1000,
							.has_swap = true,
							.swap = 999}};

		CHECK(gives(&res, "memory.swap.max", "!"));
		CHECK(strstr(fail_text(), "memory.swap.max"));
		res.memory.limit = -1;
		CHECK(gives(&res, "memory.swap.max", "!"));
		res.memory.has_limit = false;
		CHECK(gives(&res, "memory.swap.max", "!"));
	}
}

static void test_cpu(void)
{
	TEST("quota and period make cpu.max")
	{
		struct spec_resources res = {
			.cpu = {.has_quota = true, .quota_us = 50000}};

		CHECK(gives(&res, "cpu.max", "50000"));
		res.cpu.has_period = true;
		res.cpu.period_us = 100000;
		CHECK(gives(&res, "cpu.max", "50000 100000"));
		res.cpu.quota_us = -1;
		CHECK(gives(&res, "cpu.max", "max 100000"));
		res.cpu.has_quota = false;
		CHECK(gives(&res, "cpu.max", "max 100000"));
	}
	TEST("idle, burst and sets are written as they are")
	{
		struct spec_resources res = {.cpu = {.has_idle = true,
						     .idle = 1,
						     .has_burst = true,
						     .burst_us = 10,
						     .cpus = "0-1",
						     .mems = "0"}};

		CHECK(gives(&res, "cpu.idle", "1"));
		CHECK(gives(&res, "cpu.max.burst", "10"));
		CHECK(gives(&res, "cpuset.cpus", "0-1"));
		CHECK(gives(&res, "cpuset.mems", "0"));
	}
	TEST("a pids limit of -1 is max, of 0 is 0")
	{
		struct spec_resources res = {.has_pids_limit = true,
					     .pids_limit = -1};

		CHECK(gives(&res, "pids.max", "max"));
		res.pids_limit = 0;
		CHECK(gives(&res, "pids.max", "0"));
		res.pids_limit = 7;
		CHECK(gives(&res, "pids.max", "7"));
	}
}

static void test_devices(void)
{
	TEST("throttles of all kinds are lines of io.max, 0 takes one away")
	{
		struct spec_throttle_device a[] = {{8, 0, 1000}, {8, 16, 0}};
		struct spec_resources res = {};

		res.block_io.throttle[SPEC_THROTTLE_READ_BPS] = a;
		res.block_io.n_throttle[SPEC_THROTTLE_READ_BPS] = 2;
		res.block_io.throttle[SPEC_THROTTLE_WRITE_IOPS] = a;
		res.block_io.n_throttle[SPEC_THROTTLE_WRITE_IOPS] = 1;
		CHECK(gives(&res, "io.max",
			    "8:0 rbps=1000\n8:16 rbps=max\n8:0 wiops=1000\n"));
	}
	TEST("rdma limits name only what is given")
	{
		struct spec_rdma r[] = {{"mlx5_1", true, true, 2, 3},
					{"mlx5_2", false, true, 0, 4}};
		struct spec_resources res = {.rdma = r, .n_rdma = 2};

		CHECK(gives(&res, "rdma.max",
			    "mlx5_1 hca_handle=2 hca_object=3\n"
			    "mlx5_2 hca_object=4\n"));
	}
	TEST("members that only v1 has are refused by name")
	{
		struct spec_resources res = {.cpu = {.has_rt_runtime = true}};
		struct cgroup cg = {.mode = CGROUP_V2, .v2_fd = -1};
		struct limit_source src = {.cg = &cg, .res = &res};

		CHECK(cgroup_v2_limits(&src) == -EOPNOTSUPP);
		CHECK(strstr(fail_text(), "cpu.realtimeRuntime"));
		res = (struct spec_resources){.n_net_priorities = 1};
		CHECK(cgroup_v2_limits(&src) == -EOPNOTSUPP);
		CHECK(strstr(fail_text(), "network.priorities"));
	}
	TEST("a unified key that is not a file name is refused")
	{
		struct spec_key_value kv = {"../x/pids.max", "1"};
		struct spec_resources res = {.unified = &kv, .n_unified = 1};
		struct cgroup cg = {.mode = CGROUP_V2, .v2_fd = -1};
		struct limit_source src = {.cg = &cg, .res = &res};

		CHECK(cgroup_v2_unified(&src) == -EINVAL);
		CHECK(strstr(fail_text(), "../x/pids.max"));
		kv.key = "..";
		CHECK(cgroup_v2_unified(&src) == -EINVAL);
		kv.key = "";
		CHECK(cgroup_v2_unified(&src) == -EINVAL);
	}
}

int main(void)
{
	test_weights();
	test_memory();
	test_cpu();
	test_devices();
	return test_done();
}
