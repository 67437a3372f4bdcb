/* SPDX-License-Identifier: MIT */
/* Extended attributes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "microvm/host/fuse_server.h"

/*
 * The system calls take no O_PATH fd. The threads that serve stand in
 * /proc/self/fd, where the number of an fd is a path to its file; a symbolic
 * link is not followed any further from there.
 */
struct subject {
	struct fuse_inode *inode;
	char path[32];
};

static int subject_get(const struct fuse_request *r, struct subject *s)
{
	s->inode = fuse_inode_get(r->server, r->in.nodeid);
	if (!s->inode)
		return -ESTALE;
	snprintf(s->path, sizeof(s->path), "%d", s->inode->fd);
	return 0;
}

/* The attribute's name at args + skip: with its end, and not empty. */
static const char *attribute(const struct fuse_request *r, size_t skip)
{
	const char *name = (const char *)r->args + skip;

	if (skip >= r->args_len || !memchr(name, '\0', r->args_len - skip))
		return NULL;
	return *name ? name : NULL;
}

int fuse_op_setxattr(struct fuse_request *r)
{
	/* The short form: FUSE_SETXATTR_EXT is not asked for. */
	const size_t head = FUSE_COMPAT_SETXATTR_IN_SIZE;
	const char *name = attribute(r, head);
	struct fuse_setxattr_in in = {};
	struct subject s;
	size_t value;
	int e;

	memcpy(&in, r->args, head);
	if (!name)
		return -EINVAL;
	value = head + strlen(name) + 1;
	if (in.size > r->args_len - value)
		return -EINVAL;
	e = subject_get(r, &s);
	if (e < 0)
		return e;
	e = setxattr(s.path, name, r->args + value, in.size, (int)in.flags) < 0
		    ? -errno
		    : 0;
	fuse_inode_put(r->server, s.inode);
	return e;
}

/* Asked with size 0, the answer is the size that is needed. */
static int put_size(struct fuse_request *r, ssize_t n)
{
	struct fuse_getxattr_out *out = (struct fuse_getxattr_out *)r->reply;

	if (n < 0)
		return -errno;
	*out = (struct fuse_getxattr_out){.size = (uint32_t)n};
	return sizeof(*out);
}

static size_t room(const struct fuse_getxattr_in *in)
{
	return in->size < FUSE_REPLY_MAX ? in->size : FUSE_REPLY_MAX;
}

int fuse_op_getxattr(struct fuse_request *r)
{
	const char *name = attribute(r, sizeof(struct fuse_getxattr_in));
	struct fuse_getxattr_in in;
	struct subject s;
	ssize_t n;
	int e;

	memcpy(&in, r->args, sizeof(in));
	if (!name)
		return -EINVAL;
	e = subject_get(r, &s);
	if (e < 0)
		return e;
	n = getxattr(s.path, name, r->reply, room(&in));
	e = in.size == 0 ? put_size(r, n) : n < 0 ? -errno : (int)n;
	fuse_inode_put(r->server, s.inode);
	return e;
}

int fuse_op_listxattr(struct fuse_request *r)
{
	struct fuse_getxattr_in in;
	struct subject s;
	ssize_t n;
	int e = subject_get(r, &s);

	memcpy(&in, r->args, sizeof(in));
	if (e < 0)
		return e;
	n = listxattr(s.path, (char *)r->reply, room(&in));
	e = in.size == 0 ? put_size(r, n) : n < 0 ? -errno : (int)n;
	fuse_inode_put(r->server, s.inode);
	return e;
}

int fuse_op_removexattr(struct fuse_request *r)
{
	const char *name = attribute(r, 0);
	struct subject s;
	int e = name ? subject_get(r, &s) : -EINVAL;

	if (e < 0)
		return e;
	e = removexattr(s.path, name) < 0 ? -errno : 0;
	fuse_inode_put(r->server, s.inode);
	return e;
}
