/* SPDX-License-Identifier: MIT */
/* One struct spec becomes one confined process: the table of steps. */
#include "isolate/isolate.h"

#include <fcntl.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/caps.h"
#include "isolate/cgroup.h"
#include "isolate/dev.h"
#include "isolate/enter.h"
#include "isolate/exec.h"
#include "isolate/hook.h"
#include "isolate/keyring.h"
#include "isolate/lo.h"
#include "isolate/lsm.h"
#include "isolate/mask.h"
#include "isolate/mount.h"
#include "isolate/ns.h"
#include "isolate/rlimit.h"
#include "isolate/rootfs.h"
#include "isolate/sched.h"
#include "isolate/seccomp.h"
#include "isolate/sync.h"
#include "isolate/sysctl.h"
#include "isolate/tty.h"
#include "isolate/user.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define STATUS_MAX_BYTES 65536 /* /proc/self/status */

/* The child's own state. owned by: the child. */
struct child {
	const struct isolate *iso;
	const struct spec_linux *linux_;
	int sync; /* becomes start's connection once there is one */
	int root; /* O_PATH, the container's root; -1 before "root" */
	int slave; /* the terminal, or -1 */
	bool outside; /* still, of the pid namespace that is joined */
	bool sealed; /* has the process's credentials */
	bool cwd_pending; /* the user itself has to enter the directory */
	char *program; /* found in PATH */
	char **env;
	struct sync_msg *seccomp;
};

struct step {
	const char *name;
	int (*run)(struct child *c);
};

static bool makes(const struct child *c, enum spec_namespace kind)
{
	return c->linux_->new_namespaces & 1u << kind;
}

/* -- Joining and making namespaces ---------------------------------------- */

/* The parent has written the id maps. */
static int wait_go(struct child *c)
{
	struct sync_msg *msg = malloc(sizeof(*msg));
	int r = msg ? sync_expect(c->sync, SYNC_GO, msg)
		    : fail(ENOMEM, "wait for the parent");

	free(msg);
	return r;
}

/* First of all: what comes is to be accounted, and limited. */
static int step_cgroup(struct child *c)
{
	struct cgroup *cg = c->iso->cgroup;

	return cg ? cgroup_join(cg, cgroup_fd(cg) >= 0) : 0;
}

/*
 * A program starts with the default action of each signal. exec(2) sees to
 * those that are caught, not to those that are ignored; they are few, so the
 * kernel is asked for which they are.
 */
static int step_signals(struct child *c)
{
	_cleanup_(buf_fini) struct buf status = {};
	static const long by_default[4]; /* struct sigaction of the kernel */
	unsigned long long ignored;
	int r = fd_read_file(c->iso->proc, "self/status", &status,
			     STATUS_MAX_BYTES);
	const char *at = r < 0 ? NULL : strstr(buf_str(&status), "SigIgn:");

	if (!at || sscanf(at, "SigIgn: %llx", &ignored) != 1)
		return r < 0 ? r : fail_plain(EINVAL, "no SigIgn in status");
	/* The kernel's call: libc's refuses the two signals that it uses. */
	for (int sig = 1; ignored; sig++, ignored >>= 1)
		if (ignored & 1)
			syscall(SYS_rt_sigaction, sig, &by_default, NULL, 8);
	return 0;
}

static int step_session(struct child *c)
{
	if (setsid() < 0)
		return fail(errno, "setsid");
	if (c->iso->no_new_keyring)
		return 0;
	return keyring_join(c->iso->id);
}

/* A change of user sets what fs.suid_dumpable says. */
static int become_root(void)
{
	const struct spec_user root = {};
	int r = user_apply(&root);

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return r;
}

static int step_user_namespace(struct child *c)
{
	int fd = c->iso->ns_fds[SPEC_NS_USER];
	int r;

	if (makes(c, SPEC_NS_USER)) {
		r = wait_go(c);
		return r < 0 ? r : become_root();
	}
	if (fd < 0)
		return 0;
	if (setns(fd, CLONE_NEWUSER) < 0)
		return fail(errno, "join the user namespace");
	if (unshare((int)(ns_clone_flags(c->linux_) & ~CLONE_NEWPID)) < 0)
		return fail(errno, "create namespaces");
	return become_root();
}

