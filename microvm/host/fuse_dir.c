/* SPDX-License-Identifier: MIT */
/* Directories: opened, and read with or without attributes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "microvm/host/fuse_server.h"

#define ENTRIES_BYTES 32768 /* read from the host at once */

/* getdents64(2) */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

int fuse_op_opendir(struct fuse_request *r)
{
	struct fuse_inode *inode = fuse_inode_get(r->server, r->in.nodeid);
	struct fuse_open_out *out = (struct fuse_open_out *)r->reply;
	int fd = !inode			  ? -ESTALE
		 : inode->type != S_IFDIR ? -ENOTDIR
					  : fuse_reopen(r->server, inode,
							O_RDONLY | O_DIRECTORY);
	uint64_t id;

	fuse_inode_put(r->server, inode);
	if (fd < 0)
		return fd;
	id = fuse_handle_add(r->server, fd, true);
	if (!id)
		return -errno;
	*out = (struct fuse_open_out){.fh = id};
	return sizeof(*out);
}

int fuse_op_releasedir(struct fuse_request *r)
{
	return fuse_op_release(r);
}

int fuse_op_fsyncdir(struct fuse_request *r)
{
	struct fuse_fsync_in in;
	struct fuse_handle *h;
	int e;

	memcpy(&in, r->args, sizeof(in));
	h = fuse_handle_get(r->server, in.fh, true);
	if (!h)
		return -EBADF;
	e = fsync(h->fd) < 0 ? -errno : 0;
	fuse_handle_put(r->server, h);
	return e;
}

/* -- Reading -------------------------------------------------------------- */

struct listing {
	struct fuse_request *r;
	const struct fuse_inode *dir; /* with attributes; else NULL */
	size_t room, used;
};

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Returns false when there is no room for it. */
static bool put_entry(struct listing *l, const struct entry *e)
{
	size_t head = l->dir ? sizeof(struct fuse_direntplus)
			     : sizeof(struct fuse_dirent);
	size_t len = strlen(e->name);
	size_t size = FUSE_DIRENT_ALIGN(head - sizeof(struct fuse_dirent) +
					FUSE_NAME_OFFSET + len);
	uint8_t *at = l->r->reply + l->used;
	struct fuse_dirent *d =
		l->dir ? &((struct fuse_direntplus *)at)->dirent
		       : (struct fuse_dirent *)at;

	if (size > l->room - l->used)
		return false;
	memset(at, 0, size);
	/* One that goes meanwhile has no attributes: nodeid 0 says so. The
	 * guest never looks up the dots. */
	if (l->dir && !is_dots(e->name) &&
	    fuse_look_up(l->r, l->dir, e->name,
			 &((struct fuse_direntplus *)at)->entry_out) < 0)
		memset(at, 0, size);
	d->ino = e->ino;
	d->off = (uint64_t)e->off;
	d->namelen = (uint32_t)len;
	d->type = e->type;
	memcpy(d->name, e->name, len);
	l->used += size;
	return true;
}

/* With the handle's position held. Returns the bytes put or -errno. */
static int list(struct listing *l, int fd, uint64_t offset)
{
	_Alignas(8) char bytes[ENTRIES_BYTES];
	long n;

	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	while ((n = syscall(SYS_getdents64, fd, bytes, sizeof(bytes))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (struct entry *)(bytes + at);

			if (!put_entry(l, e))
				return (int)l->used;
			at += e->reclen;
		}
	}
	return n < 0 && l->used == 0 ? -errno : (int)l->used;
}

static int read_directory(struct fuse_request *r, const struct fuse_inode *dir)
{
	struct listing l = {.r = r, .dir = dir};
	struct fuse_handle *h;
	struct fuse_read_in in;
	int e;

	memcpy(&in, r->args, sizeof(in));
	l.room = in.size < FUSE_REPLY_MAX ? in.size : FUSE_REPLY_MAX;
	if (l.room > r->out_room)
		l.room = r->out_room;
	h = fuse_handle_get(r->server, in.fh, true);
	if (!h)
		return -EBADF;
	pthread_mutex_lock(&h->position);
	e = list(&l, h->fd, in.offset);
	pthread_mutex_unlock(&h->position);
	fuse_handle_put(r->server, h);
	return e;
}

int fuse_op_readdir(struct fuse_request *r)
{
	return read_directory(r, NULL);
}

int fuse_op_readdirplus(struct fuse_request *r)
{
	struct fuse_inode *dir = fuse_inode_get(r->server, r->in.nodeid);
	int e = dir ? read_directory(r, dir) : -ESTALE;

	fuse_inode_put(r->server, dir);
	return e;
}
