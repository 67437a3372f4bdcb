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
 * libfuse. Everything in a request is hostile until it is checked.
 *
 * Names. A name of the guest is one path component, looked up with
 * RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | O_NOFOLLOW beneath the O_PATH fd
 * of a directory that was found in the same way. ".." of the root is the
 * root, and is not answered elsewhere: the guest's kernel never asks. Mounts
 * in the tree are crossed. Only regular files and directories are opened.
 *
 * Credentials. The guest mounts with default_permissions and checks access
 * itself; new files belong to the caller in the guest. For that, and for
 * files of any owner, the server wants CAP_CHOWN, DAC_OVERRIDE, FOWNER,
 * FSETID, SETUID, SETGID and SETPCAP (so that a change of the fsuid leaves the
 * others alone); MKNOD for device nodes, SETFCAP for file capabilities,
 * SYS_ADMIN for trusted.* attributes. With fewer it serves what its user may:
 * files are the user's own and the host's EPERM is the guest's.
 *
 * Staleness. Names and attributes are the guest's to keep for one second:
 * what the host changes in the tree is seen after that.
 *
 * Locks (POSIX and BSD) are not negotiated: the guest's kernel keeps them.
 *
 * Thread-safe: any number of threads may handle requests at once. Who calls
 * fuse_server_thread_init() must be a thread that does nothing else, since
 * requests change its credentials, umask and working directory
 * (unshare(CLONE_FS)). Each inode that the guest knows takes one fd: the
 * caller sees to RLIMIT_NOFILE.
 */
struct fuse_server;

struct fuse_config {
	int root; /* O_PATH of the exported directory; borrowed */
	int proc; /* O_PATH of a procfs that shows this process; borrowed, and
		     used by fuse_server_create() only */
	bool readonly; /* everything that changes answers EROFS */
};

/* Returns 0 and *out, or -errno with fail() text. */
int fuse_server_create(const struct fuse_config *config,
		       struct fuse_server **out);

/* Closes all it holds. No thread may be in it. NULL is fine. */
void fuse_server_destroy(struct fuse_server *s);

/* Prepares the calling thread, for all it will do. Returns 0 or -errno with
 * fail() text. */
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
