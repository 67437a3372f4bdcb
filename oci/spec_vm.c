/* SPDX-License-Identifier: MIT */
/* The two halves of a spec that runs in a micro-VM: the jail's, and the guest's. */
#include "oci/spec_vm.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

/* File systems whose content the guest's kernel makes up by itself. */
static const char *const guest_types[] = {
	"proc",	     "sysfs",	  "tmpfs",    "devpts",	   "mqueue",
	"cgroup2",   "devtmpfs",  "ramfs",    "hugetlbfs", "debugfs",
	"tracefs",   "securityfs", "configfs", "fusectl",   "bpf",
	"binfmt_misc",
};

bool spec_vm_is_hosts(const struct spec_mount *m)
{
	if (m->kind == SPEC_MOUNT_BIND)
		return true;
	if (m->kind != SPEC_MOUNT_FS)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(guest_types); i++)
		if (strcmp(m->type, guest_types[i]) == 0)
			return false;
	return true;
}

/* -- The guest ------------------------------------------------------------ */

static int take_from_share(struct spec *spec, size_t i, const char *share)
{
	struct spec_mount *m = &spec->mounts[i];

	if (!spec_vm_is_hosts(m))
		return 0;
	m->kind = SPEC_MOUNT_BIND;
	m->type = "";
	m->source = arena_printf(&spec->arena, "%s/mounts/%zu", share, i);
	m->recursive = true;
	/* Done on the host's side of it. */
	m->sb_flags = 0;
	m->n_options = 0;
	m->id_mapped = m->id_mapped_recursive = false;
	m->n_uid_mappings = m->n_gid_mappings = 0;
	return m->source ? 0 : fail(ENOMEM, "mounts");
}

/*
 * The guest has one network namespace, its user ids are those that the jail's
 * user namespace gave the file server, and there is nobody to be joined.
 */
static void guest_namespaces(struct spec_linux *l)
{
	for (int kind = 0; kind < SPEC_NS_KINDS; kind++)
		if (l->ns_paths[kind]) {
			l->ns_paths[kind] = NULL;
			l->new_namespaces |= 1u << kind;
		}
	l->new_namespaces &= ~(1u << SPEC_NS_USER | 1u << SPEC_NS_NET);
	l->new_namespaces |= 1u << SPEC_NS_MOUNT;
	l->n_uid_mappings = l->n_gid_mappings = 0;
	l->n_net_devices = 0;
}

/* Memory, CPU and I/O are those of the machine, which the host limits. */
static void guest_resources(struct spec_resources *res)
{
	const struct spec_resources all = *res;

	*res = (struct spec_resources){
		.devices = all.devices,
		.n_devices = all.n_devices,
		.has_pids_limit = all.has_pids_limit,
		.pids_limit = all.pids_limit,
	};
}

int spec_vm_guest(struct spec *spec, const char *share)
{
	struct spec_linux *l = &spec->linux_;
	int r = 0;

	for (int k = 0; k < SPEC_HOOK_KINDS; k++)
		if (k != SPEC_HOOK_START_CONTAINER)
			spec->hooks[k] = (struct spec_hooks){};
	for (size_t i = 0; r == 0 && i < spec->n_mounts; i++)
		r = take_from_share(spec, i, share);
	guest_namespaces(l);
	guest_resources(&l->resources);
	l->intel_rdt = NULL;
	l->has_memory_policy = false;
	/* Labels are words of the host's policy. */
	l->mount_label = NULL;
	spec->process.apparmor_profile = NULL;
	spec->process.selinux_label = NULL;
	spec->root_path = arena_printf(&spec->arena, "%s/rootfs", share);
	if (r == 0 && !spec->root_path)
		r = fail(ENOMEM, "root");
	return r;
}

/* -- The jail ------------------------------------------------------------- */

#define CAP(name) (1ULL << CAP_##name)

/* What a file server needs that acts for every user of the guest. */
#define FILE_SERVER_CAPS                                                       \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | \
	 CAP(FSETID) | CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) |          \
	 CAP(SETFCAP) | CAP(MKNOD))

