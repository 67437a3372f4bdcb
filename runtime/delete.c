/* SPDX-License-Identifier: MIT */
/* delete: nothing is left of a container. */
#include "runtime/delete.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "isolate/cgroup.h"
#include "isolate/hook.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "runtime/container.h"

/*
 * The container's cgroup; *cg NULL: it has none. Whose record is damaged had,
 * most likely, the cgroup that is named after it.
 */
static int find_cgroup(struct container *c, struct cgroup **cg)
{
	_cleanup_free_ char *usual = NULL;
	int r = 0;

	if (c->record && c->record->cgroup)
		return container_cgroup(c, cg);
	if (c->damaged && !c->cg) {
		usual = cgroup_path(NULL, c->id);
		r = usual ? cgroup_open(usual, &c->cg) : -ENOMEM;
	}
	*cg = c->cg;
	return r;
}

/* Kills init, which the pidfd makes sure is it, and all in its cgroup. */
static int kill_all(struct container *c)
{
	struct cgroup *cg = NULL;
	int r = find_cgroup(c, &cg);

	if (c->pidfd >= 0)
		sys_pidfd_send_signal(c->pidfd, SIGKILL);
	return r == 0 && cg ? cgroup_kill(cg) : r;
}

static int wait_for_init(struct container *c)
{
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

	while (c->pidfd >= 0 && poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return fail(errno, "wait for process %d", c->init.pid);
	return 0;
}

static void run_poststop(struct container *c)
{
	const struct record *rec = c->record;

	if (!rec)
		return;

	const struct state state = {
		.id = c->id,
		.status = STATUS_STOPPED,
		.bundle = rec->bundle,
		.annotations = rec->annotations,
		.n_annotations = rec->n_annotations,
	};

	/* The spec: log it and go on as if it had succeeded. */
	if (hook_run_all(SPEC_HOOK_POSTSTOP, &rec->poststop, &state) < 0)
		log_warn("%s", fail_text());
}

static int remove_whole(struct container *c)
{
	struct cgroup *cg = NULL;
	int r = kill_all(c);

	if (r == 0)
		r = wait_for_init(c);
	if (r == 0)
		r = find_cgroup(c, &cg);
	if (r == 0 && cg)
		r = cgroup_remove(cg);
	if (r == 0)
		r = store_remove(c->store, c->id);
	if (r == 0)
		run_poststop(c);
	return r;
}

static int check_status(struct container *c, bool force)
{
	if (force)
		return 0;

	int r = container_require(c, 1u << STATUS_STOPPED | 1u << STATUS_CREATED,
				  "stopped");

	return r < 0 ? fail_hint(r, "--force kills it") : 0;
}

int delete_container(const struct store *s, const char *id, bool force)
{
	_cleanup_(container_close) struct container c = {};
	_cleanup_fd_ int lock = -1;
	int r = force ? container_open_damaged(s, id, &c)
		      : container_open(s, id, &c);

	if (r == -ENOENT && force)
		return 0;
	if (r < 0)
		return r;
	/* Whoever creates it holds the lock: without its child it gives up. */
	if (force)
		r = kill_all(&c);
	if (r < 0)
		return r;
	lock = store_lock(c.dir);
	if (lock == -ENOENT && force)
		return 0;
	if (lock < 0)
		return lock;
	/* What we read before the lock may be half of it. */
	container_close(&c);
	r = force ? container_open_damaged(s, id, &c)
		  : container_open(s, id, &c);
	if (r == 0)
		r = check_status(&c, force);
	return r < 0 ? r : remove_whole(&c);
}
