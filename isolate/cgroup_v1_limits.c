/* SPDX-License-Identifier: MIT */
/* Limits and device rules in control groups version 1. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isolate/cgroup_hierarchy.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"

/* Where limits are written, and the first failure: later ones do nothing. */
struct writer {
	const struct cgroup *cg;
	int r;
};

/* The hierarchy that has this controller; NULL: none. */
static const struct hierarchy *find(const struct cgroup *cg,
				    const char *controller, size_t len)
{
	for (size_t i = 0; i < cg->n_v1; i++) {
		const char *o = cg->v1[i].options;

		for (; *o; o += strcspn(o, ","), o += *o == ',')
			if (strncmp(o, controller, len) == 0 &&
			    (o[len] == ',' || !o[len]))
				return &cg->v1[i];
	}
	return NULL;
}

/* Opens CONTROLLER.FILE; -errno without text when it is not there. */
static int open_file(const struct cgroup *cg, const char *file)
{
	char path[PATH_MAX];
	const struct hierarchy *h = find(cg, file, strcspn(file, "."));

	if (!h)
		return -EOPNOTSUPP;
	if (snprintf(path, sizeof(path), "%s%s/%s", h->mount, cg->path, file) >=
	    PATH_MAX)
		return -ENAMETOOLONG;

	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

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

	_cleanup_fd_ int fd = open_file(w->cg, file);

	if (fd == -EOPNOTSUPP)
		w->r = fail_plain(EOPNOTSUPP,
				  "%s: this machine has no %.*s controller",
				  file, (int)strcspn(file, "."), file);
	else if (fd < 0)
		w->r = fail_plain(-fd, "%s cannot be set here (%s)", file,
				  fd == -ENOENT ? "no such control"
						: strerror(-fd));
	else if (write(fd, text, (size_t)n) < 0)
		w->r = fail(errno, "%s: write \"%s\"", file, text);
}

/* -- Memory --------------------------------------------------------------- */

/*
 * The kernel holds limit <= memory+swap at each moment: which of the two is
 * written first depends on whether they rise or fall.
 */
static void put_limit_and_swap(struct writer *w, const struct spec_memory *m)
{
	const char *limit = "memory.limit_in_bytes";
	const char *swap = "memory.memsw.limit_in_bytes";

	if (!m->has_limit || !m->has_swap) {
		if (m->has_limit)
			put(w, limit, "%" PRId64, m->limit);
		if (m->has_swap)
			put(w, swap, "%" PRId64, m->swap);
		return;
	}

	_cleanup_fd_ int fd = open_file(w->cg, swap);

	/* A new cgroup has no limit: both fall, the lower one first. */
	put(w, limit, "%" PRId64, m->limit);
	if (w->r == -EINVAL) {
		w->r = 0;
		put(w, swap, "%" PRId64, m->swap);
		put(w, limit, "%" PRId64, m->limit);
		return;
	}
	/* A kernel without swap accounting: the memory limit holds alone. */
	if (fd >= 0)
		put(w, swap, "%" PRId64, m->swap);
}

static void put_memory(struct writer *w, const struct spec_memory *m)
{
	put_limit_and_swap(w, m);
	if (m->has_reservation)
		put(w, "memory.soft_limit_in_bytes", "%" PRId64,
		    m->reservation);
	if (m->has_swappiness)
		put(w, "memory.swappiness", "%" PRIu64, m->swappiness);
	if (m->has_disable_oom_killer && m->disable_oom_killer)
		put(w, "memory.oom_control", "1");
	/* The kernel and kernelTCP limits do nothing in any kernel that we
	 * run on (5.16 and 6.x removed them). */
}

/* -- The others ----------------------------------------------------------- */

static void put_cpu(struct writer *w, const struct spec_cpu *c)
{
	if (c->has_shares)
		put(w, "cpu.shares", "%" PRIu64, c->shares);
	if (c->has_period)
		put(w, "cpu.cfs_period_us", "%" PRIu64, c->period_us);
	if (c->has_quota)
		put(w, "cpu.cfs_quota_us", "%" PRId64, c->quota_us);
	if (c->has_burst)
		put(w, "cpu.cfs_burst_us", "%" PRIu64, c->burst_us);
	if (c->has_rt_period)
		put(w, "cpu.rt_period_us", "%" PRIu64, c->rt_period_us);
	if (c->has_rt_runtime)
		put(w, "cpu.rt_runtime_us", "%" PRId64, c->rt_runtime_us);
	if (c->has_idle)
		put(w, "cpu.idle", "%" PRId64, c->idle);
	if (c->cpus)
		put(w, "cpuset.cpus", "%s", c->cpus);
	if (c->mems)
		put(w, "cpuset.mems", "%s", c->mems);
}

static const char *weight_file(const struct writer *w)
{
	_cleanup_fd_ int fd = open_file(w->cg, "blkio.weight");

	return fd >= 0 ? "blkio.weight" : "blkio.bfq.weight";
}

