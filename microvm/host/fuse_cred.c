/* SPDX-License-Identifier: MIT */
/* Whose files are made: the ids of the guest's caller. */
#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "microvm/host/fuse_server.h"

/* Of this thread: the system call, since libc's has no wrapper. */
static int set_effective(const uint32_t permitted[2], uint32_t without)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct data[2] = {
		{permitted[0] & ~without, permitted[0], 0},
		{permitted[1], permitted[1], 0},
	};

	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int fuse_become(const struct fuse_request *r)
{
	const struct fuse_server *s = r->server;

	/* An ordinary user's server makes all files that user's. */
	if (!s->is_root || (r->in.uid == 0 && r->in.gid == 0))
		return 0;
	syscall(SYS_setfsgid, r->in.gid);
	syscall(SYS_setfsuid, r->in.uid);
	if ((uint32_t)syscall(SYS_setfsuid, -1) != r->in.uid ||
	    (uint32_t)syscall(SYS_setfsgid, -1) != r->in.gid) {
		fuse_return(r);
		return -EPERM; /* not in the user namespace */
	}
	/* The guest's kernel has checked what the caller may; the groups that
	 * it went by are not known here. */
	return set_effective(s->caps, 0);
}

void fuse_return(const struct fuse_request *r)
{
	if (!r->server->is_root || (r->in.uid == 0 && r->in.gid == 0))
		return;
	syscall(SYS_setfsuid, 0);
	syscall(SYS_setfsgid, 0);
	set_effective(r->server->caps, 0);
}

void fuse_drop_fsetid(const struct fuse_request *r)
{
	set_effective(r->server->caps, 1u << CAP_FSETID);
}

void fuse_take_fsetid(const struct fuse_request *r)
{
	set_effective(r->server->caps, 0);
}
