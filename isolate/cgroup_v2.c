/* SPDX-License-Identifier: MIT */
/* Limits as the files of cgroup v2 want them, and enabling controllers. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define FILE_MAX_BYTES (1 << 16)

/* -- Conversion ----------------------------------------------------------- */

/*
 * No libm: it would be one more library to load for these two, and 1e-12 is
 * more than a weight between 1 and 10000 needs.
 */
static double log2_of(double x)
{
	double bits = 0, unit = 1;

	for (; x >= 2; x /= 2)
		bits += 1;
	for (int i = 0; i < 50; i++) {
		unit /= 2;
		x *= x;
		if (x >= 2) {
			x /= 2;
			bits += unit;
		}
	}
	return bits;
}

/* 10 to the power of x, for 0 <= x <= 4. */
static double pow10_of(double x)
{
	double y = x * 2.302585092994046 / 16; /* ln 10: e^y, then ^16 */
	double sum = 1, term = 1;

	for (int i = 1; i < 24; i++) {
		term *= y / i;
		sum += term;
	}
	for (int i = 0; i < 4; i++)
		sum *= sum;
	return sum;
}

uint64_t cgroup_v2_weight(uint64_t shares)
{
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;

	/* 2 gives 1, 1024 gives 100 and 262144 gives 10000. */
	double l = log2_of((double)shares);
	double weight = pow10_of((l * l + 125 * l) / 612 - 7.0 / 34);
	uint64_t down = (uint64_t)weight;

	return weight - (double)down > 1e-6 ? down + 1 : down;
}

/* blkio's weight (10 to 1000) as io.weight (1 to 10000). */
static unsigned io_weight(unsigned weight)
{
	return weight <= 10 ? 1 : 1 + (weight - 10) * 9999 / 990;
}

static int put_limit(struct buf *value, int64_t limit)
{
	if (limit < 0)
		buf_puts(value, "max");
	else
		buf_printf(value, "%" PRId64, limit);
	return 0;
}

/* -- Formats -------------------------------------------------------------- */

/* checkBeforeUpdate: not below what is in use already. */
static int check_use(const struct limit_source *src, const char *file,
		     const char *use_file, int64_t limit)
{
	int64_t use;

	if (!src->res->memory.check_before_update || limit < 0 ||
	    cgroup_limit_read_number(src->cg, CGROUP_MEMORY, use_file, &use))
		return 0;
	if (use <= limit)
		return 0;
	return fail_plain(EBUSY,
			  "%s: %" PRId64 " is below the present use "
			  "of %" PRId64,
			  file, limit, use);
}

static int v2_memory(const struct limit_source *src, struct buf *value)
{
	const struct spec_memory *m = &src->res->memory;

	if (!m->has_limit)
		return 0;
	put_limit(value, m->limit);
	return check_use(src, "memory.max", "memory.current", m->limit);
}

/* The spec's swap counts memory and swap, v2's counts swap alone. */
static int v2_swap(const struct limit_source *src, struct buf *value)
{
	const struct spec_memory *m = &src->res->memory;
	int64_t limit = m->limit;

	if (!m->has_swap)
		return 0;
	if (m->swap < 0)
		return put_limit(value, -1);
	if (!m->has_limit &&
	    (!src->is_update ||
	     cgroup_limit_read_number(src->cg, CGROUP_MEMORY, "memory.max",
				      &limit) < 0))
		limit = -1;
	if (limit < 0)
		return fail_plain(EINVAL,
				  "memory.swap.max: "
				  "linux.resources.memory.swap needs a limit "
				  "of memory");
	if (m->swap < limit)
		return fail_plain(EINVAL,
				  "memory.swap.max: memory and swap "
				  "(%" PRId64 ") are less than memory "
				  "(%" PRId64 ")",
				  m->swap, limit);
	put_limit(value, m->swap - limit);
	return check_use(src, "memory.swap.max", "memory.swap.current",
			 m->swap - limit);
}

static int v2_reservation(const struct limit_source *src, struct buf *value)
{
	const struct spec_memory *m = &src->res->memory;

	return m->has_reservation ? put_limit(value, m->reservation) : 0;
}

static int v2_cpu_weight(const struct limit_source *src, struct buf *value)
{
	const struct spec_cpu *c = &src->res->cpu;

	/* 0 has always meant "not given" to the engines. */
	if (c->has_shares && c->shares)
		buf_printf(value, "%" PRIu64, cgroup_v2_weight(c->shares));
	return 0;
}

