/* SPDX-License-Identifier: MIT */
/* Inside the file server: requests, inodes and open files. */
#pragma once

#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "microvm/host/fuse.h"

#define FUSE_ARGS_MAX  (80 << 10) /* bytes of a request that are copied */
#define FUSE_REPLY_MAX (64 << 10) /* of an answer that is not file data */
#define FUSE_WRITE_MAX (1 << 20) /* bytes of one READ or WRITE */

/*
 * A file of the host that the guest knows by nodeid. It stays the same file
 * through renames and after unlink. guarded by: table->lock, but for the
 * constant members.
 */
struct fuse_inode {
	uint64_t nodeid; /* constant; never used again for another file */
	int fd; /* O_PATH; constant */
	dev_t dev; /* constant */
	ino_t ino; /* constant */
	uint64_t mount; /* constant; of statx */
	mode_t type; /* S_IFMT part; constant */
	uint64_t lookups; /* the guest's references */
	uint64_t users; /* requests at work on it */
	struct fuse_inode *next_by_id, *next_by_key;
};

/* An open file or directory. guarded by: table->lock, but fd. */
struct fuse_handle {
	uint64_t id;
	int fd; /* constant */
	bool is_dir;
	bool released; /* goes when the last request has ended */
	uint64_t users;
	pthread_mutex_t position; /* a directory's, while it is read */
	struct fuse_handle *next;
};

#define FUSE_BUCKETS 4096

struct fuse_table {
	pthread_mutex_t lock;
	uint64_t last_nodeid, last_handle;
	struct fuse_inode *by_id[FUSE_BUCKETS];
	struct fuse_inode *by_key[FUSE_BUCKETS];
	struct fuse_handle *handles[FUSE_BUCKETS];
};

struct fuse_server {
	struct fuse_config config;
	int self_fd; /* PROC/self/fd */
	bool is_root; /* may act with other ids */
	uint32_t caps[2]; /* permitted capabilities */
	bool submounts; /* negotiated */
	struct fuse_table table;
};

/* One request, copied out of the guest's memory. On the thread's stack. */
struct fuse_request {
	struct fuse_server *server;
	struct fuse_in_header in;
	const uint8_t *args; /* behind the header */
	size_t args_len;
	const struct iovec *in_iov, *out_iov; /* for file data only */
	unsigned n_in, n_out;
	size_t out_room; /* bytes that the answer's payload may have */
	uint8_t *reply; /* FUSE_REPLY_MAX bytes */
};

/*
 * An operation: returns the payload's bytes, which are in r->reply (or for
 * READ in the guest's memory already), or -errno for the guest, without text.
 */
typedef int fuse_operation(struct fuse_request *r);

/* -- fuse_inode.c: any thread; each get has its put ----------------------- */

void fuse_table_init(struct fuse_table *t);

/* Forgets all, closes all. No request may be at work. */
void fuse_table_clear(struct fuse_table *t);

/* The inode called nodeid, or NULL (answer ENOENT… as for a stale one). */
struct fuse_inode *fuse_inode_get(struct fuse_server *s, uint64_t nodeid);

void fuse_inode_put(struct fuse_server *s, struct fuse_inode *inode);

/*
 * The inode of the file that fd (O_PATH, taken) is, with one lookup more.
 * st is its attributes then. Returns NULL with errno.
 */
struct fuse_inode *fuse_inode_of(struct fuse_server *s, int fd,
				 struct statx *st);

/* The guest gives back n lookups. */
void fuse_inode_forget(struct fuse_server *s, uint64_t nodeid, uint64_t n);

/* A new handle for fd (taken). Returns its id, or 0 with errno. */
uint64_t fuse_handle_add(struct fuse_server *s, int fd, bool is_dir);

struct fuse_handle *fuse_handle_get(struct fuse_server *s, uint64_t id,
				    bool is_dir);

void fuse_handle_put(struct fuse_server *s, struct fuse_handle *h);

/* The guest closed it. */
void fuse_handle_release(struct fuse_server *s, uint64_t id);

/* -- fuse_cred.c ---------------------------------------------------------- */

/*
 * The calling thread makes files as the guest's caller from here on: file
 * system ids, with all capabilities kept. Returns 0 or -errno.
 */
int fuse_become(const struct fuse_request *r);

/* And as itself again. */
void fuse_return(const struct fuse_request *r);

/* A write that has to clear set-id bits and file capabilities: between the
 * two the thread lacks CAP_FSETID. */
void fuse_drop_fsetid(const struct fuse_request *r);
void fuse_take_fsetid(const struct fuse_request *r);

/* -- fuse_attr.c ---------------------------------------------------------- */

/* Attributes of an O_PATH fd. Returns 0 or -errno. */
int fuse_stat(int fd, struct statx *st);

/* The kernel's form of them. */
struct fuse_attr fuse_attr_of(const struct statx *st);

/* fd opened again, for data: regular files and directories only. */
int fuse_reopen(struct fuse_server *s, const struct fuse_inode *inode,
		int flags);

/* The one name that ARGS (after skip bytes) must be, NULL when it is none. */
const char *fuse_name(const struct fuse_request *r, size_t skip);

/* Looks name up in dir and fills an entry. Returns 0 or -errno. */
int fuse_look_up(struct fuse_request *r, const struct fuse_inode *dir,
		 const char *name, struct fuse_entry_out *out);

extern fuse_operation fuse_op_getattr, fuse_op_setattr, fuse_op_statfs,
	fuse_op_lookup, fuse_op_readlink, fuse_op_symlink, fuse_op_mknod,
	fuse_op_mkdir, fuse_op_unlink, fuse_op_rmdir, fuse_op_rename,
	fuse_op_rename2, fuse_op_link, fuse_op_open, fuse_op_create,
	fuse_op_tmpfile, fuse_op_read, fuse_op_write, fuse_op_release,
	fuse_op_fsync, fuse_op_fallocate, fuse_op_lseek,
	fuse_op_copy_file_range, fuse_op_opendir, fuse_op_readdir,
	fuse_op_readdirplus, fuse_op_releasedir, fuse_op_fsyncdir,
	fuse_op_setxattr, fuse_op_getxattr, fuse_op_listxattr,
	fuse_op_removexattr, fuse_op_syncfs;