static void put_block_io(struct writer *w, const struct spec_block_io *b)
{
	static const char *const throttle[] = {
		[SPEC_THROTTLE_READ_BPS] = "blkio.throttle.read_bps_device",
		[SPEC_THROTTLE_WRITE_BPS] = "blkio.throttle.write_bps_device",
		[SPEC_THROTTLE_READ_IOPS] = "blkio.throttle.read_iops_device",
		[SPEC_THROTTLE_WRITE_IOPS] = "blkio.throttle.write_iops_device",
	};

	if (b->has_weight)
		put(w, weight_file(w), "%u", b->weight);
	if (b->has_leaf_weight)
		put(w, "blkio.leaf_weight", "%u", b->leaf_weight);
	for (size_t i = 0; i < b->n_weight_devices; i++) {
		const struct spec_weight_device *d = &b->weight_devices[i];

		if (d->has_weight)
			put(w, "blkio.weight_device", "%u:%u %u", d->major,
			    d->minor, d->weight);
		if (d->has_leaf_weight)
			put(w, "blkio.leaf_weight_device", "%u:%u %u",
			    d->major, d->minor, d->leaf_weight);
	}
	for (int k = 0; k < SPEC_THROTTLE_KINDS; k++)
		for (size_t i = 0; i < b->n_throttle[k]; i++)
			put(w, throttle[k], "%u:%u %" PRIu64,
			    b->throttle[k][i].major, b->throttle[k][i].minor,
			    b->throttle[k][i].rate);
}

static void put_rest(struct writer *w, const struct spec_resources *res)
{
	char file[64];

	if (res->has_pids_limit && res->pids_limit < 0)
		put(w, "pids.max", "max");
	else if (res->has_pids_limit)
		put(w, "pids.max", "%" PRId64, res->pids_limit);
	for (size_t i = 0; i < res->n_hugepage_limits; i++) {
		snprintf(file, sizeof(file), "hugetlb.%s.limit_in_bytes",
			 res->hugepage_limits[i].page_size);
		put(w, file, "%" PRIu64, res->hugepage_limits[i].limit_bytes);
	}
	if (res->has_net_class_id)
		put(w, "net_cls.classid", "%u", res->net_class_id);
	for (size_t i = 0; i < res->n_net_priorities; i++)
		put(w, "net_prio.ifpriomap", "%s %u",
		    res->net_priorities[i].interface,
		    res->net_priorities[i].priority);
	for (size_t i = 0; i < res->n_rdma; i++) {
		const struct spec_rdma *d = &res->rdma[i];

		if (d->has_hca_handles)
			put(w, "rdma.max", "%s hca_handle=%u", d->device,
			    d->hca_handles);
		if (d->has_hca_objects)
			put(w, "rdma.max", "%s hca_object=%u", d->device,
			    d->hca_objects);
	}
	if (res->n_unified && w->r == 0)
		w->r = fail_plain(EOPNOTSUPP,
				  "unified: \"%s\" needs cgroup version 2",
				  res->unified[0].key);
}

/* -- Devices -------------------------------------------------------------- */

static int format_number(char *out, size_t room, int64_t n)
{
	return n < 0 ? snprintf(out, room, "*")
		     : snprintf(out, room, "%" PRId64, n);
}

static int put_rule(int allow, int deny, const struct spec_device_rule *r)
{
	char major[24], minor[24], text[80];

	format_number(major, sizeof(major), r->major);
	format_number(minor, sizeof(minor), r->minor);
	if (r->type == 'a')
		snprintf(text, sizeof(text), "a");
	else
		snprintf(text, sizeof(text), "%c %s:%s %s%s%s", r->type, major,
			 minor, r->access & SPEC_DEVICE_READ ? "r" : "",
			 r->access & SPEC_DEVICE_WRITE ? "w" : "",
			 r->access & SPEC_DEVICE_MKNOD ? "m" : "");
	if (write(r->allow ? allow : deny, text, strlen(text)) < 0)
		return fail(errno, "devices.%s: write \"%s\"",
			    r->allow ? "allow" : "deny", text);
	return 0;
}

static int put_devices(const struct cgroup *cg,
		       const struct spec_resources *res)
{
	size_t n;
	int r = 0;

	if (res->n_devices == 0)
		return 0;

	_cleanup_fd_ int allow = open_file(cg, "devices.allow");
	_cleanup_fd_ int deny = open_file(cg, "devices.deny");
	_cleanup_free_ struct spec_device_rule *rules =
		cgroup_device_rules(res, &n);

	if (allow < 0 || deny < 0)
		return fail_plain(EOPNOTSUPP, "devices: this machine has no "
					      "devices controller");
	if (!rules)
		return fail(ENOMEM, "devices");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = put_rule(allow, deny, &rules[i]);
	return r;
}

int cgroup_v1_apply(struct cgroup *cg, const struct spec_resources *res)
{
	struct writer w = {.cg = cg};

	put_memory(&w, &res->memory);
	put_cpu(&w, &res->cpu);
	put_block_io(&w, &res->block_io);
	put_rest(&w, res);
	return w.r < 0 ? w.r : put_devices(cg, res);
}