static int v2_cpu_max(const struct limit_source *src, struct buf *value)
{
	const struct spec_cpu *c = &src->res->cpu;

	if (c->has_quota && c->quota_us > 0)
		buf_printf(value, "%" PRId64, c->quota_us);
	else if (c->has_quota)
		buf_puts(value, "max");
	else if (c->has_period) {
		/* The file takes no period alone: keep the quota. */
		struct buf now = {};

		if (cgroup_limit_read(src->cg, CGROUP_CPU, "cpu.max", &now))
			buf_puts(value, "max");
		else
			buf_put(value, now.data, strcspn(buf_str(&now), " \n"));
		buf_fini(&now);
	}
	if (c->has_period)
		buf_printf(value, " %" PRIu64, c->period_us);
	return 0;
}

static int v2_io_weight(const struct limit_source *src, struct buf *value)
{
	if (src->res->block_io.has_weight)
		buf_printf(value, "default %u",
			   io_weight(src->res->block_io.weight));
	return 0;
}

static int v2_io_weight_device(const struct limit_source *src,
			       struct buf *value)
{
	const struct spec_block_io *io = &src->res->block_io;

	for (size_t i = 0; i < io->n_weight_devices; i++) {
		const struct spec_weight_device *d = &io->weight_devices[i];

		if (d->has_weight)
			buf_printf(value, "%u:%u %u\n", d->major, d->minor,
				   io_weight(d->weight));
	}
	return 0;
}

static int v2_io_max(const struct limit_source *src, struct buf *value)
{
	static const char *const keys[SPEC_THROTTLE_KINDS] = {
		[SPEC_THROTTLE_READ_BPS] = "rbps",
		[SPEC_THROTTLE_WRITE_BPS] = "wbps",
		[SPEC_THROTTLE_READ_IOPS] = "riops",
		[SPEC_THROTTLE_WRITE_IOPS] = "wiops",
	};
	const struct spec_block_io *io = &src->res->block_io;

	for (int k = 0; k < SPEC_THROTTLE_KINDS; k++)
		for (size_t i = 0; i < io->n_throttle[k]; i++) {
			const struct spec_throttle_device *d =
				&io->throttle[k][i];

			buf_printf(value, "%u:%u %s=", d->major, d->minor,
				   keys[k]);
			/* 0 takes a limit away in v1. */
			if (d->rate)
				buf_printf(value, "%" PRIu64 "\n", d->rate);
			else
				buf_puts(value, "max\n");
		}
	return 0;
}

/* -- The table ------------------------------------------------------------ */

/* In the order of writing; rows refused with EINVAL get a second turn. */
static const struct limit_row rows[] = {
	{"cpu.cpus", CGROUP_CPUSET, "cpuset.cpus", limit_cpus, NULL, NULL},
	{"cpu.mems", CGROUP_CPUSET, "cpuset.mems", limit_mems, NULL, NULL},
	{"memory.limit", CGROUP_MEMORY, "memory.max", v2_memory, NULL, NULL},
	{"memory.swap", CGROUP_MEMORY, "memory.swap.max", v2_swap, NULL, NULL},
	{"memory.reservation", CGROUP_MEMORY, "memory.low", v2_reservation,
	 NULL, NULL},
	/* refused while cpu.idle is 1: a second turn after it */
	{"cpu.shares", CGROUP_CPU, "cpu.weight", v2_cpu_weight, NULL, NULL},
	{"cpu.quota", CGROUP_CPU, "cpu.max", v2_cpu_max, NULL, NULL},
	/* burst <= quota at all times */
	{"cpu.burst", CGROUP_CPU, "cpu.max.burst", limit_cpu_burst, NULL, NULL},
	{"cpu.idle", CGROUP_CPU, "cpu.idle", limit_cpu_idle, NULL, NULL},
	{"pids.limit", CGROUP_PIDS, "pids.max", limit_pids, NULL, NULL},
	/* BFQ has v1's range of weights, io.weight one of its own */
	{"blockIO.weight", CGROUP_BLKIO, "io.bfq.weight", limit_blkio_weight,
	 "io.weight", v2_io_weight},
	{"blockIO.weightDevice", CGROUP_BLKIO, "io.bfq.weight",
	 limit_blkio_weight_device, "io.weight", v2_io_weight_device},
	{"blockIO.throttle", CGROUP_BLKIO, "io.max", v2_io_max, NULL, NULL},
	{"rdma", CGROUP_RDMA, "rdma.max", limit_rdma, NULL, NULL},
};

const struct limit_row *cgroup_v2_rows(size_t *n)
{
	*n = ARRAY_SIZE(rows);
	return rows;
}

