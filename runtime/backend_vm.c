/* SPDX-License-Identifier: MIT */
/* The micro-VM: the same bundle, with a kernel of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "lib/wire.h"
#include "oci/spec_vm.h"
#include "runtime/agent_abi.h"
#include "runtime/backend.h"
#include "runtime/child.h"
#include "runtime/vmm.h"

#define EXPORT_DIR "export" /* in the state directory: the jail's root */

/* What CREATE tells the guest. */
static int put_create(const struct creation *c, struct buf *b)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	wire_put_str(b, AGENT_CREATE_ID, c->id);
	wire_put_str(b, AGENT_CREATE_BUNDLE, c->bundle);
	wire_put(b, AGENT_CREATE_CONFIG, c->spec->text, c->spec->text_bytes);
	for (char **env = c->extra_env; env && *env; env++)
		wire_put_str(b, AGENT_CREATE_ENV, *env);
	wire_put_u64(b, AGENT_CREATE_TIME,
		     (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	return b->failed ? fail(ENOMEM, "virtual machine") : 0;
}

/* Words that the spec's vm object has for the kernel. */
static int put_parameters(const struct spec *spec, struct buf *b)
{
	char **list = spec->vm ? spec->vm->kernel_parameters : NULL;

	for (size_t i = 0; list && list[i]; i++)
		buf_printf(b, "%s%s", i ? " " : "", list[i]);
	return b->failed ? fail(ENOMEM, "kernel parameters") : 0;
}

static char *make_export(const struct creation *c)
{
	char *path;

	if (mkdirat(c->dir, EXPORT_DIR, 0700) < 0) {
		fail(errno, "make the exported directory");
		return NULL;
	}
	if (asprintf(&path, "%s/%s/%s", c->store->path, c->id, EXPORT_DIR) < 0)
		return NULL;
	return path;
}

/* Everything is there: the child is made, and becomes the VMM. */
static int spawn(struct creation *c, struct vmm *v, const char *export)
{
	const struct isolate_inside inside = {
		.before_root = vmm_before_root, .run = vmm_run, .arg = v};
	static const struct buf no_filter;
	struct spec jail = {};
	struct isolate iso;
	int r = spec_vm_jail(c->spec, c->rootfs, &jail);

	child_init(&iso);
	jail.root_path = export;
	if (r == 0)
		r = child_prepare(&iso, c, &jail, export);
	iso.inside = &inside;
	v->listener = iso.listener;
	if (r == 0)
		r = child_spawn(&iso, c);
	child_close(&iso);
	return r < 0 ? r : child_shake_hands(c, &no_filter, 0);
}

static int vm_create(struct creation *c)
{
	_cleanup_(buf_fini) struct buf parameters = {};
	struct vmm v = {
		.terminal = c->spec->process.terminal,
		.debug = log_would(LOG_LEVEL_DEBUG),
		.listener = -1,
	};
	_cleanup_free_ char *export = make_export(c);
	int r = export ? vm_choose(&v.choice, c->spec, c->options) : -errno;

	if (r == 0)
		r = put_create(c, &v.create);
	if (r == 0)
		r = put_parameters(c->spec, &parameters);
	v.parameters = parameters.data;
	if (r == 0)
		r = spawn(c, &v, export);
	vm_choice_fini(&v.choice);
	buf_fini(&v.create);
	return r < 0 ? fail_in(r, "virtual machine") : 0;
}

static int vm_exec(struct execution *e)
{
	(void)e;
	return fail_plain(EOPNOTSUPP,
			  "exec into a micro-VM is not supported yet");
}

const struct backend backend_vm = {
	.name = "vm",
	.create = vm_create,
	.exec = vm_exec,
};

const struct backend *backend_of(const struct container *c)
{
	return c->record->in_vm ? &backend_vm : &backend_process;
}
