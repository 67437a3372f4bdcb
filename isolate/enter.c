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
	struct clone_args args = {
		.flags = CLONE_PARENT | flags,
		/* CLONE_PARENT takes the exit signal of the caller. */
	};
	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return fail(errno, "clone into the pid namespace");
	if (pid == 0)
		return 0;
	_exit(sync_send(sync, SYNC_PID, pid, -1, NULL, 0) < 0 ? 1 : 0);
}
