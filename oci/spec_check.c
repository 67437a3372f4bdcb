/* SPDX-License-Identifier: MIT */
/* What the shape of a config.json cannot say: things that cannot work. */
#include "oci/spec_check.h"

#include <errno.h>
#include <net/if.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "lib/path.h"
#include "oci/spec.h"

#define MAX_ID_MAPS   340 /* lines the kernel takes, user_namespaces(7) */
#define OOM_SCORE_MAX 1000

static bool has_ns(const struct spec *spec, enum spec_namespace ns)
{
	return spec->linux_.new_namespaces & 1U << ns ||
	       spec->linux_.ns_paths[ns];
}

/* -- Process --------------------------------------------------------------- */

static int check_rlimits(const struct spec_process *p, const char *at)
{
	for (size_t i = 0; i < p->n_rlimits; i++)
		if (p->rlimits[i].soft > p->rlimits[i].hard)
			return fail_plain(EINVAL,
					  "%s/rlimits/%zu: soft limit above "
					  "the hard limit",
					  at, i);
	return 0;
}

int spec_check_process(const struct spec_process *p, const char *at)
{
	if (*p->cwd != '/')
		return fail_plain(EINVAL, "%s/cwd: \"%s\" is not absolute", at,
				  p->cwd);
	if (!p->args)
		return fail_plain(EINVAL, "%s/args: must not be empty", at);
	if (!*p->args[0])
		return fail_plain(EINVAL, "%s/args/0: must not be empty", at);
	for (size_t i = 0; p->env[i]; i++)
		if (!strchr(p->env[i], '=') || *p->env[i] == '=')
			log_debug("%s/env/%zu: \"%s\" is not NAME=VALUE", at, i,
				  p->env[i]);
	if (p->oom_score_adj < -OOM_SCORE_MAX ||
	    p->oom_score_adj > OOM_SCORE_MAX)
		return fail_plain(
			EINVAL, "%s/oomScoreAdj: %d is not in %d to %d", at,
			p->oom_score_adj, -OOM_SCORE_MAX, OOM_SCORE_MAX);
	if ((p->console_height || p->console_width) && !p->terminal)
		log_debug("%s/consoleSize: there is no terminal", at);
	return check_rlimits(p, at);
}

/* -- User namespace -------------------------------------------------------- */

/* Whether the ranges [a, a + n) and [b, b + m) share a number. */
static bool overlap(uint64_t a, uint64_t n, uint64_t b, uint64_t m)
{
	return a < b + m && b < a + n;
}

static int check_id_maps(const struct spec_id_map *maps, size_t n,
			 const char *at)
{
	if (n > MAX_ID_MAPS)
		return fail_plain(EINVAL, "%s: more than %d ranges", at,
				  MAX_ID_MAPS);
	for (size_t i = 0; i < n; i++) {
		const struct spec_id_map *a = &maps[i];

		/* UINT32_MAX is "no id" and never part of a range. */
		if (!a->size || a->size > UINT32_MAX - a->container_id ||
		    a->size > UINT32_MAX - a->host_id)
			return fail_plain(EINVAL,
					  "%s/%zu: size %u is out of range", at,
					  i, a->size);
		for (size_t j = 0; j < i; j++) {
			const struct spec_id_map *b = &maps[j];

			if (overlap(a->container_id, a->size, b->container_id,
				    b->size) ||
			    overlap(a->host_id, a->size, b->host_id, b->size))
				return fail_plain(EINVAL,
						  "%s/%zu: overlaps with %zu",
						  at, i, j);
		}
	}
	return 0;
}

static int check_user_ns(const struct spec *spec)
{
	const struct spec_linux *l = &spec->linux_;

	if ((l->n_uid_mappings || l->n_gid_mappings) &&
	    !has_ns(spec, SPEC_NS_USER))
		return fail_plain(EINVAL, "/linux/%s: needs a user namespace",
				  l->n_uid_mappings ? "uidMappings"
						    : "gidMappings");

	int r = check_id_maps(l->uid_mappings, l->n_uid_mappings,
			      "/linux/uidMappings");

	return r < 0 ? r
		     : check_id_maps(l->gid_mappings, l->n_gid_mappings,
				     "/linux/gidMappings");
}

/* -- Other namespaces ------------------------------------------------------ */

static int check_namespaces(const struct spec *spec)
{
	const struct spec_linux *l = &spec->linux_;

	if (!has_ns(spec, SPEC_NS_MOUNT))
		return fail_plain(EINVAL, "/linux/namespaces: there is no "
					  "mount namespace, so the host's "
					  "mounts would be changed");
	if (!has_ns(spec, SPEC_NS_UTS) && (spec->hostname || spec->domainname))
		return fail_plain(EINVAL, "/%s: needs a uts namespace",
				  spec->hostname ? "hostname" : "domainname");
	if ((l->monotonic.has || l->boottime.has) &&
	    !(l->new_namespaces & 1U << SPEC_NS_TIME))
		return fail_plain(EINVAL, "/linux/timeOffsets: needs a new "
					  "time namespace");
	if (l->n_net_devices && !has_ns(spec, SPEC_NS_NET))
		return fail_plain(EINVAL, "/linux/netDevices: needs a network "
					  "namespace");
	return 0;
}

static bool is_interface(const char *name)
{
	return *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "/: \t\n") &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int check_net_devices(const struct spec_linux *l)
{
	for (size_t i = 0; i < l->n_net_devices; i++) {
		const struct spec_net_device *d = &l->net_devices[i];

		if (!is_interface(d->host_name) ||
		    !is_interface(d->container_name))
			return fail_plain(EINVAL,
					  "/linux/netDevices: \"%s\" or \"%s\""
					  " is no interface",
					  d->host_name, d->container_name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(l->net_devices[j].container_name,
				   d->container_name) == 0)
				return fail_plain(EINVAL,
						  "/linux/netDevices: two are "
						  "named \"%s\"",
						  d->container_name);
	}
	return 0;
}