static int step_namespaces(struct child *c)
{
	bool late_pid = c->iso->ns_fds[SPEC_NS_USER] >= 0 &&
			makes(c, SPEC_NS_PID);
	int r = ns_join(c->iso->ns_fds);

	if (r == 0 && late_pid)
		r = enter_fork(c->sync, CLONE_NEWPID);
	if (r == 0 && makes(c, SPEC_NS_NET))
		r = lo_up();
	return r < 0 ? r : ns_set_names(c->iso->spec);
}

static int step_cgroup_namespace(struct child *c)
{
	if (!makes(c, SPEC_NS_CGROUP))
		return 0;
	/* Its root is the cgroup in which we are now. */
	if (unshare(CLONE_NEWCGROUP) < 0)
		return fail(errno, "create a cgroup namespace");
	return 0;
}

/*
 * Closes what is of the host: all but the streams of the program, the way to
 * the parent, the terminal and the socket on which start knocks.
 */
static int step_descriptors(struct child *c)
{
	int keep[] = {c->sync, c->slave, c->iso->listener};

	fd_close_except(3 + c->iso->preserve_fds, keep, ARRAY_SIZE(keep));
	c->root = -1;
	return 0;
}

static int step_enter(struct child *c)
{
	int r = enter_container(c->iso);

	if (r == 0 && (c->iso->join_flags & CLONE_NEWUSER))
		r = become_root();
	if (r == 0)
		r = step_descriptors(c);
	c->outside = c->iso->join_flags & CLONE_NEWPID;
	if (r == 0 && !c->outside && setsid() < 0)
		r = fail(errno, "setsid");
	if (r < 0)
		return r;
	c->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return c->root < 0 ? fail(errno, "open /") : 0;
}

/* -- The root file system ------------------------------------------------- */

static int step_before_root(struct child *c)
{
	const struct isolate_inside *inside = c->iso->inside;

	return inside->before_root ? inside->before_root(inside->arg) : 0;
}

static int step_root(struct child *c)
{
	c->root = rootfs_attach(c->iso);
	return c->root < 0 ? c->root : 0;
}

static int step_mounts(struct child *c)
{
	return mount_all(c->iso, c->root);
}

static int step_devices(struct child *c)
{
	return dev_create(c->iso, c->root);
}

static int step_terminal(struct child *c)
{
	const struct spec_process *p = c->iso->process;
	_cleanup_fd_ int master = -1;
	int r;

	if (!p->terminal)
		return 0;
	r = tty_open(c->root, p->console_height, p->console_width, &master,
		     &c->slave);
	if (r == 0 && !c->iso->join_only && !c->iso->inside)
		r = dev_bind_console(c->root, c->slave);
	if (r < 0)
		return r;
	return sync_send(c->sync, SYNC_TERMINAL, 0, master, NULL, 0);
}

static int run_hooks(struct child *c, enum spec_hook_kind kind,
		     enum status status)
{
	const struct spec *spec = c->iso->spec;

	if (spec->hooks[kind].n_hooks == 0)
		return 0;

	const struct state state = {
		.id = c->iso->id,
		.status = status,
		.pid = getpid(),
		.bundle = c->iso->bundle,
		.annotations = spec->annotations,
		.n_annotations = spec->n_annotations,
	};

	return hook_run_all(kind, &spec->hooks[kind], &state);
}

/* Of the children from here on, hooks for one; we follow at the very end. */
static int step_join_pid(struct child *c)
{
	int fd = c->iso->ns_fds[SPEC_NS_PID];

	c->outside = fd >= 0;
	if (c->outside && setns(fd, CLONE_NEWPID) < 0)
		return fail(errno, "join the pid namespace");
	return 0;
}

static int parent_hooks(struct child *c)
{
	struct sync_msg *msg = malloc(sizeof(*msg));
	int r = msg ? sync_send_empty(c->sync, SYNC_HOOKS) : -ENOMEM;

	if (r == 0)
		r = sync_expect(c->sync, SYNC_HOOKS_DONE, msg);
	free(msg);
	return r;
}

