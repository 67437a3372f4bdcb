/* SPDX-License-Identifier: MIT */
/* The file server: FUSE requests in, a directory tree of the host behind. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * Serves one directory tree beneath one fd by the FUSE protocol 7.38 (struct
 * definitions of <linux/fuse.h>), as virtio-fs wants it: no /dev/fuse, no
 * libfuse. A name of the guest is one path component and is looked up with
 * RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | O_NOFOLLOW; ".." of the root is
 * the root. Requests act with the uid, gid and groups' rights of the caller
 * in the guest. Everything in a request is hostile until it is checked.
 *
 * Thread-safe: any number of threads may handle requests at once. Who calls
 * fuse_server_thread_init() must be a thread that does nothing else, since
 * requests change its credentials and umask (unshare(CLONE_FS)).
 */
struct fuse_server;

struct fuse_config {
	int root; /* O_PATH of the exported directory; borrowed */
	bool readonly; /* everything that changes answers EROFS */
};

/* Returns 0 and *out, or -errno with fail() text. */
int fuse_server_create(const struct fuse_config *config,
		       struct fuse_server **out);

/* Closes all it holds. No thread may be in it. NULL is fine. */
void fuse_server_destroy(struct fuse_server *s);

/* Prepares the calling thread. Returns 0 or -errno with fail() text. */
int fuse_server_thread_init(struct fuse_server *s);

/*
 * Handles one request: reads it from in, writes the answer to out.
 * Returns the answer's bytes; 0 when the request has none (FORGET,
 * BATCH_FORGET, INTERRUPT); -errno with fail() text when the request is no
 * FUSE message at all, or out is too small for any answer.
 * May block for as long as the host's file system does, and longer for
 * FUSE_SETLKW: fuse_request_blocks() tells beforehand.
 */
ssize_t fuse_server_handle(struct fuse_server *s, const struct iovec *in,
			   unsigned n_in, const struct iovec *out,
			   unsigned n_out);

/* Would handling this request wait for another one? (FUSE_SETLKW) */
bool fuse_request_blocks(const struct iovec *in, unsigned n_in);

/* The guest's file system went (device reset): forgets all inodes, open
 * files and locks. No thread may be in it. */
void fuse_server_reset(struct fuse_server *s);
