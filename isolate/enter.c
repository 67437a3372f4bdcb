/* SPDX-License-Identifier: MIT */
/* Entering namespaces that exist: exec, and namespaces given by path. */
#include "isolate/enter.h"

#include <signal.h>
#include <sched.h>

#include "isolate/isolate.h"
#include "isolate/sync.h"
#include "lib/compat.h"
#include "lib/fail.h"

int enter_container(const struct isolate *iso)
{
	if (iso->join_flags && setns(iso->pidfd, (int)iso->join_flags) < 0)
		return fail(errno, "join the container's namespaces");
	if (iso->join_root >= 0 &&
	    (fchdir(iso->join_root) < 0 || chroot(".") < 0))
		return fail(errno, "enter the container's root");
	if (chdir("/") < 0)
		return fail(errno, "enter the container's root");
	return 0;
}

int enter_fork(int sync, unsigned flags)
{
	/* The container's filter may be loaded, and many answer ENOSYS to
	 * clone3(2). CLONE_PARENT takes the exit signal of the caller. */
	long pid = syscall(SYS_clone, CLONE_PARENT | flags, 0, 0, 0, 0);

	if (pid < 0)
		return fail(errno, "clone into the pid namespace");
	if (pid == 0)
		return setsid() < 0 ? fail(errno, "setsid") : 0;
	_exit(sync_send(sync, SYNC_PID, (int32_t)pid, -1, NULL, 0) < 0 ? 1 : 0);
}
