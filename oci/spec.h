/* SPDX-License-Identifier: MIT */
/* The runtime-spec's config.json as one constant tree of kernel numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <sys/types.h>

#include "lib/arena.h"

/*
 * Filled by oci/spec_parse.c, checked by oci/spec_check.c, const from then
 * on. Names of the runtime-spec (1.3, config.md and config-linux.md) hold for
 * the members. All pointers lead into the arena; arrays of strings end with
 * NULL (and are never NULL themselves where the spec requires them), other
 * arrays come with a count n_*. A zeroed member is an absent one; where 0 is
 * a value a has_ flag tells. Words of the spec have become the kernel's
 * numbers: nothing behind oci/ compares strings.
 */

/* -- Process -------------------------------------------------------------- */

struct spec_user {
	uid_t uid;
	gid_t gid;
	bool has_umask;
	mode_t umask;
	gid_t *additional_gids;
	size_t n_additional_gids;
};

/* Capability sets as bit masks: bit n is capability n (CAP_*). */
struct spec_capabilities {
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct spec_rlimit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

/* sched_setattr(2) */
struct spec_scheduler {
	uint32_t policy; /* SCHED_* */
	int32_t nice;
	uint32_t priority;
	uint64_t flags; /* SCHED_FLAG_* */
	uint64_t runtime_ns, deadline_ns, period_ns;
};

struct spec_cpu_set {
	uint32_t *cpus; /* ascending */
	size_t n_cpus;
};

struct spec_process {
	bool terminal;
	uint16_t console_height, console_width; /* 0: not given */
	struct spec_user user;
	char **args; /* NULL when the process has none */
	char **env;
	const char *cwd;
	bool has_capabilities; /* absent: all sets empty */
	struct spec_capabilities capabilities;
	struct spec_rlimit *rlimits;
	size_t n_rlimits;
	bool no_new_privileges;
	const char *apparmor_profile;
	const char *selinux_label;
	bool has_oom_score_adj;
	int oom_score_adj;
	bool has_scheduler;
	struct spec_scheduler scheduler;
	bool has_io_priority;
	int io_priority; /* ioprio_set(2) value: class and level */
	bool has_exec_cpu_affinity;
	struct spec_cpu_set exec_cpu_initial, exec_cpu_final;
};

/* -- Mounts --------------------------------------------------------------- */

enum spec_mount_kind {
	SPEC_MOUNT_FS, /* a file system of `type` */
	SPEC_MOUNT_BIND, /* bind or rbind of `source` */
	SPEC_MOUNT_CGROUP, /* type cgroup: the container's own view */
	SPEC_MOUNT_ATTRS, /* remount, or propagation only, of destination */
};

struct spec_id_map {
	uint32_t container_id, host_id, size;
};

/* A file system option: KEY or KEY=VALUE, for fsconfig(2). */
struct spec_fs_option {
	const char *key;
	const char *value; /* NULL: a flag */
};

struct spec_mount {
	enum spec_mount_kind kind;
	const char *destination; /* as written; relative means below / */
	const char *type; /* "" for a bind without one */
	const char *source; /* never NULL; relative bind sources are made
			       absolute against the bundle by spec_load */
	bool recursive; /* rbind */
	/* MOUNT_ATTR_* of mount_setattr(2): this mount, and all below it */
	uint64_t attr_set, attr_clear;
	uint64_t rec_attr_set, rec_attr_clear;
	unsigned long sb_flags; /* MS_SYNCHRONOUS, MS_DIRSYNC, MS_LAZYTIME,
				   MS_MANDLOCK, MS_SILENT, MS_I_VERSION,
				   MS_RDONLY */
	unsigned long propagation[4]; /* MS_SHARED … with MS_REC, in order */
	size_t n_propagation;
	struct spec_fs_option *options; /* what is left for the file system */
	size_t n_options;
	bool copy_up; /* tmpcopyup: fill the tmpfs from what it hides */
	bool id_mapped, id_mapped_recursive;
	struct spec_id_map *uid_mappings, *gid_mappings; /* none: the
				container's own when id_mapped */
	size_t n_uid_mappings, n_gid_mappings;
};

/* -- Hooks ---------------------------------------------------------------- */

struct spec_hook {
	const char *path;
	char **args; /* never NULL; {path, NULL} when not given */
	char **env;
	unsigned timeout_s; /* 0: none */
};

/* In the order in which they run. */
enum spec_hook_kind {
	SPEC_HOOK_PRESTART, /* runtime namespace, after create */
	SPEC_HOOK_CREATE_RUNTIME, /* runtime namespace, after prestart */
	SPEC_HOOK_CREATE_CONTAINER, /* container namespace, before pivot */
	SPEC_HOOK_START_CONTAINER, /* container namespace, before exec */
	SPEC_HOOK_POSTSTART, /* runtime namespace, after exec */
	SPEC_HOOK_POSTSTOP, /* runtime namespace, after delete */
	SPEC_HOOK_KINDS,
};

struct spec_hooks {
	struct spec_hook *hooks;
	size_t n_hooks;
};

/* -- Linux ---------------------------------------------------------------- */

enum spec_namespace {
	SPEC_NS_USER, /* in the order in which they are joined */
	SPEC_NS_CGROUP,
	SPEC_NS_IPC,
	SPEC_NS_UTS,
	SPEC_NS_NET,
	SPEC_NS_PID,
	SPEC_NS_TIME,
	SPEC_NS_MOUNT,
	SPEC_NS_KINDS,
};

/* timens_offsets of one clock; has_ tells whether it is to be written. */
struct spec_time_offset {
	bool has;
	int64_t secs;
	uint32_t nanosecs;
};

struct spec_device {
	const char *path;
	mode_t type; /* S_IFCHR, S_IFBLK, S_IFIFO */
	unsigned major, minor;
	mode_t mode; /* permission bits; 0666 when not given */
	uid_t uid;
	gid_t gid;
};

enum spec_device_access {
	SPEC_DEVICE_READ = 1, /* 'r' */
	SPEC_DEVICE_WRITE = 2, /* 'w' */
	SPEC_DEVICE_MKNOD = 4, /* 'm' */
};

struct spec_device_rule {
	bool allow;
	char type; /* 'a', 'b' or 'c' */
	int64_t major, minor; /* -1: all */
	unsigned access; /* enum spec_device_access */
};

struct spec_key_value {
	const char *key, *value;
};

struct spec_weight_device {
	unsigned major, minor;
	bool has_weight, has_leaf_weight;
	uint16_t weight, leaf_weight;
};

struct spec_throttle_device {
	unsigned major, minor;
	uint64_t rate;
};

enum spec_throttle {
	SPEC_THROTTLE_READ_BPS,
	SPEC_THROTTLE_WRITE_BPS,
	SPEC_THROTTLE_READ_IOPS,
	SPEC_THROTTLE_WRITE_IOPS,
	SPEC_THROTTLE_KINDS,
};

struct spec_hugepage_limit {
	const char *page_size; /* "2MB", "1GB": the kernel's file name part */
	uint64_t limit_bytes;
};

struct spec_rdma {
	const char *device;
	bool has_hca_handles, has_hca_objects;
	uint32_t hca_handles, hca_objects;
};

struct spec_net_priority {
	const char *interface;
	uint32_t priority;
};

/* Limits of linux.resources; -1 means "max" where the spec says so. */
struct spec_memory {
	bool has_limit, has_reservation, has_swap, has_kernel, has_kernel_tcp;
	int64_t limit, reservation, swap, kernel, kernel_tcp; /* bytes */
	bool has_swappiness;
	uint64_t swappiness;
	bool has_disable_oom_killer, disable_oom_killer;
	bool has_use_hierarchy, use_hierarchy;
	bool check_before_update;
};

struct spec_cpu {
	bool has_shares, has_quota, has_burst, has_period, has_rt_runtime,
		has_rt_period, has_idle;
	uint64_t shares, burst_us, period_us, rt_period_us;
	int64_t quota_us, rt_runtime_us, idle;
	const char *cpus, *mems; /* lists as in cpuset(7); NULL: not given */
};

struct spec_block_io {
	bool has_weight, has_leaf_weight;
	uint16_t weight, leaf_weight;
	struct spec_weight_device *weight_devices;
	size_t n_weight_devices;
	struct spec_throttle_device *throttle[SPEC_THROTTLE_KINDS];
	size_t n_throttle[SPEC_THROTTLE_KINDS];
};

struct spec_resources {
	struct spec_device_rule *devices; /* in order; later ones win */
	size_t n_devices;
	struct spec_memory memory;
	struct spec_cpu cpu;
	bool has_pids_limit;
	int64_t pids_limit; /* -1: max; 0 is a limit of none */
	struct spec_block_io block_io;
	struct spec_hugepage_limit *hugepage_limits;
	size_t n_hugepage_limits;
	bool has_net_class_id;
	uint32_t net_class_id;
	struct spec_net_priority *net_priorities;
	size_t n_net_priorities;
	struct spec_rdma *rdma;
	size_t n_rdma;
	struct spec_key_value *unified; /* cgroup v2 file names and values */
	size_t n_unified;
};

/* -- Seccomp -------------------------------------------------------------- */

/* Actions, operators and architectures are libseccomp's numbers. */
struct spec_seccomp_arg {
	unsigned index; /* 0 to 5 */
	uint64_t value, value_two;
	int op; /* enum scmp_compare */
};

struct spec_syscall_rule {
	char **names;
	uint32_t action; /* SCMP_ACT_*, with errnoRet in it */
	struct spec_seccomp_arg *args;
	size_t n_args;
};

struct spec_seccomp {
	uint32_t default_action; /* SCMP_ACT_*, with defaultErrnoRet in it */
	uint32_t *architectures; /* SCMP_ARCH_*; none: native only */
	size_t n_architectures;
	unsigned flags; /* SECCOMP_FILTER_FLAG_* */
	const char *listener_path, *listener_metadata;
	struct spec_syscall_rule *rules;
	size_t n_rules;
};

/* -- Linux, whole --------------------------------------------------------- */

struct spec_net_device {
	const char *host_name, *container_name;
};

struct spec_intel_rdt {
	const char *clos_id; /* NULL: the container's id */
	const char *l3_cache_schema, *mem_bw_schema;
	char **schemata;
	bool enable_monitoring;
};

struct spec_linux {
	unsigned new_namespaces; /* bit 1 << SPEC_NS_*: make a new one */
	const char *ns_paths[SPEC_NS_KINDS]; /* join this one; NULL: don't */
	struct spec_id_map *uid_mappings, *gid_mappings;
	size_t n_uid_mappings, n_gid_mappings;
	struct spec_time_offset monotonic, boottime;
	struct spec_device *devices;
	size_t n_devices;
	struct spec_net_device *net_devices;
	size_t n_net_devices;
	const char *cgroups_path; /* NULL: not given */
	bool has_resources;
	struct spec_resources resources;
	struct spec_intel_rdt *intel_rdt;
	struct spec_key_value *sysctl; /* key as a path below /proc/sys */
	size_t n_sysctl;
	struct spec_seccomp *seccomp;
	unsigned long rootfs_propagation; /* MS_* with MS_REC; 0: not given */
	char **masked_paths, **readonly_paths; /* never NULL */
	const char *mount_label;
	bool has_personality;
	unsigned long personality; /* PER_* */
	bool has_memory_policy;
	unsigned memory_policy_mode; /* MPOL_* with MPOL_F_* */
	struct spec_cpu_set memory_policy_nodes;
};

/* -- vm (config-vm.md) ---------------------------------------------------- */

struct spec_vm {
	const char *hypervisor_path;
	char **hypervisor_parameters;
	const char *kernel_path, *kernel_initrd;
	char **kernel_parameters;
	const char *image_path, *image_format;
	const char *device_tree;
	uint32_t vcpus;
	uint64_t memory_bytes;
};

/* -- The whole ------------------------------------------------------------ */

struct spec {
	struct arena arena; /* owns everything below */
	const char *text; /* config.json as read, for the guest of a VM */
	size_t text_bytes;
	const char *oci_version;
	const char *root_path; /* as written */
	bool root_readonly;
	const char *hostname, *domainname; /* NULL: not given */
	bool has_process;
	struct spec_process process;
	struct spec_mount *mounts;
	size_t n_mounts;
	struct spec_hooks hooks[SPEC_HOOK_KINDS];
	struct spec_key_value *annotations;
	size_t n_annotations;
	struct spec_linux linux_;
	struct spec_vm *vm; /* NULL: not given */
};

#define SPEC_MAX_BYTES (16 << 20) /* a larger config.json is refused */
#define SPEC_MAX_DEPTH 64 /* nesting of arrays and objects */

/*
 * Parses text (borrowed, may be freed afterwards) as a config.json.
 * what: the name put before error texts, "config.json".
 * Returns 0 and *out, to be freed with spec_free(), or -errno with fail()
 * text "config.json: /process/user/uid: …". Any process; no other effect.
 */
int spec_parse(const char *text, size_t len, const char *what,
	       struct spec **out);

/*
 * Parses text as a process object (exec --process). Its memory is in *arena,
 * which the caller frees. Returns 0 or -errno with fail() text.
 */
int spec_parse_process(const char *text, size_t len, const char *what,
		       struct arena *arena, struct spec_process *out);

/*
 * Parses text as a linux.resources object (update --resources) into *out, as
 * it is in a config.json, and adds to what *out holds already. Its memory is
 * in *arena, which the caller frees. Returns 0 or -errno with fail() text.
 */
int spec_parse_resources(const char *text, size_t len, const char *what,
			 struct arena *arena, struct spec_resources *out);

/*
 * Checks what the shape cannot say: things that contradict each other or
 * cannot work (hostname without a uts namespace, overlapping id maps, a
 * sysctl that has no namespace, …). Returns 0 or -errno with fail() text.
 */
int spec_check(const struct spec *spec);

/* The same for one process object; at: its JSON pointer, "/process". */
int spec_check_process(const struct spec_process *process, const char *at);

/* The same for linux.resources. Returns 0 or -errno with fail() text. */
int spec_check_resources(const struct spec_resources *res);

/*
 * Reads, parses and checks BUNDLE/config.json; file: another name for it
 * (relative to the bundle, or absolute); NULL means config.json. Relative
 * bind sources become absolute against bundle (an absolute path).
 * Returns 0 and *out, or -errno with fail() text.
 */
int spec_load(const char *bundle, const char *file, struct spec **out);

/* Frees the spec; NULL is fine. */
void spec_free(struct spec *spec);

/* The value of an annotation; NULL when there is none. */
const char *spec_annotation(const struct spec *spec, const char *key);

/* The namespace that a key of linux.sysctl belongs to; -1: none. */
int spec_sysctl_namespace(const char *key);
