/* SPDX-License-Identifier: MIT */
/* The file server's operations on open directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "microvm/host/fuse_server.h"

/* An answer that is filled with entries. */
struct listing {
	struct fuse_request *request;
	bool plus; /* with the state of each, which counts as a lookup */
	unsigned char *bytes;
	size_t len, room;
};

ssize_t fuse_opendir(struct fuse_request *r)
{
	struct fuse_open_out out = {0};
	ssize_t n = r->inode->type == S_IFDIR
			    ? fuse_inode_open(r->server, r->inode,
					      O_RDONLY | O_DIRECTORY)
			    : -ENOTDIR;

	if (n >= 0)
		n = fuse_handle_add(r->server, (int)n, true, &out.fh);
	if (n < 0)
		return n;
	n = fuse_request_put(r, 0, &out, sizeof(out));
	if (n < 0)
		fuse_handle_release(r->server, out.fh);
	return n;
}

/* The entry's state. One that went, or that is not the guest's to look up, is
 * listed without. */
static void find_entry(struct listing *l, const struct dirent64 *d,
		       struct fuse_entry_out *entry)
{
	*entry = (struct fuse_entry_out){0};
	if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
		return;
	if (fuse_name_find(l->request->server, l->request->inode, d->d_name,
			   entry) < 0)
		*entry = (struct fuse_entry_out){0};
}

/* false: no room for it. */
static bool put_dirent(struct listing *l, const struct dirent64 *d)
{
	size_t name = strlen(d->d_name);
	size_t head = l->plus ? sizeof(struct fuse_entry_out) : 0;
	size_t whole = FUSE_DIRENT_ALIGN(head + FUSE_NAME_OFFSET + name);
	unsigned char *at = l->bytes + l->len;
	struct fuse_dirent out = {
		.ino = d->d_ino,
		.off = (uint64_t)d->d_off,
		.namelen = (uint32_t)name,
		.type = d->d_type,
	};

	if (whole > l->room - l->len)
		return false;
	memset(at, 0, whole);
	if (l->plus) {
		struct fuse_entry_out entry;

		find_entry(l, d, &entry);
		memcpy(at, &entry, sizeof(entry));
	}
	memcpy(at + head, &out, FUSE_NAME_OFFSET);
	memcpy(at + head + FUSE_NAME_OFFSET, d->d_name, name);
	l->len += whole;
	return true;
}

/* Fills from the directory's present offset. Returns 0 or -errno. */
static int fill(struct listing *l, int fd)
{
	_Alignas(struct dirent64) char batch[4096];

	for (;;) {
		ssize_t n = getdents64(fd, batch, sizeof(batch));

		if (n <= 0)
			return n < 0 && l->len == 0 ? -errno : 0;
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *d = (const void *)(batch + at);

			if (!put_dirent(l, d))
				return l->len ? 0 : -EINVAL;
			at += d->d_reclen;
		}
	}
}

/* A listing that the guest does not get counts no lookups. */
static void forget_listing(struct listing *l)
{
	struct fuse_direntplus d;

	for (size_t at = 0; l->plus && at < l->len;
	     at += FUSE_DIRENTPLUS_SIZE(&d)) {
		memcpy(&d, l->bytes + at, FUSE_NAME_OFFSET_DIRENTPLUS);
		if (d.entry_out.nodeid)
			fuse_inode_forget(l->request->server,
					  d.entry_out.nodeid, 1);
	}
}

static ssize_t list(struct listing *l, uint64_t fh, uint64_t offset)
{
	struct fuse_server *s = l->request->server;
	struct fuse_handle *handle = fuse_handle_hold(s, fh, true);
	ssize_t n;

	if (!handle)
		return -EBADF;
	pthread_mutex_lock(&handle->reading);
	if (lseek(handle->fd, (off_t)offset, SEEK_SET) < 0)
		n = -errno;
	else
		n = fill(l, handle->fd);
	pthread_mutex_unlock(&handle->reading);
	fuse_handle_put(s, handle);
	if (n == 0)
		n = fuse_request_put(l->request, 0, l->bytes, l->len);
	if (n < 0)
		forget_listing(l);
	return n;
}

static ssize_t readdir_into(struct fuse_request *r, bool plus)
{
	const struct fuse_read_in *in = (const void *)r->arg;
	struct listing l = {.request = r, .plus = plus, .room = in->size};
	_cleanup_free_ unsigned char *bytes = NULL;

	if (r->inode->type != S_IFDIR)
		return -ENOTDIR;
	if (l.room > r->room)
		l.room = r->room;
	if (l.room > FUSE_DIR_MAX)
		l.room = FUSE_DIR_MAX;
	l.bytes = bytes = malloc(l.room ? l.room : 1);
	if (!bytes)
		return -ENOMEM;
	return list(&l, in->fh, in->offset);
}

ssize_t fuse_readdir(struct fuse_request *r)
{
	return readdir_into(r, false);
}

ssize_t fuse_readdirplus(struct fuse_request *r)
{
	return readdir_into(r, true);
}