/*
 * After the mounts and before the pivot: hooks may still reach the host's
 * files, and may add to the container's mounts.
 */
static int step_hooks(struct child *c)
{
	const struct spec_hooks *hooks = c->iso->spec->hooks;
	int r = 0;

	if (hooks[SPEC_HOOK_PRESTART].n_hooks ||
	    hooks[SPEC_HOOK_CREATE_RUNTIME].n_hooks)
		r = parent_hooks(c);
	if (r < 0)
		return r;
	return run_hooks(c, SPEC_HOOK_CREATE_CONTAINER, STATUS_CREATING);
}

static int step_sysctl(struct child *c)
{
	return sysctl_apply(c->linux_->sysctl, c->linux_->n_sysctl,
			    c->iso->proc);
}

static int step_masks(struct child *c)
{
	int r = mask_readonly_paths(c->iso, c->root);

	return r < 0 ? r : mask_paths(c->iso, c->root);
}

static int step_pivot(struct child *c)
{
	return rootfs_enter(c->iso, c->root);
}

/* -- The process ---------------------------------------------------------- */

static int step_oom_score(struct child *c)
{
	char text[16];

	if (!c->iso->process->has_oom_score_adj)
		return 0;
	snprintf(text, sizeof(text), "%d", c->iso->process->oom_score_adj);
	return fd_write_file(c->iso->proc, "self/oom_score_adj", text);
}

static int step_limits(struct child *c)
{
	const struct spec_process *p = c->iso->process;

	return c->outside ? rlimit_raise(p->rlimits, p->n_rlimits)
			  : rlimit_apply(p->rlimits, p->n_rlimits);
}

static int step_scheduling(struct child *c)
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

static int step_environment(struct child *c)
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
static int step_cwd(struct child *c)
{
	int r = exec_chdir(c->iso->process->cwd, !c->iso->join_only);

	/* Not even root may look into some shared file systems. */
	c->cwd_pending = r == -EACCES || r == -EPERM;
	return c->cwd_pending ? 0 : r;
}

static int step_program(struct child *c)
{
	c->program = exec_find(c->iso->process);
	return c->program ? 0 : -errno;
}

static int step_label(struct child *c)
{
	return lsm_apply(c->iso->process, c->iso->proc);
}

static int step_receive_seccomp(struct child *c)
{
	if (c->seccomp)
		return 0;
	c->seccomp = malloc(sizeof(*c->seccomp));
	if (!c->seccomp)
		return fail(ENOMEM, "seccomp filter");
	return sync_expect(c->sync, SYNC_SECCOMP, c->seccomp);
}

static int step_stdio(struct child *c)
{
	int slave = c->slave;

	c->slave = -1;
	return slave < 0 ? 0 : tty_attach(slave, c->iso->process->user.uid);
}

static int step_control(struct child *c)
{
	return c->iso->process->terminal ? tty_control() : 0;
}

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
static int step_seccomp_privileged(struct child *c)
{
	if (c->sealed || c->iso->process->no_new_privileges)
		return 0;
	return load_seccomp(c);
}

static int step_credentials(struct child *c)
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

static int step_seccomp_unprivileged(struct child *c)
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

static int step_enter_unsealed(struct child *c)
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

static int step_enter_sealed(struct child *c)
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

static int step_wait_for_start(struct child *c)
{
	int r = sync_send_empty(c->sync, SYNC_READY);

	if (r < 0 || !c->iso->wait_for_start)
		return r;
	close(c->sync);
	r = accept_start(c, c->iso->listener);
	close(c->iso->listener);
	return r;
}

static int step_start_hooks(struct child *c)
{
	if (c->iso->join_only)
		return 0;
	return run_hooks(c, SPEC_HOOK_START_CONTAINER, STATUS_CREATED);
}

/* -- The last steps ------------------------------------------------------- */

static int step_exec(struct child *c)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Only the preserved fds go through; an errant one is closed. */
	sys_close_range(3 + c->iso->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(c->program, c->iso->process->args, c->env);
	return fail(errno, "exec %s", c->program);
}