static struct spec_mount jail_bind(const char *source, const char *destination)
{
	return (struct spec_mount){
		.kind = SPEC_MOUNT_BIND,
		.type = "",
		.source = source,
		.destination = destination,
		.recursive = true,
	};
}

static struct spec_mount jail_devpts(void)
{
	static const struct spec_fs_option options[] = {
		{"newinstance", NULL},
		{"ptmxmode", "0666"},
		{"mode", "0620"},
	};

	return (struct spec_mount){
		.kind = SPEC_MOUNT_FS,
		.type = "devpts",
		.source = "devpts",
		.destination = "/dev/pts",
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.options = (struct spec_fs_option *)options,
		.n_options = ARRAY_SIZE(options),
	};
}

static int jail_mounts(struct spec *spec, const char *rootfs,
		       struct spec *jail)
{
	size_t n = 0;

	jail->mounts = arena_array(&spec->arena, spec->n_mounts + 2,
				   sizeof(*jail->mounts));
	if (!jail->mounts)
		return fail(ENOMEM, "mounts");
	jail->mounts[n++] = jail_bind(rootfs, "/rootfs");
	if (spec->root_readonly)
		jail->mounts[0].rec_attr_set = MOUNT_ATTR_RDONLY;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &jail->mounts[n];

		if (!spec_vm_is_hosts(&spec->mounts[i]))
			continue;
		*m = spec->mounts[i];
		m->destination = arena_printf(&spec->arena, "/mounts/%zu", i);
		if (!m->destination)
			return fail(ENOMEM, "mounts");
		n++;
	}
	if (spec->process.terminal)
		jail->mounts[n++] = jail_devpts();
	jail->n_mounts = n;
	return 0;
}

static void jail_process(const struct spec_process *of, struct spec_process *p)
{
	p->terminal = of->terminal;
	p->console_height = of->console_height;
	p->console_width = of->console_width;
	p->cwd = "/";
	p->has_capabilities = true;
	p->capabilities.bounding = FILE_SERVER_CAPS;
	p->capabilities.permitted = FILE_SERVER_CAPS;
	p->capabilities.effective = FILE_SERVER_CAPS;
	p->no_new_privileges = true;
	p->apparmor_profile = of->apparmor_profile;
	p->selinux_label = of->selinux_label;
	p->has_oom_score_adj = of->has_oom_score_adj;
	p->oom_score_adj = of->oom_score_adj;
	p->has_scheduler = of->has_scheduler;
	p->scheduler = of->scheduler;
	p->has_io_priority = of->has_io_priority;
	p->io_priority = of->io_priority;
}

int spec_vm_jail(struct spec *spec, const char *rootfs, struct spec *jail)
{
	struct spec_linux *l = &jail->linux_;
	char **none = arena_array(&spec->arena, 1, sizeof(*none));

	if (!none)
		return fail(ENOMEM, "config.json");
	jail->oci_version = spec->oci_version;
	jail->root_path = rootfs;
	jail->root_readonly = true;
	jail->annotations = spec->annotations;
	jail->n_annotations = spec->n_annotations;
	for (int k = SPEC_HOOK_PRESTART; k <= SPEC_HOOK_CREATE_CONTAINER; k++)
		jail->hooks[k] = spec->hooks[k];
	*l = spec->linux_;
	l->new_namespaces |= 1u << SPEC_NS_MOUNT;
	/* The guest has pids of its own, and what is in a pid namespace of
	 * others lies open to them. */
	l->ns_paths[SPEC_NS_PID] = NULL;
	l->new_namespaces |= 1u << SPEC_NS_PID;
	l->n_devices = l->n_sysctl = 0;
	l->seccomp = NULL;
	l->masked_paths = l->readonly_paths = none;
	l->has_personality = false;
	jail->has_process = true;
	jail->process.args = jail->process.env = none;
	jail_process(&spec->process, &jail->process);
	return jail_mounts(spec, rootfs, jail);
}
