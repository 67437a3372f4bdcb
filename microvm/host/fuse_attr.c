/* SPDX-License-Identifier: MIT */
/* The file server's operations on attributes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "microvm/host/fuse_server.h"

int fuse_stat(int fd, struct statx *st)
{
	return statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
		     STATX_BASIC_STATS | STATX_MNT_ID, st) < 0
		       ? -errno
		       : 0;
}

void fuse_attr_fill(const struct statx *st, struct fuse_attr *attr)
{
	*attr = (struct fuse_attr){
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
		/* new_encode_dev() of the kernel is makedev()'s low half */
		.rdev = (uint32_t)makedev(st->stx_rdev_major,
					  st->stx_rdev_minor),
		.blksize = st->stx_blksize,
	};
}

static ssize_t put_attr(struct fuse_request *r)
{
	struct fuse_attr_out out = {.attr_valid = FUSE_VALID_S};
	struct statx st;
	int e = fuse_stat(r->inode->fd, &st);

	if (e < 0)
		return e;
	fuse_attr_fill(&st, &out.attr);
	return fuse_request_put(r, 0, &out, sizeof(out));
}

ssize_t fuse_getattr(struct fuse_request *r)
{
	return put_attr(r);
}

static int set_owner(const struct fuse_inode *inode,
		     const struct fuse_setattr_in *in)
{
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

	return fchownat(inode->fd, "", uid, gid,
			AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
}

static int set_mode(const struct fuse_server *s, const struct fuse_inode *inode,
		    uint32_t mode)
{
	char name[FUSE_FD_NAME];

	if (inode->type == S_IFLNK) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return fchmodat(s->fds, fuse_fd_name(inode->fd, name), mode & 07777, 0);
}

static int truncate_to(int fd, const struct fuse_setattr_in *in)
{
	int r;

	if (in->valid & FATTR_KILL_SUIDGID)
		fuse_privileges_drop();
	r = ftruncate(fd, (off_t)in->size) < 0 ? -errno : 0;
	if (in->valid & FATTR_KILL_SUIDGID)
		fuse_privileges_keep();
	return r;
}

static int set_size(struct fuse_server *s, const struct fuse_inode *inode,
		    const struct fuse_setattr_in *in)
{
	struct fuse_handle *handle;
	int r;

	if (in->size > INT64_MAX)
		return -EFBIG;
	if (!(in->valid & FATTR_FH)) {
		_cleanup_fd_ int fd = fuse_inode_open(s, inode, O_WRONLY);

		return fd < 0 ? fd : truncate_to(fd, in);
	}
	handle = fuse_handle_hold(s, in->fh, false);
	r = handle ? truncate_to(handle->fd, in) : -EBADF;
	fuse_handle_put(s, handle);
	return r;
}

static struct timespec time_of(const struct fuse_setattr_in *in, uint32_t set,
			       uint32_t now, uint64_t sec, uint32_t nsec)
{
	struct timespec t = {.tv_nsec = UTIME_OMIT};

	if (in->valid & now)
		t.tv_nsec = UTIME_NOW;
	else if (in->valid & set)
		t = (struct timespec){(time_t)sec, nsec};
	return t;
}

static int set_times(const struct fuse_server *s,
		     const struct fuse_inode *inode,
		     const struct fuse_setattr_in *in)
{
	char name[FUSE_FD_NAME];
	struct timespec t[2] = {
		time_of(in, FATTR_ATIME, FATTR_ATIME_NOW, in->atime,
			in->atimensec),
		time_of(in, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime,
			in->mtimensec),
	};

	return utimensat(s->fds, fuse_fd_name(inode->fd, name), t, 0);
}

/* The owner first, since a change of it clears set-id bits. */
static int set_all(struct fuse_server *s, const struct fuse_inode *inode,
		   const struct fuse_setattr_in *in)
{
	if (in->valid & (FATTR_UID | FATTR_GID) && set_owner(inode, in) < 0)
		return -errno;
	if (in->valid & FATTR_MODE && set_mode(s, inode, in->mode) < 0)
		return -errno;
	if (in->valid & FATTR_SIZE) {
		int r = set_size(s, inode, in);

		if (r < 0)
			return r;
	}
	if (in->valid & (FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW |
			 FATTR_MTIME_NOW) &&
	    set_times(s, inode, in) < 0)
		return -errno;
	return 0;
}

ssize_t fuse_setattr(struct fuse_request *r)
{
	const struct fuse_setattr_in *in = (const void *)r->arg;
	int e = set_all(r->server, r->inode, in);

	return e < 0 ? e : put_attr(r);
}

ssize_t fuse_statfs(struct fuse_request *r)
{
	struct fuse_statfs_out out = {0};
	struct statfs st;

	if (fstatfs(r->inode->fd, &st) < 0)
		return -errno;
	out.st = (struct fuse_kstatfs){
		.blocks = st.f_blocks,
		.bfree = st.f_bfree,
		.bavail = st.f_bavail,
		.files = st.f_files,
		.ffree = st.f_ffree,
		.bsize = (uint32_t)st.f_bsize,
		.namelen = (uint32_t)st.f_namelen,
		.frsize = (uint32_t)st.f_frsize,
	};
	return fuse_request_put(r, 0, &out, sizeof(out));
}
