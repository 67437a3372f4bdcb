/* SPDX-License-Identifier: MIT */
/* The file server: requests checked, dispatched by one table, and answered. */
#include "microvm/host/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/host/fuse_server.h"

/* What the guest's kernel may use of us, when it can. */
#define INIT_FLAGS                                                       \
	(FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |       \
	 FUSE_DONT_MASK | FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS |   \
	 FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | \
	 FUSE_POSIX_ACL | FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS |         \
	 FUSE_HANDLE_KILLPRIV_V2)
#define PAGE_BYTES 4096

/* Bytes [offset, offset + len) of iov to or from bytes. Returns how many. */
static size_t copy(const struct iovec *iov, unsigned n, size_t offset,
		   unsigned char *bytes, size_t len, bool out)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		size_t part = iov[i].iov_len;

		if (offset >= part) {
			offset -= part;
			continue;
		}
		part -= offset;
		if (part > len - done)
			part = len - done;
		if (out)
			memcpy((unsigned char *)iov[i].iov_base + offset,
			       bytes + done, part);
		else
			memcpy(bytes + done,
			       (unsigned char *)iov[i].iov_base + offset, part);
		done += part;
		offset = 0;
	}
	return done;
}

static size_t iov_bytes(const struct iovec *iov, unsigned n)
{
	size_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

int fuse_iov_slice(const struct iovec *iov, unsigned n, size_t offset,
		   size_t len, struct iovec *slice)
{
	int n_slice = 0;

	for (unsigned i = 0; i < n && len; i++) {
		size_t part = iov[i].iov_len;

		if (offset >= part) {
			offset -= part;
			continue;
		}
		if (n_slice == FUSE_IOV_MAX)
			return -EINVAL;
		part = part - offset < len ? part - offset : len;
		slice[n_slice].iov_base = (char *)iov[i].iov_base + offset;
		slice[n_slice++].iov_len = part;
		len -= part;
		offset = 0;
	}
	return len ? -EINVAL : n_slice;
}

bool fuse_request_get(const struct fuse_request *r, size_t offset, void *bytes,
		      size_t len)
{
	return offset <= r->in_bytes && len <= r->in_bytes - offset &&
	       copy(r->in, r->n_in, offset, bytes, len, false) == len;
}

ssize_t fuse_request_put(struct fuse_request *r, size_t offset,
			 const void *bytes, size_t len)
{
	if (offset > r->room || len > r->room - offset)
		return -ERANGE;
	copy(r->out, r->n_out, sizeof(struct fuse_out_header) + offset,
	     (unsigned char *)bytes, len, true);
	return (ssize_t)len;
}

static ssize_t init(struct fuse_request *r)
{
	const struct fuse_init_in *in = (const void *)r->arg;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead,
		.flags = in->flags & INIT_FLAGS,
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = FUSE_WRITE_MAX,
		.time_gran = 1,
		.max_pages = FUSE_WRITE_MAX / PAGE_BYTES,
	};

	/* A newer major hears ours and asks again; 7.31 came with Linux 5.4,
	 * and its struct is as long as a request has to be. */
	if (in->major > FUSE_KERNEL_VERSION)
		return fuse_request_put(r, 0, &out, sizeof(out));
	if (in->major < FUSE_KERNEL_VERSION || in->minor < 31)
		return -EPROTO;
	return fuse_request_put(r, 0, &out, sizeof(out));
}

static ssize_t destroy(struct fuse_request *r)
{
	fuse_handle_release_all(r->server);
	fuse_inode_forget_all(r->server);
	return 0;
}

static ssize_t nothing(struct fuse_request *r)
{
	(void)r;
	return 0;
}

enum {
	NO_INODE = 1, /* nodeid names nothing that must be there */
	NO_REPLY = 2,
	CHANGES = 4,    /* not on a read-only server */
	TARGET = 8,     /* the second name is a symlink's target */
	ATTRIBUTE = 16, /* the name is that of an extended attribute */
};

