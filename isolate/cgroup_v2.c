/* SPDX-License-Identifier: MIT */
/* Limits in control groups version 2. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isolate/cgroup_hierarchy.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "oci/spec.h"

/* The directory, and the first failure: later writes do nothing then. */
struct writer {
	int dir;
	int r;
};

static void put(struct writer *w, const char *file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct writer *w, const char *file, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	if (w->r < 0)
		return;
	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		w->r = fail(ENOMEM, "%s", file);
		return;
	}

	_cleanup_fd_ int fd = openat(w->dir, file, O_WRONLY | O_CLOEXEC);

	/* Not the kernel's "No such file": engines take that for a missing
	 * program. */
	if (fd < 0 && errno == ENOENT)
		w->r = fail_plain(EOPNOTSUPP,
				  "%s cannot be set here: the %.*s controller "
				  "is not enabled for this cgroup",
				  file, (int)strcspn(file, "."), file);
	else if (fd < 0)
		w->r = fail(errno, "open %s", file);
	else if (write(fd, text, (size_t)n) < 0)
		w->r = fail(errno, "%s: write \"%s\"", file, text);
}

static void put_or_max(struct writer *w, const char *file, int64_t value)
{
	if (value < 0)
		put(w, file, "max");
	else
		put(w, file, "%" PRId64, value);
}

static bool has_file(const struct writer *w, const char *file)
{
	return faccessat(w->dir, file, F_OK, 0) == 0;
}

/* -- Memory --------------------------------------------------------------- */

/* v1 counts memory and swap together, v2 swap alone. */
static void put_swap(struct writer *w, const struct spec_memory *m)
{
	if (m->swap < 0) {
		put(w, "memory.swap.max", "max");
		return;
	}
	if (!m->has_limit || m->limit < 0 || m->swap < m->limit) {
		if (w->r == 0)
			w->r = fail_plain(EINVAL,
					  "memory.swap %" PRId64
					  " needs a memory.limit that is not "
					  "above it",
					  m->swap);
		return;
	}
	/* A kernel without swap: there is nothing to be limited. */
	if (has_file(w, "memory.swap.max"))
		put(w, "memory.swap.max", "%" PRId64, m->swap - m->limit);
}

static int64_t current_use(const struct writer *w)
{
	_cleanup_(buf_fini) struct buf b = {};

	return fd_read_file(w->dir, "memory.current", &b, 64) < 0
		       ? 0
		       : strtoll(buf_str(&b), NULL, 10);
}

static void put_memory(struct writer *w, const struct spec_memory *m)
{
	if (m->check_before_update && m->has_limit && m->limit >= 0 &&
	    current_use(w) > m->limit && w->r == 0)
		w->r = fail_plain(EINVAL,
				  "memory.limit %" PRId64
				  " is below what is in use",
				  m->limit);
	if (m->has_swap)
		put_swap(w, m);
	if (m->has_limit)
		put_or_max(w, "memory.max", m->limit);
	if (m->has_reservation)
		put_or_max(w, "memory.low", m->reservation);
}

/* -- CPU ------------------------------------------------------------------ */

