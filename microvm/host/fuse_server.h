/* SPDX-License-Identifier: MIT */
/* Inside of the file server: its tables, and a request under way. */
#pragma once

#include <linux/fuse.h>
#include <linux/limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "microvm/host/fuse_slots.h"

#define FUSE_VALID_S   1 /* how long the guest trusts names and attributes */
#define FUSE_WRITE_MAX (1U << 20) /* bytes of data in one request */
#define FUSE_DIR_MAX   (1U << 17) /* bytes of entries in one answer */
#define FUSE_IOV_MAX   512        /* pieces of data in one request */
#define FUSE_ARG_MAX   128        /* larger than each struct fuse_*_in */
#define FUSE_FD_NAME   12         /* room for an fd as text */

/* One file of the host's that the guest knows. guarded by: inodes_lock, but
 * for what never changes. */
struct fuse_inode {
	uint64_t nodeid; /* never changes, like all up to type */
	int fd;          /* O_PATH */
	uint64_t ino, mount;
	uint32_t dev_major, dev_minor;
	mode_t type;             /* S_IFMT bits */
	uint64_t lookups;        /* references of the guest */
	unsigned refs;           /* of requests and handles */
	struct fuse_inode *next; /* same bucket */
};

/* One open file or directory. */
struct fuse_handle {
	uint64_t fh;
	int fd;
	bool directory;
	pthread_mutex_t reading; /* guards: fd's offset, of a directory */
	unsigned refs;           /* guarded by: handles_lock */
	bool released;           /* guarded by: handles_lock */
};

struct fuse_server {
	int fds; /* self/fd of procfs: reopens O_PATH fds by number */
	bool readonly;
	bool impersonates; /* has CAP_SETUID and CAP_SETGID */
	uid_t uid;         /* the server's own */
	gid_t gid;
	struct fuse_inode *root;

	pthread_mutex_t inodes_lock;
	struct fuse_slots inodes;
	struct fuse_inode **buckets; /* by device, number and mount */
	size_t n_buckets, n_inodes;

	pthread_mutex_t handles_lock;
	struct fuse_slots handles;
};

/* owned by: the thread that handles it. */
struct fuse_request {
	struct fuse_server *server;
	struct fuse_in_header head;
	const struct iovec *in, *out;
	unsigned n_in, n_out;
	size_t in_bytes; /* the message's length, all of it there */
	size_t room;     /* for the answer, behind its header */
	size_t data;     /* where what follows arguments and names begins */
	struct fuse_inode *inode; /* head.nodeid; held while it is handled */
	_Alignas(8) unsigned char arg[FUSE_ARG_MAX]; /* struct fuse_*_in */
	const char *name[2]; /* as many as the operation has */
	char names[NAME_MAX + 1 + PATH_MAX];
};

/* An operation. Returns the bytes of its answer, or -errno. */
typedef ssize_t fuse_operation(struct fuse_request *r);

fuse_operation fuse_lookup, fuse_forget, fuse_batch_forget, fuse_readlink,
	fuse_symlink, fuse_mknod, fuse_mkdir, fuse_unlink, fuse_rmdir,
	fuse_rename, fuse_rename2, fuse_link;
fuse_operation fuse_getattr, fuse_setattr, fuse_statfs;
fuse_operation fuse_open, fuse_create, fuse_tmpfile, fuse_release, fuse_read,
	fuse_write, fuse_fsync, fuse_fallocate, fuse_lseek,
	fuse_copy_file_range, fuse_syncfs;
fuse_operation fuse_opendir, fuse_readdir, fuse_readdirplus;
fuse_operation fuse_setxattr, fuse_getxattr, fuse_listxattr, fuse_removexattr;

/* fuse.c: the request's bytes. */

/* Copies len bytes of the message from offset on; false: it is shorter. */
bool fuse_request_get(const struct fuse_request *r, size_t offset, void *bytes,
		      size_t len);

