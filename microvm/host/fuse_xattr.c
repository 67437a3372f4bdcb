/* SPDX-License-Identifier: MIT */
/* The file server's operations on extended attributes. */
#include <errno.h>
#include <stdlib.h>
#include <sys/xattr.h>

#include "lib/cleanup.h"
#include "microvm/host/fuse_server.h"

/*
 * All by the inode's link in self/fd, the thread's directory: that needs no
 * open file, so that it is right for devices and symlinks, too.
 */

ssize_t fuse_setxattr(struct fuse_request *r)
{
	const struct fuse_setxattr_in *in = (const void *)r->arg;
	_cleanup_free_ void *value = NULL;
	char name[FUSE_FD_NAME];

	if (in->size > XATTR_SIZE_MAX)
		return -E2BIG;
	value = malloc(in->size ? in->size : 1);
	if (!value)
		return -ENOMEM;
	if (!fuse_request_get(r, r->data, value, in->size))
		return -EINVAL;
	return setxattr(fuse_fd_name(r->inode->fd, name), r->name[0], value,
			in->size, (int)in->flags) < 0
		       ? -errno
		       : 0;
}

/* The answer: size 0 asks for the size. n: what the kernel returned. */
static ssize_t put_value(struct fuse_request *r, uint32_t size,
			 const void *value, ssize_t n)
{
	struct fuse_getxattr_out out = {0};

	if (n < 0)
		return -errno;
	if (size)
		return fuse_request_put(r, 0, value, (size_t)n);
	out.size = (uint32_t)n;
	return fuse_request_put(r, 0, &out, sizeof(out));
}

ssize_t fuse_getxattr(struct fuse_request *r)
{
	const struct fuse_getxattr_in *in = (const void *)r->arg;
	size_t size = in->size < XATTR_SIZE_MAX ? in->size : XATTR_SIZE_MAX;
	_cleanup_free_ void *value = malloc(size ? size : 1);
	char name[FUSE_FD_NAME];

	if (!value)
		return -ENOMEM;
	return put_value(r, in->size, value,
			 getxattr(fuse_fd_name(r->inode->fd, name), r->name[0],
				  value, size));
}

ssize_t fuse_listxattr(struct fuse_request *r)
{
	const struct fuse_getxattr_in *in = (const void *)r->arg;
	size_t size = in->size < XATTR_LIST_MAX ? in->size : XATTR_LIST_MAX;
	_cleanup_free_ void *list = malloc(size ? size : 1);
	char name[FUSE_FD_NAME];

	if (!list)
		return -ENOMEM;
	return put_value(
		r, in->size, list,
		listxattr(fuse_fd_name(r->inode->fd, name), list, size));
}

ssize_t fuse_removexattr(struct fuse_request *r)
{
	char name[FUSE_FD_NAME];

	return removexattr(fuse_fd_name(r->inode->fd, name), r->name[0]) < 0
		       ? -errno
		       : 0;
}
