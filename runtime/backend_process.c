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
#include "lib/path.h"
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
		r = isolate_spawn(&iso, &e->child);
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
