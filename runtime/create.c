/* SPDX-License-Identifier: MIT */
/* create and run: from a bundle to a process. */
#include "runtime/create.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "isolate/hook.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "lib/timestamp.h"
#include "runtime/backend.h"
#include "runtime/console.h"
#include "runtime/foreground.h"
#include "runtime/listen_fds.h"
#include "runtime/notify.h"
#include "runtime/pidfile.h"
#include "runtime/self.h"

#define MADE_UP_ID_BYTES 6

struct stage {
	const char *name;
	int (*run)(struct creation *c);
};

/* -- Stages --------------------------------------------------------------- */

static int stage_descriptors(struct creation *c)
{
	int r = listen_fds_count(c->options->preserve_fds, &c->preserve_fds);

	/* Nothing that the caller forgot to close gets into the container. */
	return r < 0 ? r : self_close_fds_on_exec(3 + c->preserve_fds);
}

static char *absolute(const char *path)
{
	size_t len = strlen(path);

	if (*path != '/')
		return realpath(path, NULL);
	while (len > 1 && path[len - 1] == '/')
		len--;
	return strndup(path, len);
}

/* What the parser takes and nobody applies yet is refused, not ignored. */
static int check_supported(const struct spec *spec)
{
	const struct spec_linux *l = &spec->linux_;
	const char *what = l->n_net_devices ? "/linux/netDevices"
			   : l->intel_rdt   ? "/linux/intelRdt"
			   : l->seccomp && l->seccomp->listener_path
				   ? "/linux/seccomp/listenerPath"
				   : NULL;

	return what ? fail_plain(EOPNOTSUPP,
				 "config.json: %s: is not supported yet", what)
		    : 0;
}

