/* SPDX-License-Identifier: MIT */
/* exec: one more process in a container that runs. */
#include "runtime/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "runtime/backend.h"
#include "runtime/console.h"
#include "runtime/container.h"
#include "runtime/foreground.h"
#include "runtime/listen_fds.h"
#include "runtime/pidfile.h"
#include "runtime/self.h"

/* -- The process object --------------------------------------------------- */

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* base, then more; later ones win where a program asks twice. */
static char **join(struct arena *a, char *const *base, char *const *more)
{
	size_t n = count(base), m = count(more);
	char **all = arena_array(a, n + m + 1, sizeof(*all));

	if (!all)
		return NULL;
	if (n)
		memcpy(all, base, n * sizeof(*all));
	if (m)
		memcpy(all + n, more, m * sizeof(*all));
	return all;
}

static void add_caps(struct spec_process *p, uint64_t caps)
{
	p->has_capabilities = true;
	p->capabilities.bounding |= caps;
	p->capabilities.permitted |= caps;
	p->capabilities.effective |= caps;
	/* An ordinary user keeps over exec what is ambient only; the
	 * inheritable set stays as it was but for that. */
	if (p->user.uid != 0) {
		p->capabilities.inheritable |= caps;
		p->capabilities.ambient |= caps;
	}
}

/* The container's own process with what the command line changes. */
static int from_options(const struct record *rec, const struct exec_options *o,
			struct arena *a, struct spec_process *p)
{
	*p = rec->process;
	p->args = o->args;
	p->env = join(a, rec->process.env, o->env);
	if (!p->env)
		return fail(ENOMEM, "process");
	p->terminal = o->tty;
	if (o->cwd)
		p->cwd = o->cwd;
	if (o->has_user)
		p->user.uid = o->uid;
	if (o->has_group)
		p->user.gid = o->gid;
	if (o->n_additional_gids) {
		p->user.additional_gids = o->additional_gids;
		p->user.n_additional_gids = o->n_additional_gids;
	}
	if (o->caps)
		add_caps(p, o->caps);
	return 0;
}

static int from_file(const char *path, struct arena *a, struct spec_process *p)
{
	_cleanup_(buf_fini) struct buf text = {};
	int r = fd_read_file(AT_FDCWD, path, &text, SPEC_MAX_BYTES);

	if (r == 0)
		r = spec_parse_process(buf_str(&text), text.len, path, a, p);
	return r < 0 ? r : spec_check_process(p, "");
}

static int make_process(const struct record *rec, const struct exec_options *o,
			struct arena *a, struct spec_process *p)
{
	int r = o->process_file ? from_file(o->process_file, a, p)
				: from_options(rec, o, a, p);

	if (r < 0)
		return r;
	if (!p->args || !p->args[0])
		return fail_plain(EINVAL, "no program was given");
	if (o->tty)
		p->terminal = true;
	if (o->no_new_privs)
		p->no_new_privileges = true;
	if (o->process_label)
		p->selinux_label = o->process_label;
	if (o->apparmor)
		p->apparmor_profile = o->apparmor;
	return console_check(p->terminal, o->detach, o->console_socket);
}

/* -- Running -------------------------------------------------------------- */

static int require_running(struct container *c, const struct exec_options *o)
{
	enum status status;
	struct cgroup *cg;
	int r = container_status(c, &status);

	if (r < 0)
		return r;
	if (status == STATUS_PAUSED && o->ignore_paused) {
		r = container_cgroup(c, &cg);
		return r < 0 ? r : cgroup_wait_thawed(cg);
	}
	return container_require(c,
				 1u << STATUS_RUNNING | 1u << STATUS_CREATED,
				 "running");
}

static int hand_over(const struct execution *e)
{
	const struct exec_options *o = e->options;
	int r = 0;

	if (o->console_socket)
		r = console_send(o->console_socket, e->terminal, "/dev/ptmx");
	if (r == 0 && o->pidfd_socket)
		r = console_send(o->pidfd_socket, e->child.pidfd, "pidfd");
	if (r == 0 && o->pid_file)
		r = pidfile_write(o->pid_file, e->child.pid);
	return r;
}

static int run(struct execution *e, int *exit_code)
{
	struct foreground f = {.signals = -1};
	int r = 0;

	if (!e->options->detach)
		r = foreground_begin(&f);
	if (r == 0 && !e->options->detach && e->process->terminal)
		foreground_raw(&f);
	if (r == 0)
		r = backend_of(e->container)->exec(e);
	if (r == 0)
		r = hand_over(e);
	if (r == 0 && !e->options->detach)
		r = foreground_wait(&f, &e->child, e->terminal, -1);
	foreground_end(&f);
	if (r < 0)
		return r;
	*exit_code = r;
	return 0;
}

static int exec_process(struct container *c, const struct exec_options *o,
			struct arena *a, int *exit_code)
{
	struct spec_process process = {};
	struct execution e = {.container = c,
			      .options = o,
			      .process = &process,
			      .child = {.pidfd = -1, .sync = -1},
			      .terminal = -1};
	int r = listen_fds_count(o->preserve_fds, &e.preserve_fds);

	if (r == 0)
		r = self_close_fds_on_exec(3 + e.preserve_fds);
	if (r == 0)
		r = require_running(c, o);
	if (r == 0)
		r = make_process(c->record, o, a, &process);
	if (r == 0)
		r = run(&e, exit_code);
	spawned_close(&e.child);
	cleanup_fd(&e.terminal);
	return r;
}

int exec_in_container(const struct store *s, const struct exec_options *o,
		      int *exit_code)
{
	_cleanup_(container_close) struct container c = {};
	struct arena arena = {};
	int r = container_open(s, o->id, &c);

	if (r == 0)
		r = exec_process(&c, o, &arena, exit_code);
	arena_fini(&arena);
	return r;
}
