/* SPDX-License-Identifier: MIT */
/* A procfs of a pid namespace in which we are not. */
#include "isolate/procfs.h"

#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "isolate/caps.h"
#include "isolate/user.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define NOBODY 65534

/* What goes over the socket: an errno, and with 0 the context. */

/* In the pid namespace. */
_Noreturn static void open_context(int sock)
{
	int fs = sys_fsopen("proc", FSOPEN_CLOEXEC);
	int err = fs < 0 ? errno : 0;

	fd_send(sock, &err, sizeof(err), &fs, fs < 0 ? 0 : 1);
	_exit(0);
}

static int keep_capabilities(uint64_t which)
{
	const struct spec_capabilities caps = {.permitted = which,
					       .effective = which};

	return caps_apply(&caps);
}

/*
 * Leaves all that is of worth: before the fork, for a process lies open to the
 * others of its pid namespace from its first moment.
 */
static int become_nobody(void)
{
	const struct spec_user nobody = {.uid = NOBODY, .gid = NOBODY};
	/* What fsopen(2) wants over the mount namespace that one is in. */
	const uint64_t admin = 1ull << CAP_SYS_ADMIN;
	int r;

	/* In a user namespace there may be no such id: then it is one of that
	 * namespace, which is as good. */
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	r = user_apply(&nobody);
	if (r < 0 && r != -EINVAL)
		return r;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	r = keep_capabilities(admin | 1ull << CAP_SYS_CHROOT);
	if (r < 0)
		return r;
	/* Where no more user namespaces can be had, the capability is a real
	 * one. */
	unshare(CLONE_NEWUSER | CLONE_NEWNS);
	/* A directory that is gone when its process is. */
	if (chroot("/proc/self/fdinfo") < 0 || chdir("/") < 0)
		return -errno;
	return keep_capabilities(admin);
}

/* Still outside; its child will be in the pid namespace. */
_Noreturn static void go_there(int pid_ns, int sock)
{
	int keep[] = {sock};
	int err = 0;
	long pid = -1;

	if (setns(pid_ns, CLONE_NEWPID) < 0)
		err = errno;
	fd_close_except(0, keep, ARRAY_SIZE(keep));
	if (!err)
		err = -become_nobody();
	if (!err) {
		pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		err = pid < 0 ? errno : 0;
	}
	if (pid == 0)
		open_context(sock);
	if (err)
		fd_send(sock, &err, sizeof(err), NULL, 0);
	else
		waitpid((pid_t)pid, NULL, 0);
	_exit(0);
}

/*
 * The sender may have been taken over: it is a context, and one of a procfs,
 * when it takes an option that procfs alone has.
 */
static int check(int fs)
{
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "hidepid", "0") < 0)
		return fail(errno, "what came is no procfs");
	return 0;
}

static int receive(int sock)
{
	int err = EPIPE;
	size_t n_fds = 1;
	_cleanup_fd_ int fs = -1;
	ssize_t n = fd_recv(sock, &err, sizeof(err), &fs, &n_fds);
	int r;

	if (n != sizeof(err) || err < 0 || (err == 0 && n_fds != 1))
		err = EPIPE;
	if (err)
		return fail(err, "open a procfs in the pid namespace");
	r = check(fs);
	return r < 0 ? r : take_fd(&fs);
}

int procfs_open_in(int pid_ns)
{
	_cleanup_fd_ int ours = -1;
	_cleanup_fd_ int theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(errno, "open a socket pair");
	ours = pair[0];
	theirs = pair[1];

	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return fail(errno, "clone");
	if (pid == 0)
		go_there(pid_ns, theirs);
	close(take_fd(&theirs));

	int fs = receive(ours);

	waitpid(pid, NULL, 0);
	return fs;
}