unsigned long cgroup_v2_weight_of_shares(unsigned long shares)
{
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;

	double l = log2((double)shares);

	return (unsigned long)ceil(
		pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

static void put_cpu(struct writer *w, const struct spec_cpu *c)
{
	if ((c->has_rt_runtime && c->rt_runtime_us) ||
	    (c->has_rt_period && c->rt_period_us)) {
		if (w->r == 0)
			w->r = fail_plain(EOPNOTSUPP,
					  "cpu.realtimeRuntime and "
					  "realtimePeriod need cgroup "
					  "version 1");
		return;
	}
	/* Idle first: it forbids a weight. */
	if (c->has_idle)
		put(w, "cpu.idle", "%" PRId64, c->idle);
	if (c->has_shares && c->shares && !(c->has_idle && c->idle))
		put(w, "cpu.weight", "%lu",
		    cgroup_v2_weight_of_shares(c->shares));
	if (c->has_quota || c->has_period) {
		char quota[24] = "max";

		if (c->has_quota && c->quota_us > 0)
			snprintf(quota, sizeof(quota), "%" PRId64,
				 c->quota_us);
		if (c->has_period && c->period_us)
			put(w, "cpu.max", "%s %" PRIu64, quota, c->period_us);
		else
			put(w, "cpu.max", "%s", quota);
	}
	if (c->has_burst)
		put(w, "cpu.max.burst", "%" PRIu64, c->burst_us);
	if (c->cpus)
		put(w, "cpuset.cpus", "%s", c->cpus);
	if (c->mems)
		put(w, "cpuset.mems", "%s", c->mems);
}

/* -- Block I/O ------------------------------------------------------------ */

/* 10 … 1000 of v1 to 1 … 10000 of io.weight */
static unsigned io_weight(unsigned weight)
{
	return weight < 10 ? 1 : 1 + (weight - 10) * 9999 / 990;
}

static void put_weights(struct writer *w, const struct spec_block_io *b)
{
	bool bfq = has_file(w, "io.bfq.weight");
	const char *file = bfq ? "io.bfq.weight" : "io.weight";

	if (b->has_weight)
		put(w, file, "%u", bfq ? b->weight : io_weight(b->weight));
	for (size_t i = 0; i < b->n_weight_devices; i++) {
		const struct spec_weight_device *d = &b->weight_devices[i];

		if (d->has_weight)
			put(w, file, "%u:%u %u", d->major, d->minor,
			    bfq ? d->weight : io_weight(d->weight));
	}
	if (b->has_leaf_weight && w->r == 0)
		w->r = fail_plain(EOPNOTSUPP,
				  "blockIO.leafWeight needs cgroup version 1");
}

static void put_block_io(struct writer *w, const struct spec_block_io *b)
{
	static const char *const words[] = {
		[SPEC_THROTTLE_READ_BPS] = "rbps",
		[SPEC_THROTTLE_WRITE_BPS] = "wbps",
		[SPEC_THROTTLE_READ_IOPS] = "riops",
		[SPEC_THROTTLE_WRITE_IOPS] = "wiops",
	};

	put_weights(w, b);
	for (int k = 0; k < SPEC_THROTTLE_KINDS; k++) {
		for (size_t i = 0; i < b->n_throttle[k]; i++) {
			const struct spec_throttle_device *d =
				&b->throttle[k][i];

			if (d->rate)
				put(w, "io.max", "%u:%u %s=%" PRIu64, d->major,
				    d->minor, words[k], d->rate);
			else
				put(w, "io.max", "%u:%u %s=max", d->major,
				    d->minor, words[k]);
		}
	}
}

/* -- The others ----------------------------------------------------------- */

static void put_hugepages(struct writer *w, const struct spec_resources *res)
{
	char file[64];

	for (size_t i = 0; i < res->n_hugepage_limits; i++) {
		const struct spec_hugepage_limit *l = &res->hugepage_limits[i];

		snprintf(file, sizeof(file), "hugetlb.%s.max", l->page_size);
		put(w, file, "%" PRIu64, l->limit_bytes);
		snprintf(file, sizeof(file), "hugetlb.%s.rsvd.max",
			 l->page_size);
		if (has_file(w, file))
			put(w, file, "%" PRIu64, l->limit_bytes);
	}
}

static void put_rdma(struct writer *w, const struct spec_resources *res)
{
	for (size_t i = 0; i < res->n_rdma; i++) {
		const struct spec_rdma *d = &res->rdma[i];

		if (d->has_hca_handles)
			put(w, "rdma.max", "%s hca_handle=%u", d->device,
			    d->hca_handles);
		if (d->has_hca_objects)
			put(w, "rdma.max", "%s hca_object=%u", d->device,
			    d->hca_objects);
	}
}

static void put_unified(struct writer *w, const struct spec_resources *res)
{
	for (size_t i = 0; i < res->n_unified; i++) {
		const char *key = res->unified[i].key;

		if (strchr(key, '/') && w->r == 0)
			w->r = fail_plain(EINVAL,
					  "unified: \"%s\" is not the name of "
					  "a file",
					  key);
		put(w, key, "%s", res->unified[i].value);
	}
}

int cgroup_v2_apply(int dir, const struct spec_resources *res)
{
	struct writer w = {.dir = dir};

	put_memory(&w, &res->memory);
	put_cpu(&w, &res->cpu);
	put_block_io(&w, &res->block_io);
	if (res->has_pids_limit)
		put_or_max(&w, "pids.max", res->pids_limit);
	put_hugepages(&w, res);
	put_rdma(&w, res);
	if ((res->has_net_class_id || res->n_net_priorities) && w.r == 0)
		w.r = fail_plain(EOPNOTSUPP,
				 "network.classID and priorities need cgroup "
				 "version 1");
	put_unified(&w, res);
	return w.r;
}
