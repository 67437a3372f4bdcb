/* SPDX-License-Identifier: MIT */
/* The file server's operations on open files. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "microvm/host/fuse_server.h"

/* What of the guest's flags is the server's business: appending, syncing and
 * direct access are done by the guest's kernel. */
#define OPEN_FLAGS (O_ACCMODE | O_TRUNC)

static bool changes(uint32_t flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
}

/* Opens an inode as the guest asked. fd or -errno. */
static int open_file(struct fuse_server *s, const struct fuse_inode *inode,
		     uint32_t flags, uint32_t open_flags)
{
	int fd;

	if (inode->type == S_IFDIR)
		return -EISDIR;
	if (s->readonly && changes(flags))
		return -EROFS;
	if (open_flags & FUSE_OPEN_KILL_SUIDGID)
		fuse_privileges_drop();
	fd = fuse_inode_open(s, inode, (int)(flags & OPEN_FLAGS));
	if (open_flags & FUSE_OPEN_KILL_SUIDGID)
		fuse_privileges_keep();
	return fd;
}

/* A handle of fd (taken) as the answer to an open. */
static int open_out(struct fuse_server *s, int fd, struct fuse_open_out *out)
{
	/* Pages stay until a change of size or mtime is seen. */
	*out = (struct fuse_open_out){.open_flags = FOPEN_KEEP_CACHE};
	return fuse_handle_add(s, fd, false, &out->fh);
}

ssize_t fuse_open(struct fuse_request *r)
{
	const struct fuse_open_in *in = (const void *)r->arg;
	struct fuse_open_out out;
	ssize_t n = open_file(r->server, r->inode, in->flags, in->open_flags);

	if (n >= 0)
		n = open_out(r->server, (int)n, &out);
	if (n < 0)
		return n;
	n = fuse_request_put(r, 0, &out, sizeof(out));
	if (n < 0)
		fuse_handle_release(r->server, out.fh);
	return n;
}

/* The answer of an operation that made a file: its entry and its handle. fd
 * is taken. */
static ssize_t put_created(struct fuse_request *r,
			   const struct fuse_entry_out *entry, int fd)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = {.entry = *entry};
	ssize_t n = open_out(r->server, fd, &out.open);

	if (n == 0) {
		n = fuse_request_put(r, 0, &out, sizeof(out));
		if (n < 0)
			fuse_handle_release(r->server, out.open.fh);
	}
	if (n < 0)
		fuse_inode_forget(r->server, entry->nodeid, 1);
	return n;
}

/* O_PATH of what fd has open. */
static int path_of(const struct fuse_server *s, int fd)
{
	char name[FUSE_FD_NAME];
	int path = openat(s->fds, fuse_fd_name(fd, name), O_PATH | O_CLOEXEC);

	return path < 0 ? -errno : path;
}

/* The entry and handle of a new file, open at fd (taken). */
static ssize_t enter_created(struct fuse_request *r, int fd)
{
	struct fuse_entry_out entry;
	int e = path_of(r->server, fd);

	if (e >= 0)
		e = fuse_name_enter(r->server, e, &entry);
	if (e < 0) {
		close(fd);
		return e;
	}
	return put_created(r, &entry, fd);
}

/* Somebody else made it first: opens what is there. */
static ssize_t open_existing(struct fuse_request *r,
			     const struct fuse_create_in *in)
{
	struct fuse_server *s = r->server;
	struct fuse_entry_out entry;
	struct fuse_inode *inode;
	int r_find = fuse_name_find(s, r->inode, r->name[0], &entry);
	int fd = r_find;

	if (r_find < 0)
		return r_find;
	inode = fuse_inode_hold(s, entry.nodeid);
	fd = inode ? open_file(s, inode, in->flags, in->open_flags) : -ESTALE;
	fuse_inode_put(s, inode);
	if (fd < 0) {
		fuse_inode_forget(s, entry.nodeid, 1);
		return fd;
	}
	return put_created(r, &entry, fd);
}

/* Makes a file as the caller. fd or -errno. */
static int make(struct fuse_request *r, const char *name, int flags)
{
	const struct fuse_create_in *in = (const void *)r->arg;
	int fd = fuse_caller_begin(r, in->umask);

	if (fd < 0)
		return fd;
	fd = openat(r->inode->fd, name,
		    flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW |
			    (int)(in->flags & O_ACCMODE),
		    in->mode & 07777);
	if (fd < 0)
		fd = -errno;
	fuse_caller_end(r);
	return fd;
}

ssize_t fuse_create(struct fuse_request *r)
{
	const struct fuse_create_in *in = (const void *)r->arg;
	int fd = make(r, r->name[0], O_CREAT | O_EXCL);

	if (fd == -EEXIST && !(in->flags & O_EXCL))
		return open_existing(r, in);
	return fd < 0 ? fd : enter_created(r, fd);
}

ssize_t fuse_tmpfile(struct fuse_request *r)
{
	const struct fuse_create_in *in = (const void *)r->arg;
	int fd = make(r, ".", O_TMPFILE | (int)(in->flags & O_EXCL));

	return fd < 0 ? fd : enter_created(r, fd);
}

ssize_t fuse_release(struct fuse_request *r)
{
	const struct fuse_release_in *in = (const void *)r->arg;

	return fuse_handle_release(r->server, in->fh);
}

