/* SPDX-License-Identifier: MIT */
/* The steps from a fresh clone into the container: namespaces, root, mounts. */
#include "isolate/step.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "isolate/dev.h"
#include "isolate/enter.h"
#include "isolate/hook.h"
#include "isolate/isolate.h"
#include "isolate/keyring.h"
#include "isolate/lo.h"
#include "isolate/mask.h"
#include "isolate/mount.h"
#include "isolate/ns.h"
#include "isolate/rootfs.h"
#include "isolate/sync.h"
#include "isolate/sysctl.h"
#include "isolate/tty.h"
#include "isolate/user.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define STATUS_MAX_BYTES 65536 /* /proc/self/status */

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
int step_cgroup(struct child *c)
{
	struct cgroup *cg = c->iso->cgroup;

	return cg ? cgroup_join(cg, cgroup_fd(cg) >= 0) : 0;
}

/*
 * A program starts with the default action of each signal. exec(2) sees to
 * those that are caught, not to those that are ignored; they are few, so the
 * kernel is asked for which they are.
 */
int step_signals(struct child *c)
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

int step_session(struct child *c)
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

int step_user_namespace(struct child *c)
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

int step_namespaces(struct child *c)
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

int step_cgroup_namespace(struct child *c)
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
int step_descriptors(struct child *c)
{
	int keep[] = {c->sync, c->slave, c->iso->listener};

	fd_close_except(3 + c->iso->preserve_fds, keep, ARRAY_SIZE(keep));
	c->root = -1;
	return 0;
}

int step_enter(struct child *c)
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

int step_before_root(struct child *c)
{
	const struct isolate_inside *inside = c->iso->inside;

	return inside->before_root ? inside->before_root(inside->arg) : 0;
}

int step_root(struct child *c)
{
	c->root = rootfs_attach(c->iso);
	return c->root < 0 ? c->root : 0;
}

int step_mounts(struct child *c)
{
	return mount_all(c->iso, c->root);
}

int step_devices(struct child *c)
{
	return dev_create(c->iso, c->root);
}

int step_terminal(struct child *c)
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

int child_run_hooks(struct child *c, enum spec_hook_kind kind,
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
int step_join_pid(struct child *c)
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
int step_hooks(struct child *c)
{
	const struct spec_hooks *hooks = c->iso->spec->hooks;
	int r = 0;

	if (hooks[SPEC_HOOK_PRESTART].n_hooks ||
	    hooks[SPEC_HOOK_CREATE_RUNTIME].n_hooks)
		r = parent_hooks(c);
	if (r < 0)
		return r;
	return child_run_hooks(c, SPEC_HOOK_CREATE_CONTAINER, STATUS_CREATING);
}

int step_sysctl(struct child *c)
{
	return sysctl_apply(c->linux_->sysctl, c->linux_->n_sysctl,
			    c->iso->proc);
}

int step_masks(struct child *c)
{
	int r = mask_readonly_paths(c->iso, c->root);

	return r < 0 ? r : mask_paths(c->iso, c->root);
}

int step_pivot(struct child *c)
{
	return rootfs_enter(c->iso, c->root);
}