/* -- Paths ----------------------------------------------------------------- */

static int check_absolute(char *const *paths, const char *at)
{
	for (size_t i = 0; paths[i]; i++)
		if (*paths[i] != '/')
			return fail_plain(EINVAL,
					  "%s/%zu: \"%s\" is not absolute", at,
					  i, paths[i]);
	return 0;
}

static int check_paths(const struct spec *spec)
{
	const struct spec_linux *l = &spec->linux_;
	int r = check_absolute(l->masked_paths, "/linux/maskedPaths");

	if (r == 0)
		r = check_absolute(l->readonly_paths, "/linux/readonlyPaths");
	if (r < 0)
		return r;
	if (!*spec->root_path)
		return fail_plain(EINVAL, "/root/path: must not be empty");
	for (size_t i = 0; i < l->n_devices; i++)
		if (*l->devices[i].path != '/')
			return fail_plain(EINVAL,
					  "/linux/devices/%zu/path: \"%s\" is "
					  "not absolute",
					  i, l->devices[i].path);
	if (l->cgroups_path && path_has_dotdot(l->cgroups_path))
		return fail_plain(EINVAL,
				  "/linux/cgroupsPath: \"%s\" contains \"..\"",
				  l->cgroups_path);
	return 0;
}

static int check_mount(const struct spec *spec, const struct spec_mount *m,
		       size_t i)
{
	char at[64];

	if (!m->id_mapped)
		return 0;
	if (!m->n_uid_mappings != !m->n_gid_mappings)
		return fail_plain(EINVAL,
				  "/mounts/%zu: only one of "
				  "uidMappings and gidMappings",
				  i);
	if (!m->n_uid_mappings && !has_ns(spec, SPEC_NS_USER))
		return fail_plain(EINVAL,
				  "/mounts/%zu: idmap needs mappings "
				  "or a user namespace",
				  i);
	snprintf(at, sizeof(at), "/mounts/%zu/uidMappings", i);

	int r = check_id_maps(m->uid_mappings, m->n_uid_mappings, at);

	snprintf(at, sizeof(at), "/mounts/%zu/gidMappings", i);
	return r < 0 ? r
		     : check_id_maps(m->gid_mappings, m->n_gid_mappings, at);
}

static int check_mounts(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		int r = check_mount(spec, &spec->mounts[i], i);

		if (r < 0)
			return r;
	}
	return 0;
}

/* -- Seccomp, RDT, VM ------------------------------------------------------ */

static int check_seccomp(const struct spec_seccomp *s)
{
	bool notifies = false;

	if (s->default_action == SCMP_ACT_NOTIFY)
		return fail_plain(EINVAL, "/linux/seccomp/defaultAction: "
					  "SCMP_ACT_NOTIFY for everything "
					  "would stop the container");
	for (size_t i = 0; i < s->n_rules; i++)
		notifies |= s->rules[i].action == SCMP_ACT_NOTIFY;
	if (notifies && !s->listener_path)
		return fail_plain(EINVAL, "/linux/seccomp: SCMP_ACT_NOTIFY "
					  "needs a listenerPath");
	if (!notifies && s->listener_path)
		return fail_plain(EINVAL, "/linux/seccomp/listenerPath: no "
					  "rule has SCMP_ACT_NOTIFY");
	if (s->listener_metadata && !s->listener_path)
		return fail_plain(EINVAL, "/linux/seccomp/listenerMetadata: "
					  "there is no listenerPath");
	return 0;
}

static int check_rdt(const struct spec_intel_rdt *rdt)
{
	const char *id = rdt->clos_id;

	/* "/" is the default class; any other name is one directory. */
	if (id && strcmp(id, "/") != 0 &&
	    (strchr(id, '/') || strcmp(id, ".") == 0 || strcmp(id, "..") == 0))
		return fail_plain(EINVAL,
				  "/linux/intelRdt/closID: \"%s\" is no name",
				  id);
	return 0;
}

static int check_vm(const struct spec_vm *vm)
{
	const struct {
		const char *path, *at;
	} paths[] = {
		{vm->hypervisor_path, "hypervisor/path"},
		{vm->kernel_path, "kernel/path"},
		{vm->kernel_initrd, "kernel/initrd"},
		{vm->image_path, "image/path"},
		{vm->device_tree, "hwConfig/deviceTree"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (paths[i].path && *paths[i].path != '/')
			return fail_plain(EINVAL,
					  "/vm/%s: \"%s\" is not absolute",
					  paths[i].at, paths[i].path);
	return 0;
}

int spec_check(const struct spec *spec)
{
	const struct spec_linux *l = &spec->linux_;
	int r = spec->has_process
			? spec_check_process(&spec->process, "/process")
			: 0;

	if (r == 0)
		r = check_namespaces(spec);
	if (r == 0)
		r = check_user_ns(spec);
	if (r == 0)
		r = check_net_devices(l);
	if (r == 0)
		r = check_paths(spec);
	if (r == 0)
		r = check_mounts(spec);
	if (r == 0)
		r = spec_check_sysctls(spec);
	if (r == 0)
		r = spec_check_resources(&spec->linux_.resources);
	if (r == 0 && l->seccomp)
		r = check_seccomp(l->seccomp);
	if (r == 0 && l->intel_rdt)
		r = check_rdt(l->intel_rdt);
	if (r == 0 && spec->vm)
		r = check_vm(spec->vm);
	return r;
}
