/* SPDX-License-Identifier: MIT */
/* What a child needs from the host: opened by the parent before the clone. */
#include "runtime/child.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "isolate/handshake.h"
#include "isolate/hook.h"
#include "isolate/mount.h"
#include "isolate/ns.h"
#include "isolate/rootfs.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "runtime/backend.h"

int child_open_proc(struct isolate *iso)
{
	iso->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (iso->proc < 0)
		return fail(errno, "open /proc");
	if (!path_is_on(iso->proc, PROC_SUPER_MAGIC))
		return fail_plain(EINVAL, "/proc is not a procfs");
	return 0;
}

void child_init(struct isolate *iso)
{
	*iso = (struct isolate){.proc = -1,
				.rootfs = -1,
				.pidfd = -1,
				.join_root = -1,
				.listener = -1};
	for (int i = 0; i < SPEC_NS_KINDS; i++)
		iso->ns_fds[i] = -1;
}

void child_close(struct isolate *iso)
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

int child_prepare(struct isolate *iso, const struct creation *c,
		     const struct spec *spec, const char *rootfs)
{
	const struct spec_linux *l = &spec->linux_;
	bool cgroup_ns = (l->new_namespaces & 1u << SPEC_NS_CGROUP) ||
			 l->ns_paths[SPEC_NS_CGROUP];
	int r;

	iso->spec = spec;
	iso->process = &spec->process;
	iso->id = c->id;
	iso->bundle = c->bundle;
	iso->extra_env = c->extra_env;
	iso->no_pivot = c->options->no_pivot;
	iso->no_new_keyring = c->options->no_new_keyring;
	iso->wait_for_start = c->wait_for_start;
	iso->preserve_fds = c->preserve_fds;
	iso->rootfs_path = rootfs;
	iso->cgroup = c->cg;
	if ((r = child_open_proc(iso)) < 0)
		return r;
	r = iso->rootfs = rootfs_clone(rootfs);
	/* An ordinary user may not; the child may in its namespaces. */
	if (r < 0 && (r != -EPERM || geteuid() == 0))
		return r;
	if ((r = open_sources(iso)) < 0)
		return fail_in(r, "mounts");
	if ((r = ns_open_paths(l, iso->ns_fds)) < 0 ||
	    (r = ns_check_own(spec, iso->ns_fds, iso->proc)) < 0)
		return fail_in(r, "namespaces");
	if (c->cg && has_cgroup_mount(spec) &&
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

int child_spawn(const struct isolate *iso, struct creation *c)
{
	int r = isolate_spawn(iso, &c->child);

	if (r < 0)
		return r;
	r = container_write_pid(c->dir, c->child.pid);
	if (r < 0)
		handshake_kill(&c->child);
	return r;
}

int child_shake_hands(struct creation *c, const struct buf *bpf,
		      unsigned bpf_flags)
{
	struct handshake h = {.child = &c->child,
			      .ops = &creation_ops,
			      .arg = c,
			      .bpf = bpf,
			      .bpf_flags = bpf_flags,
			      .has_hooks = has_parent_hooks(c->spec),
			      .terminal = -1};
	int r;

	/* All else takes a few milliseconds. */
	h.interruptible = c->foreground && (c->options->in_vm || h.has_hooks);
	r = handshake_run(&h, c->wait_for_start);

	c->terminal = h.terminal;
	if (r < 0)
		handshake_kill(&c->child);
	return r;
}
