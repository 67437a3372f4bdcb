/* SPDX-License-Identifier: MIT */
/* The parent's side of making a confined process. */
#include "isolate/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "isolate/cgroup.h"
#include "isolate/idmap.h"
#include "isolate/isolate.h"
#include "isolate/ns.h"
#include "isolate/sync.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"

static bool has_time_offsets(const struct spec_linux *l)
{
	return l->monotonic.has || l->boottime.has;
}

/*
 * A time namespace takes offsets only while nobody is in it. So it is made
 * here, for children, and the clone enters it: no second fork. Returns an fd
 * of our own time namespace, for time_ns_restore(), or -errno.
 */
static int time_ns_prepare(const struct isolate *iso)
{
	const struct spec_linux *l = &iso->spec->linux_;
	char text[128];
	int n = 0;
	_cleanup_fd_ int own =
		openat(iso->proc, "self/ns/time", O_RDONLY | O_CLOEXEC);

	if (own < 0)
		return fail(errno, "open the own time namespace");
	if (unshare(CLONE_NEWTIME) < 0)
		return fail(errno, "create a time namespace");
	if (l->monotonic.has)
		n += sprintf(text + n, "monotonic %lld %u\n",
			     (long long)l->monotonic.secs,
			     l->monotonic.nanosecs);
	if (l->boottime.has)
		n += sprintf(text + n, "boottime %lld %u\n",
			     (long long)l->boottime.secs, l->boottime.nanosecs);

	int r = fd_write_file(iso->proc, "self/timens_offsets", text);

	return r < 0 ? fail_in(r, "time offsets") : take_fd(&own);
}

static int time_ns_restore(int own)
{
	/* Our children, hooks for one, are to live in the host's time. */
	if (own >= 0 && setns(own, CLONE_NEWTIME) < 0)
		return fail(errno, "return to the own time namespace");
	return 0;
}

/*
 * Namespaces are owned by the user namespace in which they are made. When
 * that one is joined by path, the child joins it first and makes the others
 * itself (isolate.c).
 */
static unsigned clone_flags(const struct isolate *iso)
{
	if (iso->join_only || iso->ns_fds[SPEC_NS_USER] >= 0)
		return 0;
	return ns_clone_flags(&iso->spec->linux_);
}

static pid_t clone_child(const struct isolate *iso, int cgroup, int *pidfd)
{
	struct clone_args args = {
		.flags = clone_flags(iso) | CLONE_PIDFD,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}

	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return fail(errno, "clone with new namespaces");
	return pid;
}

static bool wants_ids(const struct isolate *iso)
{
	return !iso->join_only &&
	       (iso->spec->linux_.new_namespaces & 1u << SPEC_NS_USER);
}

/*
 * The files of a process that is not dumpable belong to root: an ordinary
 * user could not write its child's id maps. For as long as that takes parent
 * and child are dumpable; nobody is in the new namespaces yet. The child
 * undoes it by itself (isolate.c).
 */
static void set_dumpable(const struct isolate *iso, int dumpable)
{
	if (wants_ids(iso) && geteuid() != 0)
		prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0);
}

/* The child in a new user namespace waits until it has ids. */
static int give_ids(const struct isolate *iso, const struct spawned *s)
{
	const struct spec_linux *l = &iso->spec->linux_;
	int r;

	if (!wants_ids(iso))
		return 0;
	r = idmap_write(iso->proc, s->pid, l);
	return r < 0 ? fail_in(r, "user namespace")
		     : sync_send_empty(s->sync, SYNC_GO);
}

int isolate_spawn(const struct isolate *iso, struct spawned *out)
{
	_cleanup_fd_ int child_sync = -1;
	_cleanup_fd_ int own_time = -1;
	struct spawned s = {.sync = -1, .pidfd = -1};
	bool offsets = !iso->join_only && has_time_offsets(&iso->spec->linux_);
	int r = sync_open(&s.sync, &child_sync);

	if (r < 0)
		return r;
	if (offsets) {
		own_time = r = time_ns_prepare(iso);
		if (r < 0)
			goto fail;
	}
	set_dumpable(iso, 1);
	s.pid = clone_child(iso, iso->cgroup ? cgroup_fd(iso->cgroup) : -1,
			    &s.pidfd);
	if (s.pid == 0) {
		close(s.sync);
		isolate_run(iso, child_sync);
	}
	r = s.pid < 0 ? s.pid : 0;
	if (time_ns_restore(own_time) < 0 && r == 0)
		r = -errno;
	if (r == 0)
		r = give_ids(iso, &s);
	set_dumpable(iso, 0);
	if (r < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	/* The child, waiting for GO, sees the end of the stream and exits. */
	spawned_close(&s);
	if (s.pid > 0)
		waitpid(s.pid, NULL, 0);
	return r;
}

void spawned_close(struct spawned *s)
{
	if (s->pid == 0 && s->sync == 0)
		return;
	cleanup_fd(&s->sync);
	cleanup_fd(&s->pidfd);
	s->sync = s->pidfd = -1;
}
