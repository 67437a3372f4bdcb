/* SPDX-License-Identifier: MIT */
/* start: the program of a created container runs. */
#include "runtime/start.h"

#include <errno.h>
#include <signal.h>

#include "isolate/handshake.h"
#include "isolate/hook.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "runtime/container.h"
#include "runtime/notify.h"

static int run_poststart(struct container *c)
{
	const struct record *rec = c->record;
	const struct state state = {
		.id = c->id,
		.status = STATUS_RUNNING,
		.pid = c->init.pid,
		.bundle = rec->bundle,
		.annotations = rec->annotations,
		.n_annotations = rec->n_annotations,
	};
	int r = hook_run_all(SPEC_HOOK_POSTSTART, &rec->poststart, &state);

	/* The spec: a failing poststart hook stops the container. */
	if (r < 0)
		container_signal(c, SIGKILL);
	return r;
}

static int run_program(struct container *c)
{
	_cleanup_fd_ int sock = handshake_start(c->dir);

	if (sock < 0)
		return sock;
	/* From here on it counts as started. */
	c->waiting = false;
	return handshake_started(sock);
}

static int start(struct container *c)
{
	_cleanup_fd_ int notify = -1;
	int r = container_require(c, 1u << STATUS_CREATED, "created");

	if (r == 0)
		r = notify_bind(c->dir, &notify);
	if (r == 0)
		r = run_program(c);
	if (r == 0)
		r = run_poststart(c);
	if (r == 0)
		r = notify_forward(notify, c->init.pid, c->pidfd);
	return r;
}

int start_container(const struct store *s, const char *id)
{
	_cleanup_(container_close) struct container c = {};
	_cleanup_fd_ int lock = -1;
	int r = container_open_locked(s, id, &c, &lock);

	if (r < 0)
		return r;
	return start(&c);
}