/* Members that v2 has nothing for; named, not dropped. */
static int refuse_v1_members(const struct spec_resources *res)
{
	const struct {
		const char *member;
		bool given;
	} members[] = {
		{"memory.kernel", res->memory.has_kernel},
		{"memory.kernelTCP", res->memory.has_kernel_tcp},
		{"memory.swappiness", res->memory.has_swappiness},
		{"memory.disableOOMKiller", res->memory.disable_oom_killer},
		{"cpu.realtimeRuntime", res->cpu.has_rt_runtime},
		{"cpu.realtimePeriod", res->cpu.has_rt_period},
		{"blockIO.leafWeight", res->block_io.has_leaf_weight},
		{"network.classID", res->has_net_class_id},
		{"network.priorities", res->n_net_priorities > 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (members[i].given)
			return fail_plain(EOPNOTSUPP,
					  "linux.resources.%s needs "
					  "cgroup v1, this machine has v2",
					  members[i].member);
	return 0;
}

int cgroup_v2_limits(const struct limit_source *src)
{
	int r = refuse_v1_members(src->res);

	if (r == 0)
		r = cgroup_limits_write(src, rows, ARRAY_SIZE(rows));
	return r < 0 ? r : cgroup_limits_write_hugetlb(src);
}

int cgroup_v2_unified(const struct limit_source *src)
{
	const struct spec_resources *res = src->res;

	for (size_t i = 0; i < res->n_unified; i++) {
		const char *key = res->unified[i].key;
		const char *value = res->unified[i].value;

		if (!*key || strchr(key, '/') || key[0] == '.')
			return fail_plain(EINVAL,
					  "linux.resources.unified: "
					  "\"%s\" is not a file name",
					  key);
		if (src->cg->v2_fd < 0)
			return fail_plain(EOPNOTSUPP,
					  "linux.resources.unified: "
					  "\"%s\" needs cgroup v2",
					  key);

		int r = fd_write_file(src->cg->v2_fd, key, value);
		if (r == -ENOENT)
			return fail_plain(EOPNOTSUPP,
					  "linux.resources.unified: "
					  "there is no file \"%s\"",
					  key);
		if (r < 0)
			return fail(-r, "%s: write \"%s\"", key, value);
	}
	return 0;
}

/* -- Controllers ---------------------------------------------------------- */

static bool has_word(const char *text, const char *word, size_t len)
{
	for (const char *p = text; *p; p += strspn(p, " \n")) {
		size_t n = strcspn(p, " \n");

		if (n == len && strncmp(p, word, n) == 0)
			return true;
		p += n;
	}
	return false;
}

/*
 * True for a cgroup with processes of its own, other than the root of all.
 * It cannot hand down memory or io; handing down the others would make it a
 * threaded domain, and cgroups below it unusable.
 */
static bool is_inner(int dir)
{
	struct buf procs = {};
	bool is_root = faccessat(dir, "cgroup.type", F_OK, 0) < 0;
	bool has_procs = !is_root && (fd_read_file(dir, "cgroup.procs", &procs,
						   FILE_MAX_BYTES) < 0 ||
				      procs.len);

	buf_fini(&procs);
	return has_procs;
}

/* Enables in dir what it has and does not hand down yet. */
static void enable_in(int dir)
{
	struct buf has = {}, down = {}, all = {};
	const char *text;

	if (fd_read_file(dir, "cgroup.controllers", &has, FILE_MAX_BYTES) ||
	    fd_read_file(dir, "cgroup.subtree_control", &down, FILE_MAX_BYTES))
		goto out;
	text = buf_str(&has);
	for (const char *p = text; *p; p += strspn(p, " \n")) {
		size_t n = strcspn(p, " \n");

		if (!has_word(buf_str(&down), p, n))
			buf_printf(&all, "%s+%.*s", all.len ? " " : "", (int)n,
				   p);
		p += n;
	}
	if (!all.len || is_inner(dir) ||
	    fd_write_file(dir, "cgroup.subtree_control", buf_str(&all)) == 0)
		goto out;
	/*
	 * One of them cannot be (cpu beside real-time tasks, domain ones in
	 * a threaded subtree): the others one by one.
	 */
	for (char *p = all.data, *save = NULL, *one;
	     (one = strtok_r(p, " ", &save)); p = NULL)
		fd_write_file(dir, "cgroup.subtree_control", one);
out:
	buf_fini(&has);
	buf_fini(&down);
	buf_fini(&all);
}

void cgroup_v2_enable(const struct cgroup *cg)
{
	char *dir = strdup(cg->v2.dir);
	size_t len = cg->v2.root_len;

	/* From the root down to the parent; a leaf hands down nothing. */
	for (char *slash = dir ? dir + len : NULL; slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';

		_cleanup_fd_ int fd = openat(
			cg->v2.root, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			enable_in(fd);
		*slash = '/';
	}
	free(dir);
	fail_clear();
}