/* A terminal in front of us gives its size, so that the program begins with it. */
static void take_over_size(struct spec_process *p)
{
	struct winsize size;

	if (!p->terminal || p->console_height ||
	    ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	p->console_height = size.ws_row;
	p->console_width = size.ws_col;
}

static int stage_config(struct creation *c)
{
	const struct create_options *o = c->options;
	const char *bundle = o->bundle ? o->bundle : ".";
	int r;

	c->bundle = absolute(bundle);
	if (!c->bundle)
		return fail(errno, "bundle %s", bundle);
	r = spec_load(c->bundle, o->config, &c->spec);
	if (r < 0)
		return r;
	r = check_supported(c->spec);
	if (r < 0)
		return r;
	if (!c->spec->has_process || !c->spec->process.args)
		return fail_plain(EINVAL,
				  "config.json: /process/args: is missing");
	if (asprintf(&c->rootfs, "%s%s%s",
		     *c->spec->root_path == '/' ? "" : c->bundle,
		     *c->spec->root_path == '/' ? "" : "/",
		     c->spec->root_path) < 0)
		return fail(ENOMEM, "config.json");
	if (!o->detach && !c->wait_for_start)
		take_over_size(&c->spec->process);
	return console_check(c->spec->process.terminal,
			     c->wait_for_start || o->detach,
			     o->console_socket);
}

static int stage_state(struct creation *c)
{
	struct record *rec = &c->record;
	char now[TIMESTAMP_ROOM];

	timestamp_now(now);
	*rec = record_of(c->spec, c->id, c->bundle);
	c->cgroup_path = cgroup_path(c->spec->linux_.cgroups_path, c->id);
	if (!c->cgroup_path)
		return -errno;
	rec->rootfs = c->rootfs;
	rec->created = arena_strdup(&c->spec->arena, now);
	rec->cgroup = c->cgroup_path;
	rec->no_pivot = c->options->no_pivot;
	rec->in_vm = c->options->in_vm;
	if (!rec->created)
		return fail(ENOMEM, "state");
	c->dir = store_add(c->store, c->id, &c->lock);
	if (c->dir < 0)
		return c->dir;
	c->in_store = true;
	/* First what to clean up, then what there is to be cleaned. */
	return record_write(c->dir, rec);
}

/* An ordinary user without a delegated cgroup does without. */
static bool may_lack_cgroup(const struct creation *c, int r)
{
	return geteuid() != 0 && !c->spec->linux_.has_resources &&
	       (r == -EACCES || r == -EPERM || r == -EROFS);
}

static int stage_cgroup(struct creation *c)
{
	int r = cgroup_create(c->cgroup_path, &c->cg);

	if (r < 0 && may_lack_cgroup(c, r)) {
		log_info("no cgroup: %s", fail_text());
		c->record.cgroup = NULL;
		return record_write(c->dir, &c->record);
	}
	if (r < 0)
		return fail_in(r, "cgroup");
	c->in_cgroup = true;
	r = cgroup_apply(c->cg, &c->spec->linux_.resources, false);
	return r < 0 ? fail_in(r, "cgroup") : 0;
}

static int add_env(struct creation *c, const char *name, const char *value)
{
	size_t n = 0;

	while (c->extra_env[n])
		n++;
	c->extra_env[n] = arena_printf(&c->spec->arena, "%s=%s", name, value);
	return c->extra_env[n] ? 0 : fail(ENOMEM, "environment");
}

#define EXTRA_ENV_MAX 5 /* with the NULL */

static int stage_environment(struct creation *c)
{
	_cleanup_free_ char *dir = NULL;
	char number[16];
	int r;

	c->extra_env = arena_array(&c->spec->arena, EXTRA_ENV_MAX,
				   sizeof(*c->extra_env));
	if (!c->extra_env ||
	    asprintf(&dir, "%s/%s", c->store->path, c->id) < 0)
		return fail(ENOMEM, "environment");
	if (listen_fds_given()) {
		const char *names = getenv("LISTEN_FDNAMES");

		snprintf(number, sizeof(number), "%u", listen_fds_given());
		r = add_env(c, "LISTEN_FDS", number);
		if (r == 0)
			r = add_env(c, "LISTEN_PID", "1");
		if (r == 0 && names)
			r = add_env(c, "LISTEN_FDNAMES", names);
		if (r < 0)
			return r;
	}
	r = notify_prepare(c->spec, c->dir, dir);
	if (r > 0)
		r = add_env(c, "NOTIFY_SOCKET", NOTIFY_INSIDE);
	/* run passes readiness on itself; after create, start does. */
	if (r == 0 && !c->wait_for_start)
		r = notify_bind(c->dir, &c->notify);
	return r;
}

static int stage_process(struct creation *c)
{
	if (c->foreground && c->spec->process.terminal)
		foreground_raw(c->foreground);
	c->had_process = true;
	return c->backend->create(c);
}

static int stage_terminal(struct creation *c)
{
	const struct create_options *o = c->options;
	int r = 0;

	if (o->console_socket)
		r = console_send(o->console_socket, c->terminal, "/dev/ptmx");
	if (r == 0 && o->pidfd_socket)
		r = console_send(o->pidfd_socket, c->child.pidfd, "pidfd");
	return r;
}

static int stage_pid_file(struct creation *c)
{
	if (!c->options->pid_file)
		return 0;
	return pidfile_write(c->options->pid_file, c->child.pid);
}

/* From a bundle to a process; errors carry their own context. */
static const struct stage stages[] = {
	{"descriptors", stage_descriptors},
	{"config", stage_config},
	{"state", stage_state},
	{"cgroup", stage_cgroup},
	{"environment", stage_environment},
	{"process", stage_process},
	{"terminal", stage_terminal},
	{"pid file", stage_pid_file},
};

/* -- The end of a creation ------------------------------------------------ */

static void creation_fini(struct creation *c)
{
	spawned_close(&c->child);
	cgroup_close(c->cg);
	spec_free(c->spec);
	free(c->bundle);
	free(c->rootfs);
	free(c->cgroup_path);
	cleanup_fd(&c->terminal);
	cleanup_fd(&c->notify);
	cleanup_fd(&c->lock);
	cleanup_fd(&c->dir);
}

static int run_hooks(struct creation *c, enum spec_hook_kind kind,
		     enum status status)
{
	const struct state state = {
		.id = c->id,
		.status = status,
		.pid = status == STATUS_STOPPED ? 0 : c->child.pid,
		.bundle = c->bundle,
		.annotations = c->spec->annotations,
		.n_annotations = c->spec->n_annotations,
	};

	return hook_run_all(kind, &c->spec->hooks[kind], &state);
}

/*
 * Removes cgroup and state. The process has ended or is killed here, with
 * all that it left in the cgroup.
 */
static int remove_all(struct creation *c)
{
	int r = 0, r2 = 0;

	if (c->child.pid > 0) {
		sys_pidfd_send_signal(c->child.pidfd, SIGKILL);
		waitpid(c->child.pid, NULL, 0);
	}
	if (c->in_cgroup && !c->record.own_pid_ns)
		r = cgroup_kill(c->cg);
	if (c->in_cgroup && r == 0)
		r = cgroup_remove(c->cg);
	if (c->in_store && r == 0)
		r2 = store_remove(c->store, c->id);
	return r < 0 ? r : r2;
}

/* Undoes a failed creation; the text of the failure survives. */
static void undo(struct creation *c)
{
	_cleanup_free_ char *text = strdup(fail_text());

	if (remove_all(c) < 0)
		log_warn("clean up \"%s\": %s", c->id, fail_text());
	if (c->had_process &&
	    run_hooks(c, SPEC_HOOK_POSTSTOP, STATUS_STOPPED) < 0)
		log_warn("%s", fail_text());
	if (text)
		fail_from(EINVAL, text, strlen(text));
}

static int go_through_stages(struct creation *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		log_debug("create \"%s\": %s", c->id, stages[i].name);

		int r = stages[i].run(c);

		if (r < 0) {
			undo(c);
			return r;
		}
	}
	return 0;
}

