/* SPDX-License-Identifier: MIT */
/* Compiled seccomp filters, kept under the state directory. */
#include "runtime/seccomp_cache.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/seccomp.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/wire.h"
#include "oci/spec.h"
#include "runtime/store.h"

#define CACHE_DIR	".seccomp"
#define LINK_NAME	"seccomp"
#define CACHE_MAX_BYTES (16 << 20)

enum cache_tag { TAG_KEY = 1, TAG_FLAGS, TAG_PROGRAM };

/*
 * Takes the program out of a cache file; key NULL: any. False when the file
 * is damaged or holds another key's program.
 */
static bool unpack(const struct buf *file, const struct buf *key,
		   struct buf *bpf, unsigned *flags)
{
	struct wire w = wire_of(file->data, file->len);
	struct wire_field f;
	bool same = !key;

	wire_for_each(&w, &f) {
		if (f.tag == TAG_KEY && key)
			same = f.len == key->len &&
			       memcmp(f.bytes, key->data, f.len) == 0;
		else if (f.tag == TAG_FLAGS && flags)
			*flags = (unsigned)wire_u64(&f);
		else if (f.tag == TAG_PROGRAM && same)
			buf_put(bpf, f.bytes, f.len);
	}
	return same && !w.bad && bpf->len && !bpf->failed;
}

static int compile(const struct spec_seccomp *sec, struct buf *bpf)
{
	size_t skipped = 0;
	int r = seccomp_compile(sec, bpf, &skipped);

	if (r == 0 && skipped)
		log_debug("seccomp: %zu unknown system calls left out",
			  skipped);
	return r < 0 ? fail_in(r, "seccomp") : 0;
}

/* Writes the container's own file. */
static int put(int dir, const struct buf *key, unsigned flags,
	       const struct buf *bpf)
{
	_cleanup_(buf_fini) struct buf file = {};

	wire_put(&file, TAG_KEY, key->data, key->len);
	wire_put_u64(&file, TAG_FLAGS, flags);
	wire_put(&file, TAG_PROGRAM, bpf->data, bpf->len);
	if (file.failed)
		return fail(ENOMEM, "seccomp");
	return fd_replace_file(dir, LINK_NAME, file.data, file.len);
}

static int open_cache(const struct store *s)
{
	int fd = openat(s->fd, CACHE_DIR,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(s->fd, CACHE_DIR, 0700) < 0 && errno != EEXIST)
			return fail(errno, "make %s/%s", s->path, CACHE_DIR);
		fd = openat(s->fd, CACHE_DIR,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	return fd < 0 ? fail(errno, "open %s/%s", s->path, CACHE_DIR) : fd;
}

/* Links the cache's file into dir; true when it is key's, which bpf then has. */
static bool take(int cache, const char *name, int dir, const struct buf *key,
		 struct buf *bpf)
{
	_cleanup_(buf_fini) struct buf file = {};

	if (linkat(cache, name, dir, LINK_NAME, 0) == 0 &&
	    fd_read_file(dir, LINK_NAME, &file, CACHE_MAX_BYTES) == 0 &&
	    unpack(&file, key, bpf, NULL))
		return true;
	bpf->len = 0;
	return false;
}

/*
 * Others put their filters under the same name when the hashes are equal,
 * which can be contrived. So the container has the file that was compared, or
 * that it has written itself, and never one that is looked up once more.
 */
int seccomp_cache_get(const struct store *s, const struct spec_seccomp *sec,
		      int dir, struct buf *bpf)
{
	_cleanup_(buf_fini) struct buf key = {};
	_cleanup_fd_ int cache = open_cache(s);
	char name[20];
	int r;

	if (cache < 0)
		return cache;
	seccomp_key(sec, &key);
	if (key.failed)
		return fail(ENOMEM, "seccomp");
	snprintf(name, sizeof(name), "%016llx",
		 (unsigned long long)wire_hash(key.data, key.len));
	if (take(cache, name, dir, &key, bpf))
		return 0;
	r = compile(sec, bpf);
	if (r == 0)
		r = put(dir, &key, sec->flags, bpf);
	if (r < 0)
		return r;
	/* A cache that cannot be written costs time, not the container. */
	unlinkat(cache, name, 0);
	(void)!linkat(dir, LINK_NAME, cache, name, 0);
	return 0;
}

int seccomp_cache_load(int dir, struct buf *bpf, unsigned *flags)
{
	_cleanup_(buf_fini) struct buf file = {};
	int r = fd_read_file(dir, LINK_NAME, &file, CACHE_MAX_BYTES);

	*flags = 0;
	if (r == -ENOENT)
		return 0;
	if (r == 0 && !unpack(&file, NULL, bpf, flags))
		r = fail_plain(EINVAL, "the kept seccomp filter is damaged");
	return r;
}