static const struct operation {
	fuse_operation *run;
	uint16_t arg_bytes; /* the least that a request has to bring */
	uint8_t n_names;
	uint8_t flags;
} operations[] = {
#define ARG(type) sizeof(struct fuse_##type)
	[FUSE_LOOKUP] = {fuse_lookup, 0, 1, 0},
	[FUSE_FORGET] = {fuse_forget, ARG(forget_in), 0, NO_INODE | NO_REPLY},
	[FUSE_GETATTR] = {fuse_getattr, ARG(getattr_in), 0, 0},
	[FUSE_SETATTR] = {fuse_setattr, ARG(setattr_in), 0, CHANGES},
	[FUSE_READLINK] = {fuse_readlink, 0, 0, 0},
	[FUSE_SYMLINK] = {fuse_symlink, 0, 2, CHANGES | TARGET},
	[FUSE_MKNOD] = {fuse_mknod, ARG(mknod_in), 1, CHANGES},
	[FUSE_MKDIR] = {fuse_mkdir, ARG(mkdir_in), 1, CHANGES},
	[FUSE_UNLINK] = {fuse_unlink, 0, 1, CHANGES},
	[FUSE_RMDIR] = {fuse_rmdir, 0, 1, CHANGES},
	[FUSE_RENAME] = {fuse_rename, ARG(rename_in), 2, CHANGES},
	[FUSE_LINK] = {fuse_link, ARG(link_in), 1, CHANGES},
	[FUSE_OPEN] = {fuse_open, ARG(open_in), 0, 0},
	[FUSE_READ] = {fuse_read, ARG(read_in), 0, NO_INODE},
	[FUSE_WRITE] = {fuse_write, ARG(write_in), 0, NO_INODE | CHANGES},
	[FUSE_STATFS] = {fuse_statfs, 0, 0, 0},
	[FUSE_RELEASE] = {fuse_release, ARG(release_in), 0, NO_INODE},
	[FUSE_FSYNC] = {fuse_fsync, ARG(fsync_in), 0, NO_INODE},
	[FUSE_SETXATTR] = {fuse_setxattr, FUSE_COMPAT_SETXATTR_IN_SIZE, 1,
			   CHANGES | ATTRIBUTE},
	[FUSE_GETXATTR] = {fuse_getxattr, ARG(getxattr_in), 1, ATTRIBUTE},
	[FUSE_LISTXATTR] = {fuse_listxattr, ARG(getxattr_in), 0, 0},
	[FUSE_REMOVEXATTR] = {fuse_removexattr, 0, 1, CHANGES | ATTRIBUTE},
	/* Without what came with FUSE_INIT_EXT. */
	[FUSE_INIT] = {init, offsetof(struct fuse_init_in, flags2), 0,
		       NO_INODE},
	[FUSE_OPENDIR] = {fuse_opendir, ARG(open_in), 0, 0},
	[FUSE_READDIR] = {fuse_readdir, ARG(read_in), 0, 0},
	[FUSE_RELEASEDIR] = {fuse_release, ARG(release_in), 0, NO_INODE},
	[FUSE_FSYNCDIR] = {fuse_fsync, ARG(fsync_in), 0, NO_INODE},
	[FUSE_CREATE] = {fuse_create, ARG(create_in), 1, CHANGES},
	/* Too late: what was asked is done, or under way in the kernel. */
	[FUSE_INTERRUPT] = {nothing, ARG(interrupt_in), 0, NO_INODE | NO_REPLY},
	[FUSE_DESTROY] = {destroy, 0, 0, NO_INODE},
	[FUSE_BATCH_FORGET] = {fuse_batch_forget, ARG(batch_forget_in), 0,
			       NO_INODE | NO_REPLY},
	[FUSE_FALLOCATE] = {fuse_fallocate, ARG(fallocate_in), 0,
			    NO_INODE | CHANGES},
	[FUSE_READDIRPLUS] = {fuse_readdirplus, ARG(read_in), 0, 0},
	[FUSE_RENAME2] = {fuse_rename2, ARG(rename2_in), 2, CHANGES},
	[FUSE_LSEEK] = {fuse_lseek, ARG(lseek_in), 0, NO_INODE},
	[FUSE_COPY_FILE_RANGE] = {fuse_copy_file_range, ARG(copy_file_range_in),
				  0, NO_INODE | CHANGES},
	[FUSE_SYNCFS] = {fuse_syncfs, ARG(syncfs_in), 0, 0},
	[FUSE_TMPFILE] = {fuse_tmpfile, ARG(create_in), 0, CHANGES},
	/*
	 * ENOSYS, which the guest's kernel remembers: FLUSH (a close has
	 * nothing to wait for), ACCESS (it checks itself), locks (they are
	 * its own), BMAP, IOCTL, POLL.
	 */
};

/* A component that may be looked up: its meaning is the operation's. */
static int check_name(const char *name, size_t len)
{
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	return len == 0 || strchr(name, '/') ? -EINVAL : 0;
}

/* Copies what is behind the arguments and finds the names in it. */
static int read_names(struct fuse_request *r, const struct operation *op)
{
	size_t len = r->in_bytes - r->data, at = 0;

	if (len > sizeof(r->names))
		len = sizeof(r->names);
	if (!fuse_request_get(r, r->data, r->names, len))
		return -EINVAL;
	for (unsigned i = 0; i < op->n_names; i++) {
		const char *end = memchr(r->names + at, 0, len - at);
		size_t name_len = end ? (size_t)(end - r->names) - at : 0;
		int e = 0;

		if (!end)
			return len == sizeof(r->names) ? -ENAMETOOLONG
						       : -EINVAL;
		r->name[i] = r->names + at;
		if (i == 1 && op->flags & TARGET)
			e = name_len == 0 ? -ENOENT : 0;
		else if (op->flags & ATTRIBUTE)
			e = name_len > XATTR_NAME_MAX ? -ERANGE : 0;
		else
			e = check_name(r->name[i], name_len);
		if (e < 0)
			return e;
		at += name_len + 1;
	}
	r->data += at;
	return 0;
}

