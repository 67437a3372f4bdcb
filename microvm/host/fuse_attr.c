/* SPDX-License-Identifier: MIT */
/* Attributes of files and of file systems. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "microvm/host/fuse_server.h"

/*
 * How long the guest may go by what it was told. It is the only one that
 * changes its root, but the host may change what it shares with it.
 */
#define VALID_SECONDS 1

int fuse_stat(int fd, struct statx *st)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT,
		     STATX_BASIC_STATS | STATX_MNT_ID, st) < 0
		       ? -errno
		       : 0;
}

struct fuse_attr fuse_attr_of(const struct statx *st)
{
	return (struct fuse_attr){
		.ino = st->stx_ino,
		.size = st->stx_size,
		.blocks = st->stx_blocks,
		.atime = (uint64_t)st->stx_atime.tv_sec,
		.mtime = (uint64_t)st->stx_mtime.tv_sec,
		.ctime = (uint64_t)st->stx_ctime.tv_sec,
		.atimensec = st->stx_atime.tv_nsec,
		.mtimensec = st->stx_mtime.tv_nsec,
		.ctimensec = st->stx_ctime.tv_nsec,
		.mode = st->stx_mode,
		.nlink = st->stx_nlink,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		.rdev = (uint32_t)makedev(st->stx_rdev_major,
					  st->stx_rdev_minor),
		.blksize = st->stx_blksize,
	};
}

int fuse_reopen(struct fuse_server *s, const struct fuse_inode *inode,
		int flags)
{
	char name[32];
	int fd;

	/* The guest's kernel opens devices, fifos and sockets by itself. */
	if (inode->type != S_IFREG && inode->type != S_IFDIR)
		return -EACCES;
	snprintf(name, sizeof(name), "%d", inode->fd);
	fd = openat(s->self_fd, name,
		    (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW | O_DIRECT |
			       O_APPEND)) |
			    O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* -- GETATTR -------------------------------------------------------------- */

static int put_attr(struct fuse_request *r, int fd)
{
	struct fuse_attr_out *out = (struct fuse_attr_out *)r->reply;
	struct statx st;
	int e = fuse_stat(fd, &st);

	if (e < 0)
		return e;
	*out = (struct fuse_attr_out){.attr_valid = VALID_SECONDS,
				      .attr = fuse_attr_of(&st)};
	return sizeof(*out);
}

int fuse_op_getattr(struct fuse_request *r)
{
	struct fuse_inode *inode = fuse_inode_get(r->server, r->in.nodeid);
	int e = inode ? put_attr(r, inode->fd) : -ESTALE;

	fuse_inode_put(r->server, inode);
	return e;
}

/* -- SETATTR -------------------------------------------------------------- */

static int set_size(struct fuse_request *r, const struct fuse_inode *inode,
		    const struct fuse_setattr_in *in)
{
	struct fuse_handle *h = in->valid & FATTR_FH
					? fuse_handle_get(r->server, in->fh,
							  false)
					: NULL;
	bool kill = in->valid & FATTR_KILL_SUIDGID;
	_cleanup_fd_ int fd = -1;
	int e = 0;

	if (inode->type != S_IFREG)
		return -EINVAL;
	if (!h)
		e = fd = fuse_reopen(r->server, inode, O_WRONLY);
	if (kill)
		fuse_drop_fsetid(r);
	if (e >= 0)
		e = ftruncate(h ? h->fd : fd, (off_t)in->size) < 0 ? -errno
								    : 0;
	if (kill)
		fuse_take_fsetid(r);
	fuse_handle_put(r->server, h);
	return e;
}

static int set_times(const struct fuse_inode *inode,
		     const struct fuse_setattr_in *in)
{
	const struct timespec times[2] = {
		{.tv_sec = (time_t)in->atime,
		 .tv_nsec = in->valid & FATTR_ATIME_NOW ? UTIME_NOW
			    : in->valid & FATTR_ATIME	? (long)in->atimensec
							: UTIME_OMIT},
		{.tv_sec = (time_t)in->mtime,
		 .tv_nsec = in->valid & FATTR_MTIME_NOW ? UTIME_NOW
			    : in->valid & FATTR_MTIME	? (long)in->mtimensec
							: UTIME_OMIT},
	};

	return utimensat(inode->fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int set_mode(struct fuse_request *r, const struct fuse_inode *inode,
		    mode_t mode)
{
	char name[32];

	if (inode->type == S_IFLNK)
		return -EOPNOTSUPP;
	snprintf(name, sizeof(name), "%d", inode->fd);
	return fchmodat(r->server->self_fd, name, mode & 07777, 0) < 0 ? -errno
									: 0;
}

/* The owner first: a change of it takes set-id bits away. */
static int set_attributes(struct fuse_request *r,
			  const struct fuse_inode *inode,
			  const struct fuse_setattr_in *in)
{
	int e = 0;

	if (in->valid & (FATTR_UID | FATTR_GID))
		e = fchownat(inode->fd, "",
			     in->valid & FATTR_UID ? in->uid : (uid_t)-1,
			     in->valid & FATTR_GID ? in->gid : (gid_t)-1,
			     AT_EMPTY_PATH) < 0
			    ? -errno
			    : 0;
	if (e == 0 && (in->valid & FATTR_MODE))
		e = set_mode(r, inode, in->mode);
	if (e == 0 && (in->valid & FATTR_SIZE))
		e = set_size(r, inode, in);
	if (e == 0 && (in->valid & (FATTR_ATIME | FATTR_MTIME |
				    FATTR_ATIME_NOW | FATTR_MTIME_NOW)))
		e = set_times(inode, in);
	return e < 0 ? e : put_attr(r, inode->fd);
}

int fuse_op_setattr(struct fuse_request *r)
{
	struct fuse_inode *inode = fuse_inode_get(r->server, r->in.nodeid);
	struct fuse_setattr_in in;
	int e;

	memcpy(&in, r->args, sizeof(in));
	e = inode ? set_attributes(r, inode, &in) : -ESTALE;
	fuse_inode_put(r->server, inode);
	return e;
}

/* -- STATFS, SYNCFS ------------------------------------------------------- */

int fuse_op_statfs(struct fuse_request *r)
{
	struct fuse_inode *inode = fuse_inode_get(r->server, r->in.nodeid);
	struct fuse_statfs_out *out = (struct fuse_statfs_out *)r->reply;
	struct statfs st;
	int e = !inode			      ? -ESTALE
		: fstatfs(inode->fd, &st) < 0 ? -errno
					      : (int)sizeof(*out);

	fuse_inode_put(r->server, inode);
	if (e < 0)
		return e;
	*out = (struct fuse_statfs_out){
		.st = {.blocks = st.f_blocks,
		       .bfree = st.f_bfree,
		       .bavail = st.f_bavail,
		       .files = st.f_files,
		       .ffree = st.f_ffree,
		       .bsize = (uint32_t)st.f_bsize,
		       .namelen = (uint32_t)st.f_namelen,
		       .frsize = (uint32_t)st.f_frsize},
	};
	return e;
}

int fuse_op_syncfs(struct fuse_request *r)
{
	struct fuse_inode *inode = fuse_inode_get(r->server, r->in.nodeid);
	_cleanup_fd_ int fd = -1;
	int e = -ESTALE;

	if (inode)
		e = fd = fuse_reopen(r->server, inode, O_RDONLY);
	if (e >= 0)
		e = syncfs(fd) < 0 ? -errno : 0;
	fuse_inode_put(r->server, inode);
	return e;
}