ssize_t fuse_read(struct fuse_request *r)
{
	const struct fuse_read_in *in = (const void *)r->arg;
	size_t len = in->size < r->room ? in->size : r->room;
	struct iovec slice[FUSE_IOV_MAX];
	struct fuse_handle *handle;
	ssize_t n = fuse_iov_slice(r->out, r->n_out,
				   sizeof(struct fuse_out_header), len, slice);

	if (n < 0 || in->offset > INT64_MAX)
		return -EINVAL;
	handle = fuse_handle_hold(r->server, in->fh, false);
	if (!handle)
		return -EBADF;
	n = preadv(handle->fd, slice, (int)n, (off_t)in->offset);
	if (n < 0)
		n = -errno;
	fuse_handle_put(r->server, handle);
	return n;
}

static ssize_t write_slice(struct fuse_request *r,
			   const struct fuse_write_in *in,
			   const struct iovec *slice, int n_slice)
{
	bool kill = in->write_flags & FUSE_WRITE_KILL_SUIDGID;
	struct fuse_handle *handle = fuse_handle_hold(r->server, in->fh, false);
	ssize_t n;

	if (!handle)
		return -EBADF;
	if (kill)
		fuse_privileges_drop();
	n = pwritev(handle->fd, slice, n_slice, (off_t)in->offset);
	if (n < 0)
		n = -errno;
	if (kill)
		fuse_privileges_keep();
	fuse_handle_put(r->server, handle);
	return n;
}

ssize_t fuse_write(struct fuse_request *r)
{
	const struct fuse_write_in *in = (const void *)r->arg;
	struct fuse_write_out out = {0};
	struct iovec slice[FUSE_IOV_MAX];
	ssize_t n;

	if (in->offset > INT64_MAX || in->size > r->in_bytes - r->data)
		return -EINVAL;
	n = fuse_iov_slice(r->in, r->n_in, r->data, in->size, slice);
	if (n >= 0)
		n = write_slice(r, in, slice, (int)n);
	if (n < 0)
		return n;
	out.size = (uint32_t)n;
	return fuse_request_put(r, 0, &out, sizeof(out));
}

ssize_t fuse_fsync(struct fuse_request *r)
{
	const struct fuse_fsync_in *in = (const void *)r->arg;
	struct fuse_handle *handle = fuse_handle_hold(
		r->server, in->fh, r->head.opcode == FUSE_FSYNCDIR);
	int e;

	if (!handle)
		return -EBADF;
	e = in->fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(handle->fd)
						   : fsync(handle->fd);
	if (e < 0)
		e = -errno;
	fuse_handle_put(r->server, handle);
	return e;
}

ssize_t fuse_syncfs(struct fuse_request *r)
{
	_cleanup_fd_ int fd = fuse_inode_open(r->server, r->inode, O_RDONLY);

	if (fd < 0)
		return fd;
	return syncfs(fd) < 0 ? -errno : 0;
}

ssize_t fuse_fallocate(struct fuse_request *r)
{
	const struct fuse_fallocate_in *in = (const void *)r->arg;
	struct fuse_handle *handle;
	int e;

	if (in->offset > INT64_MAX || in->length > INT64_MAX)
		return -EINVAL;
	if (in->mode & ~(uint32_t)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
				   FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	handle = fuse_handle_hold(r->server, in->fh, false);
	if (!handle)
		return -EBADF;
	e = fallocate(handle->fd, (int)in->mode, (off_t)in->offset,
		      (off_t)in->length);
	if (e < 0)
		e = -errno;
	fuse_handle_put(r->server, handle);
	return e;
}

ssize_t fuse_lseek(struct fuse_request *r)
{
	const struct fuse_lseek_in *in = (const void *)r->arg;
	struct fuse_lseek_out out;
	struct fuse_handle *handle;
	off_t at;

	/* The other kinds are the guest's own, and a race here. */
	if (in->offset > INT64_MAX ||
	    (in->whence != SEEK_DATA && in->whence != SEEK_HOLE))
		return -EINVAL;
	handle = fuse_handle_hold(r->server, in->fh, false);
	if (!handle)
		return -EBADF;
	at = lseek(handle->fd, (off_t)in->offset, (int)in->whence);
	if (at < 0)
		at = -errno;
	fuse_handle_put(r->server, handle);
	if (at < 0)
		return at;
	out.offset = (uint64_t)at;
	return fuse_request_put(r, 0, &out, sizeof(out));
}

ssize_t fuse_copy_file_range(struct fuse_request *r)
{
	const struct fuse_copy_file_range_in *in = (const void *)r->arg;
	struct fuse_handle *from, *to;
	off_t at = (off_t)in->off_in, at_out = (off_t)in->off_out;
	ssize_t n = -EBADF;

	if (at < 0 || at_out < 0 || in->flags)
		return -EINVAL;
	from = fuse_handle_hold(r->server, in->fh_in, false);
	to = fuse_handle_hold(r->server, in->fh_out, false);
	if (from && to) {
		/* The answer is 32 bits wide. */
		n = copy_file_range(from->fd, &at, to->fd, &at_out,
				    in->len < INT32_MAX ? in->len : INT32_MAX,
				    0);
		if (n < 0)
			n = -errno;
	}
	fuse_handle_put(r->server, from);
	fuse_handle_put(r->server, to);
	if (n < 0)
		return n;
	return fuse_request_put(r, 0,
				&(struct fuse_write_out){.size = (uint32_t)n},
				sizeof(struct fuse_write_out));
}
