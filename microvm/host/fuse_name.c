/* SPDX-License-Identifier: MIT */
/* The file server's operations on names: looked up, made, moved, removed. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/compat.h"
#include "microvm/host/fuse_server.h"

/* Negative entries, too, are the guest's to keep. */
static const struct fuse_entry_out nothing = {.entry_valid = FUSE_VALID_S};

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int fuse_name_enter(struct fuse_server *s, int fd, struct fuse_entry_out *entry)
{
	uint64_t nodeid;
	struct statx st;
	int r = fuse_inode_add(s, fd, &st, &nodeid);

	if (r < 0)
		return r;
	*entry = (struct fuse_entry_out){
		.nodeid = nodeid,
		.entry_valid = FUSE_VALID_S,
		.attr_valid = FUSE_VALID_S,
	};
	fuse_attr_fill(&st, &entry->attr);
	return 0;
}

/* O_PATH of a component beneath dir, or -errno. */
static int open_path(const struct fuse_server *s, const struct fuse_inode *dir,
		     const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	if (strcmp(name, "..") == 0) {
		/* Elsewhere it may lead out, when the host moves things. */
		if (dir != s->root)
			return -ESTALE;
		name = ".";
	}
	fd = sys_openat2(dir->fd, name, &how);
	return fd < 0 ? -errno : fd;
}

int fuse_name_find(struct fuse_server *s, const struct fuse_inode *dir,
		   const char *name, struct fuse_entry_out *entry)
{
	int fd = open_path(s, dir, name);

	return fd < 0 ? fd : fuse_name_enter(s, fd, entry);
}

/* The answer with an entry; one that the guest does not get, it must not
 * have looked up. */
static ssize_t put_entry(struct fuse_request *r,
			 const struct fuse_entry_out *entry)
{
	ssize_t n = fuse_request_put(r, 0, entry, sizeof(*entry));

	if (n < 0 && entry->nodeid)
		fuse_inode_forget(r->server, entry->nodeid, 1);
	return n;
}

static ssize_t find_and_put(struct fuse_request *r, const char *name)
{
	struct fuse_entry_out entry;
	int e = fuse_name_find(r->server, r->inode, name, &entry);

	return e < 0 ? e : put_entry(r, &entry);
}

ssize_t fuse_lookup(struct fuse_request *r)
{
	ssize_t n = find_and_put(r, r->name[0]);

	return n == -ENOENT ? put_entry(r, &nothing) : n;
}

ssize_t fuse_forget(struct fuse_request *r)
{
	const struct fuse_forget_in *in = (const void *)r->arg;

	fuse_inode_forget(r->server, r->head.nodeid, in->nlookup);
	return 0;
}

ssize_t fuse_batch_forget(struct fuse_request *r)
{
	const struct fuse_batch_forget_in *in = (const void *)r->arg;
	struct fuse_forget_one one;
	size_t at = r->data;

	for (uint32_t i = 0; i < in->count; i++, at += sizeof(one)) {
		if (!fuse_request_get(r, at, &one, sizeof(one)))
			break;
		fuse_inode_forget(r->server, one.nodeid, one.nlookup);
	}
	return 0;
}

ssize_t fuse_readlink(struct fuse_request *r)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(r->inode->fd, "", target, sizeof(target));

	/* The kernel says ENOENT of what is no link, by an empty path. */
	if (n < 0)
		return r->inode->type == S_IFLNK ? -errno : -EINVAL;
	return fuse_request_put(r, 0, target, (size_t)n);
}

ssize_t fuse_symlink(struct fuse_request *r)
{
	int e = is_dots(r->name[0]) ? -EEXIST : fuse_caller_begin(r, 0);

	if (e < 0)
		return e;
	e = symlinkat(r->name[1], r->inode->fd, r->name[0]) < 0 ? -errno : 0;
	fuse_caller_end(r);
	return e < 0 ? e : find_and_put(r, r->name[0]);
}

ssize_t fuse_mknod(struct fuse_request *r)
{
	const struct fuse_mknod_in *in = (const void *)r->arg;
	int e = is_dots(r->name[0]) ? -EEXIST : fuse_caller_begin(r, in->umask);

	if (e < 0)
		return e;
	e = mknodat(r->inode->fd, r->name[0], in->mode, in->rdev) < 0 ? -errno
								      : 0;
	fuse_caller_end(r);
	return e < 0 ? e : find_and_put(r, r->name[0]);
}

ssize_t fuse_mkdir(struct fuse_request *r)
{
	const struct fuse_mkdir_in *in = (const void *)r->arg;
	int e = is_dots(r->name[0]) ? -EEXIST : fuse_caller_begin(r, in->umask);

	if (e < 0)
		return e;
	e = mkdirat(r->inode->fd, r->name[0], in->mode & 07777) < 0 ? -errno
								    : 0;
	fuse_caller_end(r);
	return e < 0 ? e : find_and_put(r, r->name[0]);
}

static ssize_t remove_name(struct fuse_request *r, int flags)
{
	if (is_dots(r->name[0]))
		return -EINVAL;
	return unlinkat(r->inode->fd, r->name[0], flags) < 0 ? -errno : 0;
}

ssize_t fuse_unlink(struct fuse_request *r)
{
	return remove_name(r, 0);
}

ssize_t fuse_rmdir(struct fuse_request *r)
{
	return remove_name(r, AT_REMOVEDIR);
}

static ssize_t move(struct fuse_request *r, uint64_t newdir, uint32_t flags)
{
	struct fuse_inode *to;
	int e;

	if (is_dots(r->name[0]) || is_dots(r->name[1]) ||
	    flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE |
				RENAME_WHITEOUT))
		return -EINVAL;
	to = fuse_inode_hold(r->server, newdir);
	if (!to)
		return -ESTALE;
	/* A whiteout is a new file: the caller's. */
	e = flags & RENAME_WHITEOUT ? fuse_caller_begin(r, 0) : 0;
	if (e == 0) {
		e = renameat2(r->inode->fd, r->name[0], to->fd, r->name[1],
			      flags) < 0
			    ? -errno
			    : 0;
		if (flags & RENAME_WHITEOUT)
			fuse_caller_end(r);
	}
	fuse_inode_put(r->server, to);
	return e;
}

ssize_t fuse_rename(struct fuse_request *r)
{
	const struct fuse_rename_in *in = (const void *)r->arg;

	return move(r, in->newdir, 0);
}

ssize_t fuse_rename2(struct fuse_request *r)
{
	const struct fuse_rename2_in *in = (const void *)r->arg;

	return move(r, in->newdir, in->flags);
}

ssize_t fuse_link(struct fuse_request *r)
{
	const struct fuse_link_in *in = (const void *)r->arg;
	struct fuse_inode *old;
	char name[FUSE_FD_NAME];
	int e = 0;

	if (is_dots(r->name[0]))
		return -EEXIST;
	old = fuse_inode_hold(r->server, in->oldnodeid);
	if (!old)
		return -ESTALE;
	if (linkat(r->server->fds, fuse_fd_name(old->fd, name), r->inode->fd,
		   r->name[0], AT_SYMLINK_FOLLOW) < 0)
		e = -errno;
	fuse_inode_put(r->server, old);
	return e < 0 ? e : find_and_put(r, r->name[0]);
}
