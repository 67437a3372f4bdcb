/* SPDX-License-Identifier: MIT */
/* Names: looked up, made, moved and removed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "microvm/host/fuse_server.h"

#define VALID_SECONDS 1 /* as for attributes: fuse_attr.c */

/* -- What is a name ------------------------------------------------------- */

static bool is_component(const char *name)
{
	return *name && strlen(name) <= 255 && !strchr(name, '/') &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* The string at args + skip, NULL when it has no end there. */
static const char *string_at(const struct fuse_request *r, size_t skip)
{
	if (skip >= r->args_len ||
	    !memchr(r->args + skip, '\0', r->args_len - skip))
		return NULL;
	return (const char *)r->args + skip;
}

const char *fuse_name(const struct fuse_request *r, size_t skip)
{
	const char *name = string_at(r, skip);

	return name && is_component(name) ? name : NULL;
}

/* -- LOOKUP --------------------------------------------------------------- */

int fuse_look_up(struct fuse_request *r, const struct fuse_inode *dir,
		 const char *name, struct fuse_entry_out *out)
{
	int fd = openat(dir->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct fuse_inode *inode;
	struct statx st;

	if (fd < 0)
		return -errno;
	inode = fuse_inode_of(r->server, fd, &st);
	if (!inode)
		return -errno;
	*out = (struct fuse_entry_out){
		.nodeid = inode->nodeid,
		.entry_valid = VALID_SECONDS,
		.attr_valid = VALID_SECONDS,
		.attr = fuse_attr_of(&st),
	};
	/* Another mount: the guest makes one of it, so that inode numbers
	 * of two file systems do not meet. */
	if (r->server->submounts && inode->type == S_IFDIR &&
	    inode->mount != dir->mount)
		out->attr.flags = FUSE_ATTR_SUBMOUNT;
	return 0;
}

/* Does one thing in the request's directory. */
typedef int in_directory(struct fuse_request *r, const struct fuse_inode *dir);

static int with_dir(struct fuse_request *r, in_directory *run)
{
	struct fuse_inode *dir = fuse_inode_get(r->server, r->in.nodeid);
	int e = !dir			 ? -ESTALE
		: dir->type != S_IFDIR ? -ENOTDIR
				       : run(r, dir);

	fuse_inode_put(r->server, dir);
	return e;
}

static int put_entry(struct fuse_request *r, const struct fuse_inode *dir,
		     const char *name)
{
	struct fuse_entry_out *out = (struct fuse_entry_out *)r->reply;
	int e = fuse_look_up(r, dir, name, out);

	return e < 0 ? e : (int)sizeof(*out);
}

static int look_up(struct fuse_request *r, const struct fuse_inode *dir)
{
	const char *name = fuse_name(r, 0);

	return name ? put_entry(r, dir, name) : -EINVAL;
}

int fuse_op_lookup(struct fuse_request *r)
{
	return with_dir(r, look_up);
}

int fuse_op_readlink(struct fuse_request *r)
{
	struct fuse_inode *inode = fuse_inode_get(r->server, r->in.nodeid);
	ssize_t n = -1;
	int e = -ESTALE;

	if (inode) {
		n = readlinkat(inode->fd, "", (char *)r->reply, 4096);
		e = n < 0 ? -errno : (int)n;
	}
	fuse_inode_put(r->server, inode);
	return e;
}

/* -- Making --------------------------------------------------------------- */

static int make_node(struct fuse_request *r, const struct fuse_inode *dir)
{
	const char *name = fuse_name(r, sizeof(struct fuse_mknod_in));
	struct fuse_mknod_in in;
	int e;

	memcpy(&in, r->args, sizeof(in));
	if (!name)
		return -EINVAL;
	e = fuse_become(r);
	if (e == 0) {
		e = mknodat(dir->fd, name, in.mode, in.rdev) < 0 ? -errno : 0;
		fuse_return(r);
	}
	return e < 0 ? e : put_entry(r, dir, name);
}

int fuse_op_mknod(struct fuse_request *r)
{
	return with_dir(r, make_node);
}

static int make_dir(struct fuse_request *r, const struct fuse_inode *dir)
{
	const char *name = fuse_name(r, sizeof(struct fuse_mkdir_in));
	struct fuse_mkdir_in in;
	int e;

	memcpy(&in, r->args, sizeof(in));
	if (!name)
		return -EINVAL;
	e = fuse_become(r);
	if (e == 0) {
		e = mkdirat(dir->fd, name, in.mode) < 0 ? -errno : 0;
		fuse_return(r);
	}
	return e < 0 ? e : put_entry(r, dir, name);
}

int fuse_op_mkdir(struct fuse_request *r)
{
	return with_dir(r, make_dir);
}

static int make_symlink(struct fuse_request *r, const struct fuse_inode *dir)
{
	const char *name = fuse_name(r, 0);
	const char *target = name ? string_at(r, strlen(name) + 1) : NULL;
	int e;

	if (!target)
		return -EINVAL;
	e = fuse_become(r);
	if (e == 0) {
		e = symlinkat(target, dir->fd, name) < 0 ? -errno : 0;
		fuse_return(r);
	}
	return e < 0 ? e : put_entry(r, dir, name);
}

int fuse_op_symlink(struct fuse_request *r)
{
	return with_dir(r, make_symlink);
}

static int make_link(struct fuse_request *r, const struct fuse_inode *dir)
{
	const char *name = fuse_name(r, sizeof(struct fuse_link_in));
	struct fuse_inode *old;
	struct fuse_link_in in;
	char number[32];
	int e;

	memcpy(&in, r->args, sizeof(in));
	if (!name)
		return -EINVAL;
	old = fuse_inode_get(r->server, in.oldnodeid);
	if (!old)
		return -ESTALE;
	/* Followed is the link in procfs alone, not one that old may be. */
	snprintf(number, sizeof(number), "%d", old->fd);
	e = linkat(r->server->self_fd, number, dir->fd, name,
		   AT_SYMLINK_FOLLOW) < 0
		    ? -errno
		    : 0;
	fuse_inode_put(r->server, old);
	return e < 0 ? e : put_entry(r, dir, name);
}

int fuse_op_link(struct fuse_request *r)
{
	return with_dir(r, make_link);
}

/* -- Creating and opening ------------------------------------------------- */

static int put_open(struct fuse_request *r, int fd, size_t at)
{
	struct fuse_open_out *out = (struct fuse_open_out *)(r->reply + at);
	uint64_t id = fuse_handle_add(r->server, fd, false);

	if (!id)
		return -errno;
	*out = (struct fuse_open_out){.fh = id,
				      .open_flags = FOPEN_KEEP_CACHE};
	return (int)(at + sizeof(*out));
}

/* O_APPEND is the guest's: its writes come with their place. */
static int access_mode(uint32_t flags)
{
	return (int)flags & (O_ACCMODE | O_SYNC | O_DSYNC | O_NOATIME);
}

static int create(struct fuse_request *r, const struct fuse_inode *dir)
{
	const char *name = fuse_name(r, sizeof(struct fuse_create_in));
	struct fuse_create_in in;
	int fd, e;

	memcpy(&in, r->args, sizeof(in));
	if (!name)
		return -EINVAL;
	e = fuse_become(r);
	if (e < 0)
		return e;
	/* Always a new file: another one of that name, which may be a device
	 * or a fifo of the host, is opened through its inode. */
	fd = openat(dir->fd, name,
		    access_mode(in.flags) | O_CREAT | O_EXCL | O_CLOEXEC,
		    in.mode & 07777);
	e = fd < 0 ? -errno : 0;
	fuse_return(r);
	if (e == -EEXIST && !(in.flags & O_EXCL)) {
		e = put_entry(r, dir, name);
		if (e < 0)
			return e;

		struct fuse_entry_out *entry = (struct fuse_entry_out *)r->reply;
		struct fuse_inode *inode =
			fuse_inode_get(r->server, entry->nodeid);

		fd = inode ? fuse_reopen(r->server, inode,
					 access_mode(in.flags) |
						 ((int)in.flags & O_TRUNC))
			   : -ESTALE;
		fuse_inode_put(r->server, inode);
		if (fd < 0)
			fuse_inode_forget(r->server, entry->nodeid, 1);
		return fd < 0 ? fd : put_open(r, fd, sizeof(*entry));
	}
	if (e == 0)
		e = put_entry(r, dir, name);
	if (e < 0) {
		if (fd >= 0)
			close(fd);
		return e;
	}
	return put_open(r, fd, (size_t)e);
}

int fuse_op_create(struct fuse_request *r)
{
	return with_dir(r, create);
}

/* A file without a name: its inode comes from the open file itself. */
static int create_unnamed(struct fuse_request *r, const struct fuse_inode *dir)
{
	struct fuse_entry_out *out = (struct fuse_entry_out *)r->reply;
	struct fuse_create_in in;
	struct fuse_inode *inode;
	struct statx st;
	char number[32];
	int fd, path, e;

	memcpy(&in, r->args, sizeof(in));
	e = fuse_become(r);
	if (e < 0)
		return e;
	fd = openat(dir->fd, ".",
		    access_mode(in.flags) | O_TMPFILE | O_CLOEXEC |
			    ((int)in.flags & O_EXCL),
		    in.mode & 07777);
	e = fd < 0 ? -errno : 0;
	fuse_return(r);
	if (e < 0)
		return e;
	snprintf(number, sizeof(number), "%d", fd);
	path = openat(r->server->self_fd, number, O_PATH | O_CLOEXEC);
	inode = path < 0 ? NULL : fuse_inode_of(r->server, path, &st);
	if (!inode) {
		e = -errno;
		close(fd);
		return e;
	}
	*out = (struct fuse_entry_out){
		.nodeid = inode->nodeid,
		.attr_valid = VALID_SECONDS,
		.attr = fuse_attr_of(&st),
	};
	return put_open(r, fd, sizeof(*out));
}

int fuse_op_tmpfile(struct fuse_request *r)
{
	return with_dir(r, create_unnamed);
}

int fuse_op_open(struct fuse_request *r)
{
	struct fuse_inode *inode = fuse_inode_get(r->server, r->in.nodeid);
	struct fuse_open_in in;
	int fd;

	memcpy(&in, r->args, sizeof(in));
	if (r->server->config.readonly &&
	    (in.flags & (O_ACCMODE | O_TRUNC)) != O_RDONLY) {
		fuse_inode_put(r->server, inode);
		return -EROFS;
	}
	if (in.open_flags & FUSE_OPEN_KILL_SUIDGID)
		fuse_drop_fsetid(r);
	fd = !inode		       ? -ESTALE
	     : inode->type != S_IFREG ? -EACCES
				      : fuse_reopen(r->server, inode,
						    access_mode(in.flags) |
							    ((int)in.flags &
							     O_TRUNC));
	if (in.open_flags & FUSE_OPEN_KILL_SUIDGID)
		fuse_take_fsetid(r);
	fuse_inode_put(r->server, inode);
	return fd < 0 ? fd : put_open(r, fd, 0);
}

int fuse_op_release(struct fuse_request *r)
{
	struct fuse_release_in in;

	memcpy(&in, r->args, sizeof(in));
	fuse_handle_release(r->server, in.fh);
	return 0;
}

/* -- Removing and renaming ------------------------------------------------ */

static int remove_name(struct fuse_request *r, const struct fuse_inode *dir)
{
	const char *name = fuse_name(r, 0);
	int flags = r->in.opcode == FUSE_RMDIR ? AT_REMOVEDIR : 0;

	if (!name)
		return -EINVAL;
	return unlinkat(dir->fd, name, flags) < 0 ? -errno : 0;
}

int fuse_op_unlink(struct fuse_request *r)
{
	return with_dir(r, remove_name);
}

int fuse_op_rmdir(struct fuse_request *r)
{
	return with_dir(r, remove_name);
}

static int move(struct fuse_request *r, uint64_t newdir, uint32_t flags,
		size_t skip)
{
	const char *from = fuse_name(r, skip);
	const char *to = from ? fuse_name(r, skip + strlen(from) + 1) : NULL;
	struct fuse_inode *old, *new;
	int e;

	if (!to || (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)))
		return -EINVAL;
	old = fuse_inode_get(r->server, r->in.nodeid);
	new = fuse_inode_get(r->server, newdir);
	e = !old || !new ? -ESTALE
	    : renameat2(old->fd, from, new->fd, to, flags) < 0 ? -errno
								: 0;
	fuse_inode_put(r->server, old);
	fuse_inode_put(r->server, new);
	return e;
}

int fuse_op_rename(struct fuse_request *r)
{
	struct fuse_rename_in in;

	memcpy(&in, r->args, sizeof(in));
	return move(r, in.newdir, 0, sizeof(in));
}

int fuse_op_rename2(struct fuse_request *r)
{
	struct fuse_rename2_in in;

	memcpy(&in, r->args, sizeof(in));
	return move(r, in.newdir, in.flags, sizeof(in));
}
