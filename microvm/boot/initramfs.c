/* SPDX-License-Identifier: MIT */
/* Writes an initramfs: a cpio archive (newc) with the guest init in it. */
#include "microvm/boot/initramfs.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define FILE_MAX_BYTES	(64u << 20) /* of one file in the archive */
#define INDEX_MAX_BYTES (8u << 20) /* modules.dep, modules.builtin */

/* -- The archive (Documentation/driver-api/early-userspace/buffer-format) -- */

struct member {
	const char *path;
	unsigned mode; /* with the file type */
	unsigned rdev_major, rdev_minor;
	const void *bytes;
	size_t len;
};

static void pad(struct buf *out, size_t start)
{
	static const char zeros[4];

	buf_put(out, zeros, (4 - (out->len - start) % 4) % 4);
}

/* Archives may follow one another, each at a multiple of 4 from its start. */
static void put_member(struct buf *out, size_t start, unsigned number,
		       const struct member *m)
{
	buf_printf(out,
		   "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		   number, m->mode, 0u, 0u, S_ISDIR(m->mode) ? 2u : 1u, 0u,
		   (unsigned)m->len, 0u, 0u, m->rdev_major, m->rdev_minor,
		   (unsigned)strlen(m->path) + 1, 0u);
	buf_put(out, m->path, strlen(m->path) + 1);
	pad(out, start);
	buf_put(out, m->bytes, m->len);
	pad(out, start);
}

static int put_file(struct buf *out, size_t start, unsigned number,
		    const struct initramfs_file *f)
{
	_cleanup_(buf_fini) struct buf bytes = {};
	int r = f->source ? fd_read_file(AT_FDCWD, f->source, &bytes,
					 FILE_MAX_BYTES)
			  : 0;

	if (r < 0)
		return r;
	put_member(out, start, number,
		   &(struct member){.path = f->path,
				    .mode = S_IFREG | f->mode,
				    .bytes = f->source ? buf_str(&bytes)
						       : f->bytes,
				    .len = f->source ? bytes.len
						     : f->n_bytes});
	return 0;
}

int initramfs_write(const struct initramfs_file *files, size_t n_files,
		    struct buf *out)
{
	static const char *const dirs[] = {"dev", "proc", "sys", "run",
					   "modules"};
	size_t start = out->len;
	unsigned number = 1;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		put_member(out, start, number++,
			   &(struct member){.path = dirs[i],
					    .mode = S_IFDIR | 0755});
	/* The kernel opens it for PID 1 before anything is mounted. */
	put_member(out, start, number++,
		   &(struct member){.path = "dev/console",
				    .mode = S_IFCHR | 0600,
				    .rdev_major = 5,
				    .rdev_minor = 1});
	for (size_t i = 0; r == 0 && i < n_files; i++)
		r = put_file(out, start, number++, &files[i]);
	put_member(out, start, 0, &(struct member){.path = "TRAILER!!!"});
	if (r == 0 && out->failed)
		r = fail(ENOMEM, "initramfs");
	return r < 0 ? fail_in(r, "initramfs") : 0;
}

/* -- Modules of a distro kernel ------------------------------------------- */

/* What the guest init needs of a kernel that was built for every machine. */
static const char *const wanted[] = {
	"virtio_mmio",	 "virtio_console", "virtiofs",	 "virtio_blk",
	"virtio_net",	 "virtio_rng",	   "virtio_balloon", "overlay",
};

/* A list under construction, in the order of loading. */
struct list {
	const char *moddir;
	const char *dep; /* contents of modules.dep */
	struct initramfs_file *files;
	size_t n_files;
};

void initramfs_free(struct initramfs_file *files, size_t n_files)
{
	for (size_t i = 0; i < n_files; i++) {
		free((char *)files[i].path);
		free((char *)files[i].source);
	}
	free(files);
}

/* The module's name in a path: kernel/drivers/virtio/virtio-mmio.ko.xz. */
static bool is_module(const char *path, size_t len, const char *name)
{
	const char *base = memrchr(path, '/', len);
	size_t n;

	base = base ? base + 1 : path;
	n = strcspn(base, ".:\n ");
	if (n != strlen(name))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((base[i] == '-' ? '_' : base[i]) != name[i])
			return false;
	return true;
}

/* The line "path: dependencies" of the module called name, or NULL. */
static const char *find_line(const char *dep, const char *name)
{
	for (const char *line = dep; *line;) {
		const char *end = strchrnul(line, '\n');

		if (is_module(line, strcspn(line, ":\n"), name))
			return line;
		line = *end ? end + 1 : end;
	}
	return NULL;
}

static bool has_file(const struct list *l, const char *path, size_t len)
{
	size_t skip = strlen(l->moddir) + 1;

	for (size_t i = 0; i < l->n_files; i++)
		if (strlen(l->files[i].source) == skip + len &&
		    strncmp(l->files[i].source + skip, path, len) == 0)
			return true;
	return false;
}

static int add_file(struct list *l, const char *path, size_t len)
{
	struct initramfs_file *more, *f;
	char *name, *source;

	if (has_file(l, path, len))
		return 0;
	if (len < 3 || strncmp(path + len - 3, ".ko", 3) != 0)
		return fail_plain(EOPNOTSUPP,
				  "%s/%.*s: compressed modules are not "
				  "supported",
				  l->moddir, (int)len, path);
	more = realloc(l->files, (l->n_files + 1) * sizeof(*more));
	if (!more)
		return fail(ENOMEM, "modules");
	l->files = more;
	if (asprintf(&name, "modules/%03zu.ko", l->n_files) < 0)
		return fail(ENOMEM, "modules");
	if (asprintf(&source, "%s/%.*s", l->moddir, (int)len, path) < 0) {
		free(name);
		return fail(ENOMEM, "modules");
	}
	f = &l->files[l->n_files++];
	*f = (struct initramfs_file){
		.path = name, .source = source, .mode = 0644};
	return 0;
}

/* modules.dep names dependencies so that the last is to be loaded first. */
static int add_line(struct list *l, const char *line)
{
	const char *end = strchrnul(line, '\n');
	const char *colon = line + strcspn(line, ":\n");
	int r = 0;

	while (r == 0 && end > colon) {
		const char *word = end;

		while (word > colon + 1 && word[-1] != ' ')
			word--;
		if (end > word && *colon == ':')
			r = add_file(l, word, (size_t)(end - word));
		end = word - 1;
	}
	return r < 0 ? r : add_file(l, line, (size_t)(colon - line));
}

int initramfs_modules(const char *moddir, struct initramfs_file **files,
		      size_t *n_files)
{
	_cleanup_(buf_fini) struct buf dep = {};
	struct list l = {.moddir = moddir};
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/modules.dep", moddir) < 0)
		return fail(ENOMEM, "modules");
	r = fd_read_file(AT_FDCWD, path, &dep, INDEX_MAX_BYTES);
	l.dep = buf_str(&dep);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(wanted); i++) {
		/* Not in the list: it is built in, or the guest does without. */
		const char *line = find_line(l.dep, wanted[i]);

		if (line)
			r = add_line(&l, line);
	}
	if (r < 0) {
		initramfs_free(l.files, l.n_files);
		return r;
	}
	*files = l.files;
	*n_files = l.n_files;
	return 0;
}
