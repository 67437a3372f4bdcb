/* SPDX-License-Identifier: MIT */
/* As whom a thread of the file server acts: ids, umask, capabilities. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"
#include "microvm/host/fuse.h"
#include "microvm/host/fuse_server.h"

/* By system call: the C library's functions are about all threads. */
static bool set_ids(uid_t uid, gid_t gid)
{
	syscall(SYS_setfsgid, gid);
	syscall(SYS_setfsuid, uid);
	return (gid_t)syscall(SYS_setfsgid, -1) == gid &&
	       (uid_t)syscall(SYS_setfsuid, -1) == uid;
}

int fuse_caller_begin(const struct fuse_request *r, uint32_t mask)
{
	const struct fuse_server *s = r->server;

	umask(mask & 0777);
	if (!s->impersonates ||
	    (r->head.uid == s->uid && r->head.gid == s->gid))
		return 0;
	if (set_ids(r->head.uid, r->head.gid))
		return 0;
	/* An id that our user namespace lacks: never make it the server's. */
	fuse_caller_end(r);
	return -EPERM;
}

void fuse_caller_end(const struct fuse_request *r)
{
	const struct fuse_server *s = r->server;

	umask(0);
	if (s->impersonates && (r->head.uid != s->uid || r->head.gid != s->gid))
		set_ids(s->uid, s->gid);
}

static void set_fsetid(bool on)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &head, caps) < 0)
		return;
	caps[0].effective &= ~(1U << CAP_FSETID);
	if (on)
		caps[0].effective |= caps[0].permitted & 1U << CAP_FSETID;
	syscall(SYS_capset, &head, caps);
}

void fuse_privileges_drop(void)
{
	set_fsetid(false);
}

void fuse_privileges_keep(void)
{
	set_fsetid(true);
}

int fuse_server_thread_init(struct fuse_server *s)
{
	if (unshare(CLONE_FS) < 0)
		return fail(errno, "file server: unshare");
	if (fchdir(s->fds) < 0)
		return fail(errno, "file server: enter self/fd of procfs");
	umask(0);
	/* Files are made as the caller with all capabilities of ours, since
	 * the guest has checked. Refused without CAP_SETPCAP: the host's
	 * kernel checks, too, then. */
	prctl(PR_SET_SECUREBITS,
	      prctl(PR_GET_SECUREBITS) | SECBIT_NO_SETUID_FIXUP);
	return 0;
}
