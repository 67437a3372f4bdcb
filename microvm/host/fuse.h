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
 * libfuse. A name of the guest is one path component, never "." or "..", and
 * is opened with O_PATH | O_NOFOLLOW: no request can lead out of the tree,
 * since none can walk. What a caller in the guest may do is checked by the
 * guest's kernel (default_permissions); what is made gets the caller's ids.
 * Only directories and regular files are ever opened for more than their
 * path. Everything in a request is hostile until it is checked.
 *
 * Thread-safe: any number of threads may handle requests at once. Who calls
 * fuse_server_thread_init() must be a thread that does nothing else, since
 * requests change its credentials and umask (unshare(CLONE_FS)).
 */
struct fuse_server;

struct fuse_config {
	int root; /* O_PATH of the exported directory; borrowed */
	int proc; /* a procfs that knows this process; borrowed. The server
		     reopens its O_PATH fds by it */
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
 * May block for as long as the host's file system does. Locks are the guest
 * kernel's own affair.
 */
ssize_t fuse_server_handle(struct fuse_server *s, const struct iovec *in,
			   unsigned n_in, const struct iovec *out,
			   unsigned n_out);

/* The guest's file system went (device reset): forgets all inodes, open
 * files and locks. No thread may be in it. */
void fuse_server_reset(struct fuse_server *s);
