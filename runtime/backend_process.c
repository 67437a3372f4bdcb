/* SPDX-License-Identifier: MIT */
/* The process container: namespaces, cgroups, seccomp, capabilities. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "isolate/handshake.h"
#include "isolate/isolate.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "runtime/backend.h"
#include "runtime/child.h"
#include "runtime/seccomp_cache.h"

/* -- Create --------------------------------------------------------------- */

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

static int process_create(struct creation *c)
{
	_cleanup_(buf_fini) struct buf bpf = {};
	unsigned bpf_flags = 0;
	struct isolate iso;
	int r;

	child_init(&iso);
	r = child_prepare(&iso, c, c->spec, c->rootfs);
	if (r == 0)
		r = child_spawn(&iso, c);
	child_close(&iso);
	if (r < 0)
		return r;
	r = get_filter(c, &bpf, &bpf_flags);
	if (r < 0)
		handshake_kill(&c->child);
	return r < 0 ? r : child_shake_hands(c, &bpf, bpf_flags);
}

/* -- Exec ----------------------------------------------------------------- */

/* The container's cgroup, as *own where it is not the container's to keep. */
static int exec_cgroup(struct execution *e, struct cgroup **own,
		       struct cgroup **cg)
{
	const char *sub = e->options->cgroup;
	const char *path = e->container->record->cgroup;
	int r;

	*cg = NULL;
	if (!path)
		return sub ? fail_plain(ENOENT, "--cgroup: the container has "
						"no cgroup")
			   : 0;
	if (!sub)
		return container_cgroup(e->container, cg);
	r = cgroup_open(path, own);
	if (r == 0)
		r = cgroup_descend(*own, sub);
	*cg = *own;
	return r < 0 ? fail_in(r, "--cgroup") : 0;
}

/*
 * A container that hands controllers down to cgroups of its own has no place
 * for processes in its cgroup any more: they go where init went. A cgroup
 * that was asked for is not replaced.
 */
static int exec_spawn(struct execution *e, struct isolate *iso,
		      struct cgroup **own)
{
	struct container *c = e->container;
	int r = isolate_spawn(iso, &e->child);

	if (r != -EBUSY || !iso->cgroup || *own)
		return r;
	fail_clear();
	r = cgroup_open(c->record->cgroup, own);
	if (r == 0)
		r = cgroup_follow(*own, iso->proc, c->init.pid);
	iso->cgroup = *own;
	return r < 0 ? r : isolate_spawn(iso, &e->child);
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

	child_init(&iso);
	iso.spec = &nothing;
	iso.process = e->process;
	iso.id = c->id;
	iso.extra_env = e->extra_env;
	iso.preserve_fds = e->preserve_fds;
	iso.join_only = true;
	iso.no_new_keyring = true;
	iso.pidfd = c->pidfd;
	iso.join_flags = c->record->join_flags;
	r = child_open_proc(&iso);
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
		r = exec_spawn(e, &iso, &own_cg);
	if (r == 0) {
		r = handshake_run(&h, false);
		e->terminal = h.terminal;
		if (r < 0)
			handshake_kill(&e->child);
	}
	cgroup_close(own_cg);
	child_close(&iso);
	return r;
}

const struct backend backend_process = {
	.name = "container",
	.create = process_create,
	.exec = process_exec,
};
