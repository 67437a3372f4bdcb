/* SPDX-License-Identifier: MIT */
/* The process container: namespaces, cgroups, seccomp, capabilities. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "isolate/handshake.h"
#include "isolate/hook.h"
#include "isolate/isolate.h"
#include "isolate/mount.h"
#include "isolate/ns.h"
#include "isolate/rootfs.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "runtime/backend.h"
#include "runtime/seccomp_cache.h"

/* -- What the child needs from the host ----------------------------------- */

static int open_proc(void)
{
	_cleanup_fd_ int fd =
		open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(errno, "open /proc");
	if (!path_is_on(fd, PROC_SUPER_MAGIC))
		return fail_plain(EINVAL, "/proc is not a procfs");
	return take_fd(&fd);
}

static void isolate_init(struct isolate *iso)
{
	*iso = (struct isolate){.proc = -1,
				.rootfs = -1,
				.pidfd = -1,
				.join_root = -1,
				.listener = -1};
	for (int i = 0; i < SPEC_NS_KINDS; i++)
		iso->ns_fds[i] = -1;
}

static void isolate_fini(struct isolate *iso)
{
	if (iso->sources)
		mount_sources_close(iso->sources, iso->spec->n_mounts);
	free(iso->sources);
	ns_close(iso->ns_fds);
	cgroup_view_close(iso->cgroup_view);
	cleanup_fd(&iso->proc);
	cleanup_fd(&iso->rootfs);
	cleanup_fd(&iso->join_root);
	cleanup_fd(&iso->listener);
}

static bool has_cgroup_mount(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].kind == SPEC_MOUNT_CGROUP)
			return true;
	return false;
}

static int open_sources(struct isolate *iso)
{
	size_t n = iso->spec->n_mounts;

	iso->sources = calloc(n ? n : 1, sizeof(*iso->sources));
	if (!iso->sources)
		return fail(ENOMEM, "mounts");
	for (size_t i = 0; i < n; i++)
		iso->sources[i].fd = -1;
	return mount_sources_open(iso->spec, iso->sources);
}

/* Fills iso from c; isolate_fini() undoes it, also after a failure. */
static int prepare(const struct creation *c, struct isolate *iso)
{
	const struct spec_linux *l = &c->spec->linux_;
	bool cgroup_ns = (l->new_namespaces & 1u << SPEC_NS_CGROUP) ||
			 l->ns_paths[SPEC_NS_CGROUP];
	int r;

	iso->spec = c->spec;
	iso->process = &c->spec->process;
	iso->id = c->id;
	iso->bundle = c->bundle;
	iso->extra_env = c->extra_env;
	iso->no_pivot = c->options->no_pivot;
	iso->no_new_keyring = c->options->no_new_keyring;
	iso->wait_for_start = c->wait_for_start;
	iso->preserve_fds = c->preserve_fds;
	iso->rootfs_path = c->rootfs;
	iso->cgroup = c->cg;
	if ((r = iso->proc = open_proc()) < 0)
		return r;
	r = iso->rootfs = rootfs_clone(c->rootfs);
	/* An ordinary user may not; the child may in its namespaces. */
	if (r < 0 && (r != -EPERM || geteuid() == 0))
		return r;
	if ((r = open_sources(iso)) < 0)
		return fail_in(r, "mounts");
	if ((r = ns_open_paths(l, iso->ns_fds)) < 0)
		return fail_in(r, "namespaces");
	if (c->cg && has_cgroup_mount(c->spec) &&
	    (r = cgroup_view_open(c->cg, cgroup_ns, &iso->cgroup_view)) < 0)
		return fail_in(r, "cgroup");
	if (!c->wait_for_start)
		return 0;
	r = iso->listener = fd_listen_unix(c->dir, "start", SOCK_SEQPACKET);
	return r < 0 ? r : 0;
}

/* -- The handshake -------------------------------------------------------- */

static bool has_parent_hooks(const struct spec *spec)
{
	return spec->hooks[SPEC_HOOK_PRESTART].n_hooks ||
	       spec->hooks[SPEC_HOOK_CREATE_RUNTIME].n_hooks;
}

static int run_parent_hooks(void *arg)
{
	struct creation *c = arg;
	const struct spec *spec = c->spec;
	const struct state state = {
		.id = c->id,
		.status = STATUS_CREATING,
		.pid = c->child.pid,
		.bundle = c->bundle,
		.annotations = spec->annotations,
		.n_annotations = spec->n_annotations,
	};
	int r = 0;

	for (int k = SPEC_HOOK_PRESTART;
	     r == 0 && k <= SPEC_HOOK_CREATE_RUNTIME; k++)
		r = hook_run_all(k, &spec->hooks[k], &state);
	return r;
}

static int note_pid(void *arg, pid_t pid)
{
	struct creation *c = arg;

	return container_write_pid(c->dir, pid);
}

