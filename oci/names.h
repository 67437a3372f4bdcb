/* SPDX-License-Identifier: MIT */
/* The words of the runtime-spec and the kernel numbers they stand for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word of the spec and its number. Tables end with a NULL name. */
struct name {
	const char *name;
	uint64_t number;
};

/* What a mount option does; see struct spec_mount. */
enum mount_option_effect {
	MOUNT_OPTION_ATTR_SET, /* MOUNT_ATTR_* set */
	MOUNT_OPTION_ATTR_CLEAR, /* MOUNT_ATTR_* cleared */
	MOUNT_OPTION_ATIME, /* one of the MOUNT_ATTR__ATIME values */
	MOUNT_OPTION_SB_SET, /* superblock MS_* flag set */
	MOUNT_OPTION_SB_CLEAR, /* superblock MS_* flag cleared */
	MOUNT_OPTION_PROPAGATION, /* MS_SHARED … with MS_REC */
	MOUNT_OPTION_BIND, /* bind, rbind */
	MOUNT_OPTION_REMOUNT,
	MOUNT_OPTION_COPY_UP,
	MOUNT_OPTION_ID_MAP, /* idmap, ridmap */
	MOUNT_OPTION_NOTHING, /* defaults and the like */
};

struct mount_option {
	const char *name;
	enum mount_option_effect effect;
	uint64_t value;
	int recursive; /* the r-variant */
};

extern const struct name names_capabilities[]; /* "CAP_CHOWN" → CAP_CHOWN */
extern const struct name names_rlimits[]; /* "RLIMIT_NOFILE" */
extern const struct name names_namespaces[]; /* "mount" → SPEC_NS_MOUNT */
extern const struct name names_hooks[]; /* "prestart" → SPEC_HOOK_PRESTART */
extern const struct name names_propagation[]; /* rootfsPropagation */
extern const struct name names_sched_policies[]; /* "SCHED_OTHER" */
extern const struct name names_sched_flags[]; /* "SCHED_FLAG_RECLAIM" */
extern const struct name names_io_classes[]; /* "IOPRIO_CLASS_BE" */
extern const struct name names_personalities[]; /* "LINUX32" */
extern const struct name names_seccomp_actions[]; /* "SCMP_ACT_ERRNO" */
extern const struct name names_seccomp_operators[]; /* "SCMP_CMP_EQ" */
extern const struct name names_seccomp_archs[]; /* "SCMP_ARCH_X86_64" */
extern const struct name names_seccomp_flags[]; /* "SECCOMP_FILTER_FLAG_LOG" */
extern const struct name names_memory_policies[]; /* "MPOL_BIND" */
extern const struct name names_memory_policy_flags[];
extern const struct name names_signals[]; /* "KILL" → SIGKILL, no "SIG" */
extern const struct mount_option names_mount_options[];

/* The entry called word; NULL when there is none. */
const struct name *name_find(const struct name *table, const char *word);

/* The name of number; NULL when it has none. */
const char *name_of(const struct name *table, uint64_t number);

/* The mount option called word; NULL: it is the file system's. */
const struct mount_option *name_mount_option(const char *word);

/*
 * True for an option that engines are known to leave on bind mounts, where it
 * says nothing to a runtime.
 */
bool name_is_ignored_by_bind(const char *option);

/*
 * A signal by name ("KILL", "SIGKILL", "kill", "RTMIN+1") or number.
 * Returns the number, or -EINVAL with fail() text.
 */
int name_signal(const char *word);

/* A capability by name ("CAP_KILL", "kill"), or -EINVAL with fail() text. */
int name_capability(const char *word);
