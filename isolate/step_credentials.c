/* SPDX-License-Identifier: MIT */
/* The steps that take rights away, and the way into a pid namespace of others. */
#include "isolate/step.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolate/caps.h"
#include "isolate/enter.h"
#include "isolate/exec.h"
#include "isolate/isolate.h"
#include "isolate/rlimit.h"
#include "isolate/seccomp.h"
#include "isolate/sync.h"
#include "isolate/user.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

/* -- Credentials ---------------------------------------------------------- */

static int load_seccomp(struct child *c)
{
	size_t n = c->seccomp->len / sizeof(struct sock_filter);

	if (n == 0)
		return 0;
	return seccomp_filter_load((const struct sock_filter *)c->seccomp->payload, n,
			    (unsigned)c->seccomp->value);
}

/*
 * Without no_new_privs the filter can only be loaded while there still is
 * CAP_SYS_ADMIN; with it, it comes last, and has fewest calls to allow.
 */
int step_seccomp_privileged(struct child *c)
{
	if (c->sealed || c->iso->process->no_new_privileges)
		return 0;
	return load_seccomp(c);
}

int step_credentials(struct child *c)
{
	const struct spec_process *p = c->iso->process;
	int r;

	if (c->sealed)
		return 0;
	r = caps_drop_bounding(&p->capabilities);
	if (r == 0)
		r = user_own_stdio(p->user.uid);
	if (r == 0)
		r = user_apply(&p->user);
	umask(p->user.has_umask ? p->user.umask : 0022);
	if (r == 0 && c->cwd_pending)
		r = exec_chdir(p->cwd, false);
	if (r == 0)
		r = caps_apply(&p->capabilities);
	if (r == 0 && p->no_new_privileges &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = fail(errno, "set no_new_privs");
	return r;
}

int step_seccomp_unprivileged(struct child *c)
{
	return c->iso->process->no_new_privileges ? load_seccomp(c) : 0;
}

/* -- Entering a pid namespace --------------------------------------------- */

/*
 * Others are in the pid namespace that is joined, and who has CAP_SYS_PTRACE
 * there may take over a process that comes in: its descriptors
 * (CVE-2016-9962) and its capabilities. So we enter it when there is nothing
 * left to take: nothing of the host is open, the credentials are those of the
 * process. What comes after that needs no privilege.
 */
static const struct seccomp_data calls_inside[] = {
	{.nr = SYS_clone, .args = {CLONE_PARENT}},
	{.nr = SYS_sendmsg},
	{.nr = SYS_exit_group},
	{.nr = SYS_setsid},
	{.nr = SYS_prlimit64},
	{.nr = SYS_ioctl, .args = {STDIN_FILENO, TIOCSCTTY}},
	{.nr = SYS_accept4},
	{.nr = SYS_recvmsg},
	{.nr = SYS_close},
	{.nr = SYS_brk},
	{.nr = SYS_mmap},
	{.nr = SYS_munmap},
	{.nr = SYS_rt_sigprocmask},
};

static bool filter_allows_the_rest(const struct child *c)
{
	const void *insns = c->seccomp->payload;
	size_t n = c->seccomp->len / sizeof(struct sock_filter);

	for (size_t i = 0; n && i < ARRAY_SIZE(calls_inside); i++)
		if (!seccomp_allows(insns, n, &calls_inside[i]))
			return false;
	return true;
}

/*
 * Not when privileges are needed inside: by a hook, by a filter that has to be
 * loaded with CAP_SYS_ADMIN but would stop us then, or by a scheduling policy
 * that does not go over a fork.
 */
static bool can_seal(const struct child *c)
{
	const struct spec *spec = c->iso->spec;
	const struct spec_process *p = c->iso->process;

	if (!c->iso->join_only &&
	    spec->hooks[SPEC_HOOK_START_CONTAINER].n_hooks)
		return false;
	if (p->has_scheduler)
		return false;
	return p->no_new_privileges || filter_allows_the_rest(c);
}

int step_enter_unsealed(struct child *c)
{
	int r;

	if (!c->outside)
		return 0;
	r = step_receive_seccomp(c);
	if (r < 0 || can_seal(c))
		return r;
	c->outside = false;
	return enter_fork(c->sync, 0);
}

int step_enter_sealed(struct child *c)
{
	int r;

	if (!c->outside)
		return 0;
	r = step_seccomp_privileged(c);
	if (r == 0)
		r = step_credentials(c);
	if (r < 0)
		return r;
	c->sealed = true;
	c->outside = false;
	r = enter_fork(c->sync, 0);
	/* Only now: one more process may be one too many. */
	return r < 0 ? r : rlimit_apply(c->iso->process->rlimits,
					c->iso->process->n_rlimits);
}
