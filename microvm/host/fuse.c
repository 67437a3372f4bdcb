/* SPDX-License-Identifier: MIT */
/* The file server: the table of operations, and the way of a request. */
#include "microvm/host/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/host/fuse_server.h"

struct operation {
	fuse_operation *run;
	uint16_t args; /* bytes that must be there behind the header */
	bool changes; /* refused on a read-only export */
};

/* -- The start of the conversation ---------------------------------------- */

/*
 * Data may stay cached over an open, as long as time and size are the same;
 * bits of set-id and file capabilities are cleared here, as a write says.
 */
#define WANTED                                                                 \
	(FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |             \
	 FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |  \
	 FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_POSIX_ACL |              \
	 FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_SUBMOUNTS |               \
	 FUSE_HANDLE_KILLPRIV_V2)

static int op_init(struct fuse_request *r)
{
	struct fuse_init_in in = {};
	struct fuse_init_out *out = (struct fuse_init_out *)r->reply;

	memcpy(&in, r->args, r->args_len < sizeof(in) ? r->args_len
						      : sizeof(in));
	if (in.major < FUSE_KERNEL_VERSION ||
	    (in.major == FUSE_KERNEL_VERSION && in.minor < 31))
		return -EPROTO;
	*out = (struct fuse_init_out){
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in.max_readahead,
		.flags = in.flags & WANTED,
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = FUSE_WRITE_MAX,
		.time_gran = 1,
		.max_pages = FUSE_WRITE_MAX / 4096,
	};
	r->server->submounts = out->flags & FUSE_SUBMOUNTS;
	return sizeof(*out);
}

static int op_destroy(struct fuse_request *r)
{
	(void)r;
	return 0;
}

/* -- Requests without an answer ------------------------------------------- */

static void forget(struct fuse_request *r)
{
	struct fuse_forget_in in;

	if (r->args_len < sizeof(in))
		return;
	memcpy(&in, r->args, sizeof(in));
	fuse_inode_forget(r->server, r->in.nodeid, in.nlookup);
}

static void batch_forget(struct fuse_request *r)
{
	struct fuse_batch_forget_in in;
	struct fuse_forget_one one;

	if (r->args_len < sizeof(in))
		return;
	memcpy(&in, r->args, sizeof(in));
	for (size_t i = 0, at = sizeof(in);
	     i < in.count && r->args_len - at >= sizeof(one);
	     i++, at += sizeof(one)) {
		memcpy(&one, r->args + at, sizeof(one));
		fuse_inode_forget(r->server, one.nodeid, one.nlookup);
	}
}

/* -- The table ------------------------------------------------------------ */

#define IN(type) sizeof(struct fuse_##type##_in)

/* What is not here answers ENOSYS, and the kernel asks no more: FLUSH has
 * nothing to do, ACCESS and locks are decided in the guest. */
static const struct operation operations[] = {
	[FUSE_LOOKUP] = {fuse_op_lookup, 2, false},
	[FUSE_GETATTR] = {fuse_op_getattr, IN(getattr), false},
	[FUSE_SETATTR] = {fuse_op_setattr, IN(setattr), true},
	[FUSE_READLINK] = {fuse_op_readlink, 0, false},
	[FUSE_SYMLINK] = {fuse_op_symlink, 4, true},
	[FUSE_MKNOD] = {fuse_op_mknod, IN(mknod) + 2, true},
	[FUSE_MKDIR] = {fuse_op_mkdir, IN(mkdir) + 2, true},
	[FUSE_UNLINK] = {fuse_op_unlink, 2, true},
	[FUSE_RMDIR] = {fuse_op_rmdir, 2, true},
	[FUSE_RENAME] = {fuse_op_rename, IN(rename) + 4, true},
	[FUSE_LINK] = {fuse_op_link, IN(link) + 2, true},
	[FUSE_OPEN] = {fuse_op_open, IN(open), false},
	[FUSE_READ] = {fuse_op_read, IN(read), false},
	[FUSE_WRITE] = {fuse_op_write, IN(write), true},
	[FUSE_STATFS] = {fuse_op_statfs, 0, false},
	[FUSE_RELEASE] = {fuse_op_release, IN(release), false},
	[FUSE_FSYNC] = {fuse_op_fsync, IN(fsync), false},
	[FUSE_SETXATTR] = {fuse_op_setxattr, 8, true},
	[FUSE_GETXATTR] = {fuse_op_getxattr, IN(getxattr) + 2, false},
	[FUSE_LISTXATTR] = {fuse_op_listxattr, IN(getxattr), false},
	[FUSE_REMOVEXATTR] = {fuse_op_removexattr, 2, true},
	[FUSE_INIT] = {op_init, 16, false},
	[FUSE_OPENDIR] = {fuse_op_opendir, IN(open), false},
	[FUSE_READDIR] = {fuse_op_readdir, IN(read), false},
	[FUSE_RELEASEDIR] = {fuse_op_releasedir, IN(release), false},
	[FUSE_FSYNCDIR] = {fuse_op_fsyncdir, IN(fsync), false},
	[FUSE_CREATE] = {fuse_op_create, IN(create) + 2, true},
	[FUSE_DESTROY] = {op_destroy, 0, false},
	[FUSE_FALLOCATE] = {fuse_op_fallocate, IN(fallocate), true},
	[FUSE_READDIRPLUS] = {fuse_op_readdirplus, IN(read), false},
	[FUSE_RENAME2] = {fuse_op_rename2, IN(rename2) + 4, true},
	[FUSE_LSEEK] = {fuse_op_lseek, IN(lseek), false},
	[FUSE_COPY_FILE_RANGE] = {fuse_op_copy_file_range, IN(copy_file_range),
				  true},
	[FUSE_SYNCFS] = {fuse_op_syncfs, IN(syncfs), false},
	[FUSE_TMPFILE] = {fuse_op_tmpfile, IN(create), true},
};