static int step_inside(struct child *c)
{
	return c->iso->inside->run(c->iso->inside->arg, c->sync);
}

/* -- The tables ----------------------------------------------------------- */

/* From a fresh clone in new namespaces to "/" of the container. */
static const struct step build_steps[] = {
	{"cgroup", step_cgroup},
	{"cgroup namespace", step_cgroup_namespace},
	{"session", step_session},
	{"user namespace", step_user_namespace},
	{"namespaces", step_namespaces},
	{"root file system", step_root},
	{"mounts", step_mounts},
	{"devices", step_devices},
	{"terminal", step_terminal},
	{"pid namespace", step_join_pid},
	{"hooks", step_hooks},
	{"sysctl", step_sysctl},
	{"masked paths", step_masks},
	{"root file system", step_pivot},
	{"signals", step_signals},
	{"oom score", step_oom_score},
	{"label", step_label},
};

/* From a fresh clone on the host into a container that runs. */
static const struct step enter_steps[] = {
	{"cgroup", step_cgroup},
	{"signals", step_signals},
	{"oom score", step_oom_score},
	{"label", step_label},
	{"enter", step_enter},
	{"terminal", step_terminal},
};

/*
 * From "/" of the container to the program. The paths that are walked here
 * are the image's and the config's: nothing of the host is open by then.
 */
static const struct step process_steps[] = {
	{"environment", step_environment},
	{"descriptors", step_descriptors},
	{"pid namespace", step_enter_unsealed},
	{"resource limits", step_limits},
	{"scheduling", step_scheduling},
	{"working directory", step_cwd},
	{"program", step_program},
	{"terminal", step_stdio},
	{"seccomp", step_receive_seccomp},
	{"pid namespace", step_enter_sealed},
	{"terminal", step_control},
	{"start", step_wait_for_start},
	{"hooks", step_start_hooks},
	{"seccomp", step_seccomp_privileged},
	{"credentials", step_credentials},
	{"seccomp", step_seccomp_unprivileged},
	{"program", step_exec},
};

/* The same ways for a VMM: nothing in its root is for a program to use. */
static const struct step jail_steps[] = {
	{"cgroup", step_cgroup},
	{"cgroup namespace", step_cgroup_namespace},
	{"session", step_session},
	{"user namespace", step_user_namespace},
	{"namespaces", step_namespaces},
	{"machine", step_before_root},
	{"root file system", step_root},
	{"mounts", step_mounts},
	{"terminal", step_terminal},
	{"pid namespace", step_join_pid},
	{"hooks", step_hooks},
	{"root file system", step_pivot},
};

static const struct step vmm_steps[] = {
	{"signals", step_signals},
	{"oom score", step_oom_score},
	{"scheduling", step_scheduling},
	{"label", step_label},
	{"seccomp", step_receive_seccomp},
	{"pid namespace", step_enter_sealed},
	{"terminal", step_stdio},
	{"terminal", step_control},
	{"credentials", step_credentials},
	{"machine", step_inside},
};

static void run_steps(struct child *c, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = steps[i].run(c);

		if (r < 0) {
			if (!*fail_text())
				fail(-r, "failed");
			fail_in(r, "%s", steps[i].name);
			sync_send_error(c->sync, r);
			_exit(1);
		}
	}
}

_Noreturn void isolate_run(const struct isolate *iso, int sync)
{
	struct child c = {
		.iso = iso,
		.linux_ = &iso->spec->linux_,
		.sync = sync,
		.root = -1,
		.slave = -1,
	};

	/* Modes are meant as they are written, until the program's turn. */
	umask(0);
	if (iso->inside) {
		run_steps(&c, jail_steps, ARRAY_SIZE(jail_steps));
		run_steps(&c, vmm_steps, ARRAY_SIZE(vmm_steps));
	}
	if (iso->join_only)
		run_steps(&c, enter_steps, ARRAY_SIZE(enter_steps));
	else
		run_steps(&c, build_steps, ARRAY_SIZE(build_steps));
	run_steps(&c, process_steps, ARRAY_SIZE(process_steps));
	_exit(1); /* not reached: the last step execs or fails */
}
