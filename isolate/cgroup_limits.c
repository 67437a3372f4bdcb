/* SPDX-License-Identifier: MIT */
/* Writing tables of limits into a cgroup's files, the same for v1 and v2. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

#define FILE_MAX_BYTES (1 << 16)
#define NAME_ROOM      64 /* of a file name with a page size in it */

/* -- Files ---------------------------------------------------------------- */

/*
 * A hybrid machine may leave controllers to v2: hugetlb, rdma. True for one
 * that has no v1 hierarchy; whether v2 has it shows in its files.
 */
static bool is_in_v2(const struct cgroup *cg, enum cgroup_controller controller)
{
	return !cgroup_v1_with(cg, controller);
}

/* The directory that holds a controller's files; NULL: no such controller. */
static const char *limit_dir(const struct cgroup *cg,
			     enum cgroup_controller controller, int *root)
{
	const struct hierarchy *h = is_in_v2(cg, controller)
					    ? &cg->v2
					    : cgroup_v1_with(cg, controller);

	*root = h->root;
	return h->dir;
}

/* An fd, or -errno; no text. */
static int limit_open(const struct cgroup *cg,
		      enum cgroup_controller controller, const char *file,
		      int flags)
{
	char path[PATH_MAX];
	int root;
	const char *dir = limit_dir(cg, controller, &root);

	if (!dir)
		return -ENOENT;
	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;

	int fd = openat(root, path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cgroup_limit_read(const struct cgroup *cg,
		      enum cgroup_controller controller, const char *file,
		      struct buf *b)
{
	_cleanup_fd_ int fd =
		cg ? limit_open(cg, controller, file, O_RDONLY) : -ENOENT;

	return fd < 0 ? fd : buf_read_fd(b, fd, FILE_MAX_BYTES);
}

int cgroup_limit_read_number(const struct cgroup *cg,
			     enum cgroup_controller controller,
			     const char *file, int64_t *value)
{
	struct buf b = {};
	int r = cgroup_limit_read(cg, controller, file, &b);

	if (r == 0)
		*value = strncmp(buf_str(&b), "max", 3) == 0
				 ? -1
				 : strtoll(buf_str(&b), NULL, 10);
	buf_fini(&b);
	return r;
}

/* -- Writing -------------------------------------------------------------- */

/* Why a file that a limit needs is not there. */
static int no_file(const struct cgroup *cg, const struct limit_row *row)
{
	const char *name = cgroup_v1_name(row->controller);
	struct buf b = {};
	bool has_controller = cgroup_v1_with(cg, row->controller);

	if (!has_controller) {
		/* v2 calls blkio io; the file's name begins with the word. */
		size_t len = strcspn(row->file, ".");

		if (cg->mode == CGROUP_V2 && row->controller == CGROUP_BLKIO)
			name = "io";
		cgroup_limit_read(cg, row->controller, "cgroup.controllers",
				  &b);
		for (const char *p = buf_str(&b); *p; p += strspn(p, " \n")) {
			size_t n = strcspn(p, " \n");

			has_controller |=
				n == len && strncmp(p, row->file, n) == 0;
			p += n;
		}
		buf_fini(&b);
	}
	if (has_controller)
		return fail_plain(EOPNOTSUPP,
				  "linux.resources.%s needs the file "
				  "%s, which this kernel does not have",
				  row->member, row->file);
	return fail_plain(EOPNOTSUPP,
			  "linux.resources.%s needs the %s controller, "
			  "which is not available in cgroup %s",
			  row->member, name, cg->path);
}

/* Writes each line of value by a write(2) of its own. */
static int write_lines(const struct limit_row *row, int fd, const char *value)
{
	while (*value) {
		int len = (int)strcspn(value, "\n");

		if (write(fd, value, len) < 0)
			return fail(errno, "%s: write \"%.*s\"", row->file, len,
				    value);
		value += len;
		value += *value == '\n';
	}
	return 0;
}

int cgroup_limit_write(const struct cgroup *cg, const struct limit_row *row,
		       const char *value, bool optional)
{
	_cleanup_fd_ int fd =
		limit_open(cg, row->controller, row->file, O_WRONLY);

	/* On a hybrid machine v2 hands down only what a limit asks for. */
	if (fd == -ENOENT && cg->mode == CGROUP_V1 && cg->v2.dir &&
	    is_in_v2(cg, row->controller)) {
		cgroup_v2_enable(cg);
		fd = limit_open(cg, row->controller, row->file, O_WRONLY);
	}
	if (fd == -ENOENT)
		return optional ? 0 : no_file(cg, row);
	if (fd < 0)
		return fail(-fd, "%s: write \"%s\"", row->file, value);
	return write_lines(row, fd, value);
}

/* True when row's file is missing and it has another one. */
static bool wants_other(const struct cgroup *cg, const struct limit_row *row)
{
	if (!row->other_file)
		return false;

	_cleanup_fd_ int fd =
		limit_open(cg, row->controller, row->file, O_WRONLY);
	return fd == -ENOENT;
}

/*
 * is_trial: everything but the writing, so that a value that cannot be made
 * and a file that is not there are found before anything is changed.
 */
static int write_row(const struct limit_source *src,
		     const struct limit_row *row, bool is_trial)
{
	struct limit_row real = *row;
	struct buf value = {};
	int r = row->format(src, &value);

	if (r == 0 && value.len && wants_other(src->cg, row)) {
		real.file = row->other_file;
		real.format = row->other_format;
		buf_fini(&value);
		r = real.format(src, &value);
	}
	if (r == 0 && value.failed)
		r = fail(ENOMEM, "%s", real.file);
	if (r == 0 && value.len)
		r = cgroup_limit_write(src->cg, &real,
				       is_trial ? "" : buf_str(&value), false);
	buf_fini(&value);
	return r;
}

int cgroup_limits_write(const struct limit_source *src,
			const struct limit_row *rows, size_t n_rows)
{
	uint64_t again = 0; /* bit n: row n */

	for (size_t i = 0; src->is_update && i < n_rows; i++) {
		int r = write_row(src, &rows[i], true);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n_rows; i++) {
		int r = write_row(src, &rows[i], false);

		if (r == -EINVAL)
			again |= UINT64_C(1) << i;
		else if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n_rows; i++) {
		int r = again & UINT64_C(1) << i
				? write_row(src, &rows[i], false)
				: 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_limits_write_hugetlb(const struct limit_source *src)
{
	const struct spec_resources *res = src->res;
	const char *suffix = is_in_v2(src->cg, CGROUP_HUGETLB)
				     ? "max"
				     : "limit_in_bytes";

	for (size_t i = 0; i < res->n_hugepage_limits; i++) {
		const struct spec_hugepage_limit *l = &res->hugepage_limits[i];
		char file[NAME_ROOM], rsvd[NAME_ROOM], value[24];
		struct limit_row row = {.member = "hugepageLimits",
					.controller = CGROUP_HUGETLB,
					.file = file};

		if (strchr(l->page_size, '/') ||
		    strlen(l->page_size) > NAME_ROOM / 2)
			return fail_plain(EINVAL,
					  "hugepageLimits: page size "
					  "\"%s\"",
					  l->page_size);
		snprintf(file, sizeof(file), "hugetlb.%s.%s", l->page_size,
			 suffix);
		snprintf(rsvd, sizeof(rsvd), "hugetlb.%s.rsvd.%s", l->page_size,
			 suffix);
		snprintf(value, sizeof(value), "%" PRIu64, l->limit_bytes);

		int r = cgroup_limit_write(src->cg, &row, value, false);
		if (r < 0)
			return r;
		/* Reservations count too, or a SIGBUS is the only limit. */
		row.file = rsvd;
		r = cgroup_limit_write(src->cg, &row, value, true);
		if (r < 0)
			return r;
	}
	return 0;
}

/* -- Formats -------------------------------------------------------------- */

int limit_cpus(const struct limit_source *src, struct buf *value)
{
	if (src->res->cpu.cpus)
		buf_puts(value, src->res->cpu.cpus);
	return 0;
}

int limit_mems(const struct limit_source *src, struct buf *value)
{
	if (src->res->cpu.mems)
		buf_puts(value, src->res->cpu.mems);
	return 0;
}

int limit_cpu_idle(const struct limit_source *src, struct buf *value)
{
	if (src->res->cpu.has_idle)
		buf_printf(value, "%" PRId64, src->res->cpu.idle);
	return 0;
}

int limit_cpu_burst(const struct limit_source *src, struct buf *value)
{
	if (src->res->cpu.has_burst)
		buf_printf(value, "%" PRIu64, src->res->cpu.burst_us);
	return 0;
}

int limit_pids(const struct limit_source *src, struct buf *value)
{
	if (src->res->has_pids_limit && src->res->pids_limit < 0)
		buf_puts(value, "max");
	else if (src->res->has_pids_limit)
		buf_printf(value, "%" PRId64, src->res->pids_limit);
	return 0;
}

int limit_rdma(const struct limit_source *src, struct buf *value)
{
	for (size_t i = 0; i < src->res->n_rdma; i++) {
		const struct spec_rdma *r = &src->res->rdma[i];

		buf_puts(value, r->device);
		if (r->has_hca_handles)
			buf_printf(value, " hca_handle=%u", r->hca_handles);
		if (r->has_hca_objects)
			buf_printf(value, " hca_object=%u", r->hca_objects);
		buf_puts(value, "\n");
	}
	return 0;
}

int limit_blkio_weight(const struct limit_source *src, struct buf *value)
{
	if (src->res->block_io.has_weight)
		buf_printf(value, "%u", src->res->block_io.weight);
	return 0;
}

int limit_blkio_weight_device(const struct limit_source *src, struct buf *value)
{
	const struct spec_block_io *io = &src->res->block_io;

	for (size_t i = 0; i < io->n_weight_devices; i++) {
		const struct spec_weight_device *d = &io->weight_devices[i];

		if (d->has_weight)
			buf_printf(value, "%u:%u %u\n", d->major, d->minor,
				   d->weight);
	}
	return 0;
}
