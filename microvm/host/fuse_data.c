/* SPDX-License-Identifier: MIT */
/* What is in files: straight between the host's cache and guest memory. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "microvm/host/fuse_server.h"

/*
 * The part of iov that begins behind skip bytes and is len bytes long at
 * most. Returns its pieces in to, which has room for n.
 */
static unsigned slice(const struct iovec *iov, unsigned n, size_t skip,
		      size_t len, struct iovec *to)
{
	unsigned out = 0;

	for (unsigned i = 0; i < n && len > 0; i++) {
		size_t part = iov[i].iov_len;

		if (skip >= part) {
			skip -= part;
			continue;
		}
		part -= skip;
		if (part > len)
			part = len;
		to[out++] = (struct iovec){
			.iov_base = (uint8_t *)iov[i].iov_base + skip,
			.iov_len = part};
		len -= part;
		skip = 0;
	}
	return out;
}

int fuse_op_read(struct fuse_request *r)
{
	struct iovec iov[IOV_MAX];
	struct fuse_handle *h;
	struct fuse_read_in in;
	ssize_t n;

	memcpy(&in, r->args, sizeof(in));
	if (r->n_out > IOV_MAX || in.size > r->out_room)
		return -EINVAL;
	h = fuse_handle_get(r->server, in.fh, false);
	if (!h)
		return -EBADF;
	n = preadv(h->fd, iov,
		   (int)slice(r->out_iov, r->n_out,
			      sizeof(struct fuse_out_header), in.size, iov),
		   (off_t)in.offset);
	n = n < 0 ? -errno : n;
	fuse_handle_put(r->server, h);
	return (int)n;
}

static ssize_t write_data(struct fuse_request *r, int fd,
			  const struct fuse_write_in *in)
{
	bool kill = in->write_flags & FUSE_WRITE_KILL_SUIDGID;
	struct iovec iov[IOV_MAX];
	unsigned n_iov =
		slice(r->in_iov, r->n_in,
		      sizeof(struct fuse_in_header) + sizeof(*in), in->size,
		      iov);
	ssize_t n;

	if (kill)
		fuse_drop_fsetid(r);
	n = pwritev(fd, iov, (int)n_iov, (off_t)in->offset);
	n = n < 0 ? -errno : n;
	if (kill)
		fuse_take_fsetid(r);
	return n;
}

int fuse_op_write(struct fuse_request *r)
{
	struct fuse_write_out *out = (struct fuse_write_out *)r->reply;
	struct fuse_handle *h;
	struct fuse_write_in in;
	ssize_t n;

	memcpy(&in, r->args, sizeof(in));
	if (r->n_in > IOV_MAX)
		return -EINVAL;
	h = fuse_handle_get(r->server, in.fh, false);
	if (!h)
		return -EBADF;
	n = write_data(r, h->fd, &in);
	fuse_handle_put(r->server, h);
	if (n < 0)
		return (int)n;
	*out = (struct fuse_write_out){.size = (uint32_t)n};
	return sizeof(*out);
}

int fuse_op_fsync(struct fuse_request *r)
{
	struct fuse_fsync_in in;
	struct fuse_handle *h;
	int e;

	memcpy(&in, r->args, sizeof(in));
	h = fuse_handle_get(r->server, in.fh, false);
	if (!h)
		return -EBADF;
	e = (in.fsync_flags & FUSE_FSYNC_FDATASYNC ? fdatasync(h->fd)
						   : fsync(h->fd)) < 0
		    ? -errno
		    : 0;
	fuse_handle_put(r->server, h);
	return e;
}

int fuse_op_fallocate(struct fuse_request *r)
{
	struct fuse_fallocate_in in;
	struct fuse_handle *h;
	int e;

	memcpy(&in, r->args, sizeof(in));
	h = fuse_handle_get(r->server, in.fh, false);
	if (!h)
		return -EBADF;
	e = fallocate(h->fd, (int)in.mode, (off_t)in.offset,
		      (off_t)in.length) < 0
		    ? -errno
		    : 0;
	fuse_handle_put(r->server, h);
	return e;
}

int fuse_op_lseek(struct fuse_request *r)
{
	struct fuse_lseek_out *out = (struct fuse_lseek_out *)r->reply;
	struct fuse_lseek_in in;
	struct fuse_handle *h;
	off_t at;
	int e;

	memcpy(&in, r->args, sizeof(in));
	/* The others are done in the guest. */
	if (in.whence != SEEK_DATA && in.whence != SEEK_HOLE)
		return -EINVAL;
	h = fuse_handle_get(r->server, in.fh, false);
	if (!h)
		return -EBADF;
	at = lseek(h->fd, (off_t)in.offset, (int)in.whence);
	e = at < 0 ? -errno : (int)sizeof(*out);
	fuse_handle_put(r->server, h);
	*out = (struct fuse_lseek_out){.offset = (uint64_t)at};
	return e;
}

int fuse_op_copy_file_range(struct fuse_request *r)
{
	struct fuse_write_out *out = (struct fuse_write_out *)r->reply;
	struct fuse_copy_file_range_in in;
	struct fuse_handle *from, *to;
	off_t at_from, at_to;
	ssize_t n = -EBADF;

	memcpy(&in, r->args, sizeof(in));
	at_from = (off_t)in.off_in;
	at_to = (off_t)in.off_out;
	/* The answer has 32 bits. */
	if (in.len > INT_MAX)
		in.len = INT_MAX & ~4095;
	from = fuse_handle_get(r->server, in.fh_in, false);
	to = fuse_handle_get(r->server, in.fh_out, false);
	if (from && to) {
		n = copy_file_range(from->fd, &at_from, to->fd, &at_to, in.len,
				    0);
		n = n < 0 ? -errno : n;
	}
	fuse_handle_put(r->server, from);
	fuse_handle_put(r->server, to);
	if (n < 0)
		return (int)n;
	*out = (struct fuse_write_out){.size = (uint32_t)n};
	return sizeof(*out);
}