static void creation_init(struct creation *c, const struct store *s,
			  const struct create_options *o)
{
	*c = (struct creation){
		.store = s,
		.options = o,
		.id = o->id,
		.backend = o->in_vm ? &backend_vm : &backend_process,
		.dir = -1,
		.lock = -1,
		.terminal = -1,
		.notify = -1,
		.child = {.pidfd = -1, .sync = -1},
	};
}

int create_container(const struct store *s, const struct create_options *o)
{
	struct creation c;
	int r;

	creation_init(&c, s, o);
	c.wait_for_start = true;
	r = store_check_id(o->id);
	if (r == 0)
		r = go_through_stages(&c);
	creation_fini(&c);
	return r;
}

/* -- Run ------------------------------------------------------------------ */

static int make_up_id(char *id)
{
	unsigned char bytes[MADE_UP_ID_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return fail(errno, "make up an id");
	for (size_t i = 0; i < sizeof(bytes); i++)
		sprintf(id + 2 * i, "%02x", bytes[i]);
	return 0;
}

static int finish_foreground(struct creation *c, struct foreground *f,
			     int *exit_code)
{
	int r = foreground_wait(f, &c->child, c->terminal, c->notify);

	if (r < 0)
		return r;
	*exit_code = r;
	c->child.pid = 0; /* waited for */
	if (c->options->keep)
		return 0;
	r = remove_all(c);
	if (r == 0 && run_hooks(c, SPEC_HOOK_POSTSTOP, STATUS_STOPPED) < 0)
		log_warn("%s", fail_text());
	return r;
}

static int run(struct creation *c, int *exit_code)
{
	struct foreground f = {.signals = -1};
	int r = 0;

	if (!c->options->detach) {
		r = foreground_begin(&f);
		c->foreground = &f;
	}
	if (r == 0)
		r = go_through_stages(c);
	if (r < 0)
		goto out;
	r = run_hooks(c, SPEC_HOOK_POSTSTART, STATUS_RUNNING);
	if (r < 0) {
		undo(c);
		goto out;
	}
	/* Others may now work on it while we wait. */
	cleanup_fd(&c->lock);
	c->lock = -1;
	if (c->options->detach)
		r = notify_forward(c->notify, c->child.pid, c->child.pidfd);
	else
		r = finish_foreground(c, &f, exit_code);
out:
	foreground_end(&f);
	return r;
}

int run_container(const struct store *s, const struct create_options *o,
		  int *exit_code)
{
	char made_up[2 * MADE_UP_ID_BYTES + 1];
	struct creation c;
	int r;

	creation_init(&c, s, o);
	*exit_code = 0;
	if (!c.id) {
		r = make_up_id(made_up);
		c.id = made_up;
	} else {
		r = store_check_id(c.id);
	}
	if (r == 0)
		r = run(&c, exit_code);
	creation_fini(&c);
	return r;
}