/* Puts bytes at offset of the answer's body; returns len or -ERANGE. */
ssize_t fuse_request_put(struct fuse_request *r, size_t offset,
			 const void *bytes, size_t len);

/*
 * Those parts of iov that are its bytes [offset, offset + len), into
 * slice[FUSE_IOV_MAX]. Returns how many, or -EINVAL when there are fewer
 * bytes or more parts.
 */
int fuse_iov_slice(const struct iovec *iov, unsigned n, size_t offset,
		   size_t len, struct iovec *slice);

/* fuse_inode.c: which files the guest knows. */

/*
 * Gives the guest one more lookup of the file at fd (O_PATH; taken, closed on
 * failure): *nodeid, which another thread may forget at any moment, and the
 * file's state in *st. Returns 0 or -errno.
 */
int fuse_inode_add(struct fuse_server *s, int fd, struct statx *st,
		   uint64_t *nodeid);

/* The inode of a nodeid, held; NULL when the guest has none. */
struct fuse_inode *fuse_inode_hold(struct fuse_server *s, uint64_t nodeid);

/* Ends a hold; NULL is fine. */
void fuse_inode_put(struct fuse_server *s, struct fuse_inode *inode);

/* The guest drops that many lookups; unknown ids and counts are its own. */
void fuse_inode_forget(struct fuse_server *s, uint64_t nodeid,
		       uint64_t lookups);

/* The guest drops all lookups, but of the root. */
void fuse_inode_forget_all(struct fuse_server *s);

/* Puts the root in. fd is taken. Returns 0 or -errno. */
int fuse_inode_root(struct fuse_server *s, int fd);

/* Opens a regular file or directory anew; others: -EACCES. fd or -errno. */
int fuse_inode_open(struct fuse_server *s, const struct fuse_inode *inode,
		    int flags);

/* fd as the name of its link in s->fds, which is the thread's directory. */
const char *fuse_fd_name(int fd, char name[FUSE_FD_NAME]);

/* fuse_handle.c: what the guest has open. */

/* Makes a handle of fd (taken, closed on failure). 0 and *fh, or -errno. */
int fuse_handle_add(struct fuse_server *s, int fd, bool directory,
		    uint64_t *fh);

/* The handle, held; NULL when there is none of that kind. */
struct fuse_handle *fuse_handle_hold(struct fuse_server *s, uint64_t fh,
				     bool directory);

/* Ends a hold; closes what was released. NULL is fine. */
void fuse_handle_put(struct fuse_server *s, struct fuse_handle *handle);

/* The guest closed it: gone with its last hold. 0, or -EBADF. */
int fuse_handle_release(struct fuse_server *s, uint64_t fh);

/* Releases all. */
void fuse_handle_release_all(struct fuse_server *s);

/* fuse_caller.c: as whom the thread acts. */

/*
 * The thread makes files as the request's caller, with this umask, until
 * fuse_caller_end(). Returns 0 or -errno: the caller cannot be.
 */
int fuse_caller_begin(const struct fuse_request *r, uint32_t mask);

/* The thread is the server's own again. */
void fuse_caller_end(const struct fuse_request *r);

/* What is written or truncated until fuse_privileges_keep() loses set-id bits
 * and capabilities, whatever the server may. */
void fuse_privileges_drop(void);

/* See there. */
void fuse_privileges_keep(void);

/* fuse_attr.c */

/* Reads the state of an O_PATH fd. Returns 0 or -errno. */
int fuse_stat(int fd, struct statx *st);

/* As the protocol has it. */
void fuse_attr_fill(const struct statx *st, struct fuse_attr *attr);

/* fuse_name.c */

/* Looks one component up beneath a directory. *entry as the guest wants it;
 * the guest has one more lookup of it. Returns 0 or -errno. */
int fuse_name_find(struct fuse_server *s, const struct fuse_inode *dir,
		   const char *name, struct fuse_entry_out *entry);

/* The same of an O_PATH fd (taken). */
int fuse_name_enter(struct fuse_server *s, int fd,
		    struct fuse_entry_out *entry);