static int run(struct fuse_request *r)
{
	const struct operation *op;

	if (r->in.opcode >= ARRAY_SIZE(operations))
		return -ENOSYS;
	op = &operations[r->in.opcode];
	if (!op->run)
		return -ENOSYS;
	if (r->args_len < op->args)
		return -EINVAL;
	if (op->changes && r->server->config.readonly)
		return -EROFS;
	return op->run(r);
}

/* -- The way of a request ------------------------------------------------- */

static size_t total(const struct iovec *iov, unsigned n)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

static size_t copy_out_of(const struct iovec *iov, unsigned n, size_t skip,
			  void *to, size_t room)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < room; i++) {
		size_t len = iov[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		len -= skip;
		if (len > room - done)
			len = room - done;
		memcpy((uint8_t *)to + done, (uint8_t *)iov[i].iov_base + skip,
		       len);
		done += len;
		skip = 0;
	}
	return done;
}

static void copy_into(const struct iovec *iov, unsigned n, size_t skip,
		      const void *from, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		size_t part = iov[i].iov_len;

		if (skip >= part) {
			skip -= part;
			continue;
		}
		part -= skip;
		if (part > len - done)
			part = len - done;
		memcpy((uint8_t *)iov[i].iov_base + skip,
		       (const uint8_t *)from + done, part);
		done += part;
		skip = 0;
	}
}

/* Writes header and payload; READ's payload is in its place already. */
static ssize_t answer(struct fuse_request *r, int result)
{
	struct fuse_out_header out = {.unique = r->in.unique};

	if (result > 0 && (size_t)result > r->out_room)
		result = -ERANGE;
	out.error = result < 0 ? result : 0;
	out.len = (uint32_t)(sizeof(out) + (result > 0 ? (size_t)result : 0));
	copy_into(r->out_iov, r->n_out, 0, &out, sizeof(out));
	if (result > 0 && r->in.opcode != FUSE_READ)
		copy_into(r->out_iov, r->n_out, sizeof(out), r->reply,
			  (size_t)result);
	return out.len;
}

static bool has_no_answer(struct fuse_request *r)
{
	switch (r->in.opcode) {
	case FUSE_FORGET: forget(r); return true;
	case FUSE_BATCH_FORGET: batch_forget(r); return true;
	case FUSE_INTERRUPT: return true; /* nothing waits for long */
	default: return false;
	}
}

ssize_t fuse_server_handle(struct fuse_server *s, const struct iovec *in,
			   unsigned n_in, const struct iovec *out,
			   unsigned n_out)
{
	uint8_t args[FUSE_ARGS_MAX], reply[FUSE_REPLY_MAX];
	struct fuse_request r = {
		.server = s,
		.args = args,
		.in_iov = in,
		.n_in = n_in,
		.out_iov = out,
		.n_out = n_out,
		.reply = reply,
	};
	size_t room = total(out, n_out), limit = sizeof(args);

	if (copy_out_of(in, n_in, 0, &r.in, sizeof(r.in)) < sizeof(r.in))
		return fail_plain(EPROTO, "a request without its header");
	/* The data of a write is not copied. */
	if (r.in.opcode == FUSE_WRITE)
		limit = sizeof(struct fuse_write_in);
	r.args_len = copy_out_of(in, n_in, sizeof(r.in), args, limit);
	if (has_no_answer(&r))
		return 0;
	if (room < sizeof(struct fuse_out_header))
		return fail_plain(EPROTO, "no room for an answer");
	r.out_room = room - sizeof(struct fuse_out_header);
	return answer(&r, run(&r));
}

/* -- The server ----------------------------------------------------------- */

static int add_root(struct fuse_server *s)
{
	struct fuse_inode *root;
	struct statx st;
	int fd = fcntl(s->config.root, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return fail(errno, "exported directory");
	s->table.last_nodeid = FUSE_ROOT_ID - 1;
	root = fuse_inode_of(s, fd, &st);
	if (!root)
		return fail(errno, "exported directory");
	if (root->type != S_IFDIR)
		return fail(ENOTDIR, "exported directory");
	return 0;
}

static void read_caps(struct fuse_server *s)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &head, data) == 0) {
		s->caps[0] = data[0].permitted;
		s->caps[1] = data[1].permitted;
	}
	s->is_root = geteuid() == 0;
}

int fuse_server_create(const struct fuse_config *config,
		       struct fuse_server **out)
{
	struct fuse_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return fail(ENOMEM, "file server");
	s->config = *config;
	fuse_table_init(&s->table);
	read_caps(s);
	s->self_fd = openat(config->proc, "self/fd",
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = s->self_fd < 0 ? fail(errno, "open /proc/self/fd") : add_root(s);
	if (r < 0) {
		fuse_server_destroy(s);
		return r;
	}
	*out = s;
	return 0;
}

void fuse_server_destroy(struct fuse_server *s)
{
	if (!s)
		return;
	fuse_table_clear(&s->table);
	cleanup_fd(&s->self_fd);
	free(s);
}

int fuse_server_thread_init(struct fuse_server *s)
{
	/* The working directory and umask of this thread alone; from there
	 * the name of an fd is its number. */
	if (unshare(CLONE_FS) < 0 || fchdir(s->self_fd) < 0)
		return fail(errno, "file server's thread");
	umask(0);
	return 0;
}

void fuse_server_reset(struct fuse_server *s)
{
	fuse_table_clear(&s->table);
	/* The fd is there, and was a directory before. */
	if (add_root(s) < 0)
		fail_clear();
}