/* Runs a request whose header is read. Returns the answer's bytes or -errno. */
static ssize_t run(struct fuse_request *r, const struct operation *op)
{
	ssize_t n;

	if (op->flags & CHANGES && r->server->readonly)
		return -EROFS;
	r->data = sizeof(r->head) + op->arg_bytes;
	if (!fuse_request_get(r, sizeof(r->head), r->arg, op->arg_bytes))
		return -EINVAL;
	n = op->n_names ? read_names(r, op) : 0;
	if (n < 0)
		return n;
	if (!(op->flags & NO_INODE)) {
		r->inode = fuse_inode_hold(r->server, r->head.nodeid);
		if (!r->inode)
			return -ESTALE;
	}
	n = op->run(r);
	fuse_inode_put(r->server, r->inode);
	return n;
}

static const struct operation *find_operation(uint32_t opcode)
{
	return opcode < ARRAY_SIZE(operations) && operations[opcode].run
		       ? &operations[opcode]
		       : NULL;
}

/* Reads the header: the message has to be as long as it says. */
static int read_header(struct fuse_request *r)
{
	size_t len = iov_bytes(r->in, r->n_in);

	if (copy(r->in, r->n_in, 0, (unsigned char *)&r->head, sizeof(r->head),
		 false) < sizeof(r->head))
		return fail_plain(EPROTO, "FUSE request of %zu bytes", len);
	if (r->head.len < sizeof(r->head) || r->head.len > len)
		return fail_plain(EPROTO,
				  "FUSE request of %zu bytes says it has %u",
				  len, r->head.len);
	r->in_bytes = r->head.len;
	return 0;
}

ssize_t fuse_server_handle(struct fuse_server *s, const struct iovec *in,
			   unsigned n_in, const struct iovec *out,
			   unsigned n_out)
{
	struct fuse_request r;
	struct fuse_out_header head = {.len = sizeof(head)};
	const struct operation *op;
	size_t room = iov_bytes(out, n_out);
	ssize_t n;

	/* Not all of it: the names are long, and written before read. */
	memset(&r, 0, offsetof(struct fuse_request, names));
	r.server = s;
	r.in = in;
	r.n_in = n_in;
	r.out = out;
	r.n_out = n_out;
	n = read_header(&r);
	if (n < 0)
		return n;
	op = find_operation(r.head.opcode);
	if (op && op->flags & NO_REPLY) {
		run(&r, op);
		return 0;
	}
	if (room < sizeof(head))
		return fail_plain(EPROTO, "room for %zu bytes of FUSE answer",
				  room);
	r.room = room - sizeof(head);
	n = op ? run(&r, op) : -ENOSYS;
	if (n < 0)
		head.error = (int32_t)n;
	else
		head.len += (uint32_t)n;
	head.unique = r.head.unique;
	copy(out, n_out, 0, (unsigned char *)&head, sizeof(head), true);
	return head.len;
}

bool fuse_request_blocks(const struct iovec *in, unsigned n_in)
{
	struct fuse_in_header head;

	return copy(in, n_in, 0, (unsigned char *)&head, sizeof(head), false) ==
		       sizeof(head) &&
	       head.opcode == FUSE_SETLKW;
}

static bool can_impersonate(void)
{
	const uint32_t wanted = 1U << CAP_SETUID | 1U << CAP_SETGID;
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2] = {{0}};

	return syscall(SYS_capget, &head, caps) == 0 &&
	       (caps[0].effective & wanted) == wanted;
}

int fuse_server_create(const struct fuse_config *config,
		       struct fuse_server **out)
{
	struct fuse_server *s = calloc(1, sizeof(*s));
	int root, r;

	if (!s)
		return fail(ENOMEM, "file server");
	pthread_mutex_init(&s->inodes_lock, NULL);
	pthread_mutex_init(&s->handles_lock, NULL);
	s->readonly = config->readonly;
	s->impersonates = can_impersonate();
	s->uid = geteuid();
	s->gid = getegid();
	s->fds = openat(config->proc, "self/fd",
			O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = s->fds < 0 ? fail(errno, "open self/fd of procfs") : 0;
	if (r == 0) {
		root = fcntl(config->root, F_DUPFD_CLOEXEC, 0);
		r = root < 0 ? -errno : fuse_inode_root(s, root);
		if (r < 0)
			fail(-r, "exported directory");
	}
	if (r < 0) {
		fuse_server_destroy(s);
		return fail_in(r, "file server");
	}
	*out = s;
	return 0;
}

void fuse_server_reset(struct fuse_server *s)
{
	fuse_handle_release_all(s);
	fuse_inode_forget_all(s);
}

void fuse_server_destroy(struct fuse_server *s)
{
	if (!s)
		return;
	fuse_server_reset(s);
	if (s->root) {
		close(s->root->fd);
		free(s->root);
	}
	fuse_slots_fini(&s->inodes);
	fuse_slots_fini(&s->handles);
	free(s->buckets);
	if (s->fds >= 0)
		close(s->fds);
	pthread_mutex_destroy(&s->inodes_lock);
	pthread_mutex_destroy(&s->handles_lock);
	free(s);
}
