/* SPDX-License-Identifier: MIT */
/* The steps that make the process what it is to be, up to its start. */
#include "isolate/step.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "isolate/exec.h"
#include "isolate/isolate.h"
#include "isolate/lsm.h"
#include "isolate/rlimit.h"
#include "isolate/sched.h"
#include "isolate/sync.h"
#include "isolate/tty.h"
#include "isolate/user.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"

/* -- The process ---------------------------------------------------------- */

int step_oom_score(struct child *c)
{
	char text[16];

	if (!c->iso->process->has_oom_score_adj)
		return 0;
	snprintf(text, sizeof(text), "%d", c->iso->process->oom_score_adj);
	return fd_write_file(c->iso->proc, "self/oom_score_adj", text);
}

int step_limits(struct child *c)
{
	const struct spec_process *p = c->iso->process;

	return c->outside ? rlimit_raise(p->rlimits, p->n_rlimits)
			  : rlimit_apply(p->rlimits, p->n_rlimits);
}

int step_scheduling(struct child *c)
{
	const struct spec_process *p = c->iso->process;
	int r = sched_apply(p);

	if (r == 0 && c->iso->join_only && p->has_exec_cpu_affinity)
		r = sched_set_affinity(&p->exec_cpu_final);
	return r < 0 ? r : sched_apply_linux(c->linux_);
}

static bool has_env(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; env && *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return true;
	return false;
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

int step_environment(struct child *c)
{
	char *const *own = c->iso->process->env;
	char *const *extra = c->iso->extra_env;
	size_t n_own = count(own), n_extra = count(extra);
	size_t n = 0;

	c->env = calloc(n_own + n_extra + 2, sizeof(*c->env));
	if (!c->env)
		return fail(ENOMEM, "environment");
	if (n_own)
		memcpy(c->env, own, n_own * sizeof(*own));
	n += n_own;
	if (n_extra)
		memcpy(c->env + n, extra, n_extra * sizeof(*extra));
	n += n_extra;
	if (has_env(own, "HOME"))
		return 0;

	_cleanup_free_ char *home =
		user_home(c->root, c->iso->process->user.uid);

	if (!home || asprintf(&c->env[n], "HOME=%s", home) < 0)
		return fail(ENOMEM, "environment");
	return 0;
}

/* A program with a slash in its name is looked for from there. */
int step_cwd(struct child *c)
{
	int r = exec_chdir(c->iso->process->cwd, !c->iso->join_only);

	/* Not even root may look into some shared file systems. */
	c->cwd_pending = r == -EACCES || r == -EPERM;
	return c->cwd_pending ? 0 : r;
}

int step_program(struct child *c)
{
	c->program = exec_find(c->iso->process);
	return c->program ? 0 : -errno;
}

int step_label(struct child *c)
{
	return lsm_apply(c->iso->process, c->iso->proc);
}

int step_receive_seccomp(struct child *c)
{
	if (c->seccomp)
		return 0;
	c->seccomp = malloc(sizeof(*c->seccomp));
	if (!c->seccomp)
		return fail(ENOMEM, "seccomp filter");
	return sync_expect(c->sync, SYNC_SECCOMP, c->seccomp);
}

int step_stdio(struct child *c)
{
	int slave = c->slave;

	c->slave = -1;
	return slave < 0 ? 0 : tty_attach(slave, c->iso->process->user.uid);
}

int step_control(struct child *c)
{
	return c->iso->process->terminal ? tty_control() : 0;
}

/* -- Waiting for start ---------------------------------------------------- */

/* Waits until someone who may connect says START. */
static int accept_start(struct child *c, int listener)
{
	for (;;) {
		int r;

		c->sync = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (c->sync < 0 && errno == EINTR)
			continue;
		if (c->sync < 0)
			return fail(errno, "wait for start");
		struct sync_msg *msg = malloc(sizeof(*msg));

		r = msg ? sync_expect(c->sync, SYNC_START, msg) : -ENOMEM;
		free(msg);
		if (r == 0)
			return 0;
		close(c->sync);
	}
}

int step_wait_for_start(struct child *c)
{
	int r = sync_send_empty(c->sync, SYNC_READY);

	if (r < 0 || !c->iso->wait_for_start)
		return r;
	close(c->sync);
	r = accept_start(c, c->iso->listener);
	close(c->iso->listener);
	return r;
}

int step_start_hooks(struct child *c)
{
	if (c->iso->join_only)
		return 0;
	return child_run_hooks(c, SPEC_HOOK_START_CONTAINER, STATUS_CREATED);
}

/* -- The last steps ------------------------------------------------------- */

int step_exec(struct child *c)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Only the preserved fds go through; an errant one is closed. */
	sys_close_range(3 + c->iso->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(c->program, c->iso->process->args, c->env);
	return fail(errno, "exec %s", c->program);
}

int step_inside(struct child *c)
{
	return c->iso->inside->run(c->iso->inside->arg, c->sync);
}