static const struct handshake_ops creation_ops = {
	.hooks = run_parent_hooks,
	.new_pid = note_pid,
};

/* The child mounts meanwhile. */
static int get_filter(const struct creation *c, struct buf *bpf,
		      unsigned *flags)
{
	const struct spec_seccomp *sec = c->spec->linux_.seccomp;

	if (!sec)
		return 0;
	*flags = sec->flags;
	return seccomp_cache_get(c->store, sec, c->dir, bpf);
}

static int shake_hands(struct creation *c)
{
	_cleanup_(buf_fini) struct buf bpf = {};
	struct handshake h = {.child = &c->child,
			      .ops = &creation_ops,
			      .arg = c,
			      .bpf = &bpf,
			      .has_hooks = has_parent_hooks(c->spec),
			      .terminal = -1};
	int r = container_write_pid(c->dir, c->child.pid);

	if (r == 0)
		r = get_filter(c, &bpf, &h.bpf_flags);
	if (r == 0)
		r = handshake_run(&h, c->wait_for_start);
	c->terminal = h.terminal;
	return r;
}

static int process_create(struct creation *c)
{
	struct isolate iso;
	int r;

	isolate_init(&iso);
	r = prepare(c, &iso);
	if (r == 0)
		r = isolate_spawn(&iso, &c->child);
	isolate_fini(&iso);
	if (r < 0)
		return r;
	r = shake_hands(c);
	if (r < 0)
		handshake_kill(&c->child);
	return r;
}

/* -- Start ---------------------------------------------------------------- */

static int process_start(struct container *c)
{
	_cleanup_fd_ int sock = handshake_start(c->dir);

	if (sock < 0)
		return sock;
	/* From here on it counts as started. */
	c->waiting = false;
	return handshake_started(sock);
}

/* -- Exec ----------------------------------------------------------------- */

static int exec_cgroup(struct execution *e, struct cgroup **own,
		       struct cgroup **cg)
{
	const char *sub = e->options->cgroup;
	const char *path = e->container->record->cgroup;
	_cleanup_free_ char *full = NULL;
	int r;

	if (!sub || !path) {
		*cg = NULL;
		return path ? container_cgroup(e->container, cg) : 0;
	}
	if (path_has_dotdot(sub))
		return fail_plain(EINVAL, "--cgroup %s leads out of the "
					  "container's cgroup",
				  sub);
	if (asprintf(&full, "%s/%s", path, sub) < 0)
		return fail(ENOMEM, "--cgroup");
	r = cgroup_open(full, own);
	*cg = *own;
	return r;
}

static int process_exec(struct execution *e)
{
	static const struct spec nothing;
	struct container *c = e->container;
	struct cgroup *own_cg = NULL;
	_cleanup_(buf_fini) struct buf bpf = {};
	struct handshake h = {.child = &e->child, .bpf = &bpf, .terminal = -1};
	struct isolate iso;
	char path[32];
	int r;

	isolate_init(&iso);
	iso.spec = &nothing;
	iso.process = e->process;
	iso.id = c->id;
	iso.extra_env = e->extra_env;
	iso.preserve_fds = e->preserve_fds;
	iso.join_only = true;
	iso.no_new_keyring = true;
	iso.pidfd = c->pidfd;
	iso.join_flags = c->record->join_flags;
	r = iso.proc = open_proc();
	if (r >= 0 && c->record->no_pivot) {
		snprintf(path, sizeof(path), "%d/root", c->init.pid);
		iso.join_root = openat(iso.proc, path, O_PATH | O_CLOEXEC);
		if (iso.join_root < 0)
			r = fail(errno, "open the container's root");
	}
	if (r >= 0)
		r = seccomp_cache_load(c->dir, &bpf, &h.bpf_flags);
	if (r == 0)
		r = exec_cgroup(e, &own_cg, &iso.cgroup);
	if (r == 0)
		r = isolate_spawn(&iso, &e->child);
	if (r == 0) {
		r = handshake_run(&h, false);
		e->terminal = h.terminal;
		if (r < 0)
			handshake_kill(&e->child);
	}
	cgroup_close(own_cg);
	isolate_fini(&iso);
	return r;
}

/* -- The rest ------------------------------------------------------------- */

static int process_signal(struct container *c, int sig)
{
	if (sys_pidfd_send_signal(c->pidfd, sig) < 0)
		return fail(errno, "send signal %d to process %d", sig,
			    c->init.pid);
	return 0;
}

static int process_freeze(struct container *c, bool frozen)
{
	struct cgroup *cg;
	int r = container_cgroup(c, &cg);

	return r < 0 ? r : cgroup_freeze(cg, frozen);
}

const struct backend backend_process = {
	.name = "container",
	.create = process_create,
	.start = process_start,
	.exec = process_exec,
	.signal = process_signal,
	.freeze = process_freeze,
};
