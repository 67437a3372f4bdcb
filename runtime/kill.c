/* SPDX-License-Identifier: MIT */
/* kill: signals to a container; pause and resume. */
#include "runtime/kill.h"

#include <errno.h>
#include <signal.h>

#include "isolate/cgroup.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "runtime/container.h"

#define ALIVE (1u << STATUS_CREATED | 1u << STATUS_RUNNING | 1u << STATUS_PAUSED)

static int signal_all(struct container *c, int sig)
{
	struct cgroup *cg;
	int r = container_cgroup(c, &cg);

	if (r < 0)
		return r;
	return sig == SIGKILL ? cgroup_kill(cg) : cgroup_signal(cg, sig);
}

int kill_container(const struct store *s, const char *id, int sig, bool all)
{
	_cleanup_(container_close) struct container c = {};
	enum status status;
	int r = container_open(s, id, &c);

	if (r == 0)
		r = container_status(&c, &status);
	if (r < 0)
		return r;
	if (!(1u << status & ALIVE)) {
		/* Others may live on in its cgroup; engines ask for them. */
		if (all && c.record && c.record->cgroup)
			return signal_all(&c, sig);
		return fail_plain(ESRCH, "container not running");
	}
	if (c.record->cgroup &&
	    (all || (sig == SIGKILL && !c.record->own_pid_ns)))
		return signal_all(&c, sig);
	return container_signal(&c, sig);
}

static int freeze(const struct store *s, const char *id, bool frozen)
{
	_cleanup_(container_close) struct container c = {};
	_cleanup_fd_ int lock = -1;
	struct cgroup *cg;
	int r = container_open_locked(s, id, &c, &lock);

	if (r < 0)
		return r;
	if (frozen)
		r = container_require(&c, 1u << STATUS_RUNNING | 1u << STATUS_CREATED,
				      "running");
	else
		r = container_require(&c, 1u << STATUS_PAUSED, "paused");
	if (r == 0)
		r = container_cgroup(&c, &cg);
	return r < 0 ? r : cgroup_freeze(cg, frozen);
}

int pause_container(const struct store *s, const char *id)
{
	return freeze(s, id, true);
}

int resume_container(const struct store *s, const char *id)
{
	return freeze(s, id, false);
}
