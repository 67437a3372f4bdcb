/* SPDX-License-Identifier: MIT */
/* The words of the runtime-spec and the kernel numbers they stand for. */
#include "oci/names.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"

#define LONGEST_WORD 64

const struct name names_capabilities[] = {
	{"CAP_CHOWN", CAP_CHOWN},
	{"CAP_DAC_OVERRIDE", CAP_DAC_OVERRIDE},
	{"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},
	{"CAP_FOWNER", CAP_FOWNER},
	{"CAP_FSETID", CAP_FSETID},
	{"CAP_KILL", CAP_KILL},
	{"CAP_SETGID", CAP_SETGID},
	{"CAP_SETUID", CAP_SETUID},
	{"CAP_SETPCAP", CAP_SETPCAP},
	{"CAP_LINUX_IMMUTABLE", CAP_LINUX_IMMUTABLE},
	{"CAP_NET_BIND_SERVICE", CAP_NET_BIND_SERVICE},
	{"CAP_NET_BROADCAST", CAP_NET_BROADCAST},
	{"CAP_NET_ADMIN", CAP_NET_ADMIN},
	{"CAP_NET_RAW", CAP_NET_RAW},
	{"CAP_IPC_LOCK", CAP_IPC_LOCK},
	{"CAP_IPC_OWNER", CAP_IPC_OWNER},
	{"CAP_SYS_MODULE", CAP_SYS_MODULE},
	{"CAP_SYS_RAWIO", CAP_SYS_RAWIO},
	{"CAP_SYS_CHROOT", CAP_SYS_CHROOT},
	{"CAP_SYS_PTRACE", CAP_SYS_PTRACE},
	{"CAP_SYS_PACCT", CAP_SYS_PACCT},
	{"CAP_SYS_ADMIN", CAP_SYS_ADMIN},
	{"CAP_SYS_BOOT", CAP_SYS_BOOT},
	{"CAP_SYS_NICE", CAP_SYS_NICE},
	{"CAP_SYS_RESOURCE", CAP_SYS_RESOURCE},
	{"CAP_SYS_TIME", CAP_SYS_TIME},
	{"CAP_SYS_TTY_CONFIG", CAP_SYS_TTY_CONFIG},
	{"CAP_MKNOD", CAP_MKNOD},
	{"CAP_LEASE", CAP_LEASE},
	{"CAP_AUDIT_WRITE", CAP_AUDIT_WRITE},
	{"CAP_AUDIT_CONTROL", CAP_AUDIT_CONTROL},
	{"CAP_SETFCAP", CAP_SETFCAP},
	{"CAP_MAC_OVERRIDE", CAP_MAC_OVERRIDE},
	{"CAP_MAC_ADMIN", CAP_MAC_ADMIN},
	{"CAP_SYSLOG", CAP_SYSLOG},
	{"CAP_WAKE_ALARM", CAP_WAKE_ALARM},
	{"CAP_BLOCK_SUSPEND", CAP_BLOCK_SUSPEND},
	{"CAP_AUDIT_READ", CAP_AUDIT_READ},
	{"CAP_PERFMON", CAP_PERFMON},
	{"CAP_BPF", CAP_BPF},
	{"CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE},
	{},
};

const struct name names_rlimits[] = {
	{"RLIMIT_AS", RLIMIT_AS},
	{"RLIMIT_CORE", RLIMIT_CORE},
	{"RLIMIT_CPU", RLIMIT_CPU},
	{"RLIMIT_DATA", RLIMIT_DATA},
	{"RLIMIT_FSIZE", RLIMIT_FSIZE},
	{"RLIMIT_LOCKS", RLIMIT_LOCKS},
	{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
	{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
	{"RLIMIT_NICE", RLIMIT_NICE},
	{"RLIMIT_NOFILE", RLIMIT_NOFILE},
	{"RLIMIT_NPROC", RLIMIT_NPROC},
	{"RLIMIT_RSS", RLIMIT_RSS},
	{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", RLIMIT_RTTIME},
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK", RLIMIT_STACK},
	{},
};

const struct name names_namespaces[] = {
	{"cgroup", SPEC_NS_CGROUP},
	{"ipc", SPEC_NS_IPC},
	{"mount", SPEC_NS_MOUNT},
	{"network", SPEC_NS_NET},
	{"pid", SPEC_NS_PID},
	{"time", SPEC_NS_TIME},
	{"user", SPEC_NS_USER},
	{"uts", SPEC_NS_UTS},
	{},
};

const struct name names_hooks[] = {
	{"prestart", SPEC_HOOK_PRESTART},
	{"createRuntime", SPEC_HOOK_CREATE_RUNTIME},
	{"createContainer", SPEC_HOOK_CREATE_CONTAINER},
	{"startContainer", SPEC_HOOK_START_CONTAINER},
	{"poststart", SPEC_HOOK_POSTSTART},
	{"poststop", SPEC_HOOK_POSTSTOP},
	{},
};

const struct name names_propagation[] = {
	{"private", MS_PRIVATE},
	{"rprivate", MS_PRIVATE | MS_REC},
	{"rshared", MS_SHARED | MS_REC},
	{"rslave", MS_SLAVE | MS_REC},
	{"runbindable", MS_UNBINDABLE | MS_REC},
	{"shared", MS_SHARED},
	{"slave", MS_SLAVE},
	{"unbindable", MS_UNBINDABLE},
	{},
};

const struct name names_sched_policies[] = {
	{"SCHED_OTHER", SCHED_NORMAL},
	{"SCHED_FIFO", SCHED_FIFO},
	{"SCHED_RR", SCHED_RR},
	{"SCHED_BATCH", SCHED_BATCH},
	{"SCHED_ISO", 4}, /* reserved: every kernel refuses it */
	{"SCHED_IDLE", SCHED_IDLE},
	{"SCHED_DEADLINE", SCHED_DEADLINE},
	{},
};

const struct name names_sched_flags[] = {
	{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
	{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
	{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
	{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
	{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
	{"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
	{"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
	{},
};

const struct name names_io_classes[] = {
	{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
	{"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
	{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
	{},
};

const struct name names_personalities[] = {
	{"LINUX", PER_LINUX},
	{"LINUX32", PER_LINUX32},
	{},
};

const struct name names_seccomp_actions[] = {
	{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
	{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
	{"SCMP_ACT_KILL", SCMP_ACT_KILL},
	{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
	{"SCMP_ACT_LOG", SCMP_ACT_LOG},
	{"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
	{"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
	{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
	{},
};

const struct name names_seccomp_operators[] = {
	{"SCMP_CMP_EQ", SCMP_CMP_EQ},
	{"SCMP_CMP_GE", SCMP_CMP_GE},
	{"SCMP_CMP_GT", SCMP_CMP_GT},
	{"SCMP_CMP_LE", SCMP_CMP_LE},
	{"SCMP_CMP_LT", SCMP_CMP_LT},
	{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
	{"SCMP_CMP_NE", SCMP_CMP_NE},
	{},
};

const struct name names_seccomp_archs[] = {
	{"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
	{"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
	{"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
	{"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
	{"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
	{"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
	{"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
	{"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
	{"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
	{"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
	{"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
	{"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
	{"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
	{"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
	{"SCMP_ARCH_S390", SCMP_ARCH_S390},
	{"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
	{"SCMP_ARCH_X32", SCMP_ARCH_X32},
	{"SCMP_ARCH_X86", SCMP_ARCH_X86},
	{"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
	{},
};

const struct name names_seccomp_flags[] = {
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
	 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
	{},
};

const struct name names_memory_policies[] = {
	{"MPOL_BIND", MPOL_BIND},
	{"MPOL_DEFAULT", MPOL_DEFAULT},
	{"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
	{"MPOL_LOCAL", MPOL_LOCAL},
	{"MPOL_PREFERRED", MPOL_PREFERRED},
	{"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
	{"MPOL_WEIGHTED_INTERLEAVE", 6}, /* Linux 6.9 */
	{},
};

const struct name names_memory_policy_flags[] = {
	{"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
	{"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
	{"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
	{},
};

const struct name names_signals[] = {
	{"HUP", SIGHUP},
	{"INT", SIGINT},
	{"QUIT", SIGQUIT},
	{"ILL", SIGILL},
	{"TRAP", SIGTRAP},
	{"ABRT", SIGABRT},
	{"IOT", SIGIOT},
	{"BUS", SIGBUS},
	{"FPE", SIGFPE},
	{"KILL", SIGKILL},
	{"USR1", SIGUSR1},
	{"SEGV", SIGSEGV},
	{"USR2", SIGUSR2},
	{"PIPE", SIGPIPE},
	{"ALRM", SIGALRM},
	{"TERM", SIGTERM},
	{"STKFLT", SIGSTKFLT},
	{"CHLD", SIGCHLD},
	{"CLD", SIGCHLD},
	{"CONT", SIGCONT},
	{"STOP", SIGSTOP},
	{"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU},
	{"URG", SIGURG},
	{"XCPU", SIGXCPU},
	{"XFSZ", SIGXFSZ},
	{"VTALRM", SIGVTALRM},
	{"PROF", SIGPROF},
	{"WINCH", SIGWINCH},
	{"IO", SIGIO},
	{"POLL", SIGPOLL},
	{"PWR", SIGPWR},
	{"SYS", SIGSYS},
	{},
};

#define ATTR_PAIR(on, off, attr)                          \
	{on, MOUNT_OPTION_ATTR_SET, attr, 0},             \
		{off, MOUNT_OPTION_ATTR_CLEAR, attr, 0},  \
		{"r" on, MOUNT_OPTION_ATTR_SET, attr, 1}, \
	{                                                 \
		"r" off, MOUNT_OPTION_ATTR_CLEAR, attr, 1 \
	}

#define ATIME_PAIR(name, value)                        \
	{name, MOUNT_OPTION_ATIME, value, 0},          \
	{                                              \
		"r" name, MOUNT_OPTION_ATIME, value, 1 \
	}

#define SB_PAIR(on, off, flag)                      \
	{on, MOUNT_OPTION_SB_SET, flag, 0},         \
	{                                           \
		off, MOUNT_OPTION_SB_CLEAR, flag, 0 \
	}

#define PROPAGATION_PAIR(name, flag)                                   \
	{name, MOUNT_OPTION_PROPAGATION, flag, 0},                     \
	{                                                              \
		"r" name, MOUNT_OPTION_PROPAGATION, (flag) | MS_REC, 1 \
	}

const struct mount_option names_mount_options[] = {
	ATTR_PAIR("ro", "rw", MOUNT_ATTR_RDONLY),
	ATTR_PAIR("nosuid", "suid", MOUNT_ATTR_NOSUID),
	ATTR_PAIR("nodev", "dev", MOUNT_ATTR_NODEV),
	ATTR_PAIR("noexec", "exec", MOUNT_ATTR_NOEXEC),
	ATTR_PAIR("nodiratime", "diratime", MOUNT_ATTR_NODIRATIME),
	ATTR_PAIR("nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW),
	/* Without noatime or strictatime, relatime is what remains. */
	ATIME_PAIR("relatime", MOUNT_ATTR_RELATIME),
	ATIME_PAIR("norelatime", MOUNT_ATTR_RELATIME),
	ATIME_PAIR("noatime", MOUNT_ATTR_NOATIME),
	ATIME_PAIR("atime", MOUNT_ATTR_RELATIME),
	ATIME_PAIR("strictatime", MOUNT_ATTR_STRICTATIME),
	ATIME_PAIR("nostrictatime", MOUNT_ATTR_RELATIME),
	SB_PAIR("sync", "async", MS_SYNCHRONOUS),
	{"dirsync", MOUNT_OPTION_SB_SET, MS_DIRSYNC, 0},
	SB_PAIR("lazytime", "nolazytime", MS_LAZYTIME),
	SB_PAIR("iversion", "noiversion", MS_I_VERSION),
	SB_PAIR("mand", "nomand", MS_MANDLOCK),
	SB_PAIR("silent", "loud", MS_SILENT),
	PROPAGATION_PAIR("private", MS_PRIVATE),
	PROPAGATION_PAIR("shared", MS_SHARED),
	PROPAGATION_PAIR("slave", MS_SLAVE),
	PROPAGATION_PAIR("unbindable", MS_UNBINDABLE),
	{"bind", MOUNT_OPTION_BIND, 0, 0},
	{"rbind", MOUNT_OPTION_BIND, 0, 1},
	{"idmap", MOUNT_OPTION_ID_MAP, 0, 0},
	{"ridmap", MOUNT_OPTION_ID_MAP, 0, 1},
	{"remount", MOUNT_OPTION_REMOUNT, 0, 0},
	{"tmpcopyup", MOUNT_OPTION_COPY_UP, 0, 0},
	{"defaults", MOUNT_OPTION_NOTHING, 0, 0},
	{},
};

/* Of engines' own volumes, and of the tmpfs that a bind stands in for. */
static const char *const bind_ignored[] = {
	"z",      "Z",         "U",          "copy",  "nocopy",
	"cached", "delegated", "consistent", "size=", "mode=",
};

bool name_is_ignored_by_bind(const char *option)
{
	size_t n = strcspn(option, "=");

	n += option[n] == '=';
	for (size_t i = 0; i < ARRAY_SIZE(bind_ignored); i++)
		if (strlen(bind_ignored[i]) == n &&
		    strncmp(bind_ignored[i], option, n) == 0)
			return true;
	return false;
}

const struct name *name_find(const struct name *table, const char *word)
{
	for (; table->name; table++)
		if (strcmp(table->name, word) == 0)
			return table;
	return NULL;
}

const char *name_of(const struct name *table, uint64_t number)
{
	for (; table->name; table++)
		if (table->number == number)
			return table->name;
	return NULL;
}

const struct mount_option *name_mount_option(const char *word)
{
	const struct mount_option *o = names_mount_options;

	for (; o->name; o++)
		if (strcmp(o->name, word) == 0)
			return o;
	return NULL;
}

/* Copies word in capitals; false when it is too long to be any name. */
static bool in_capitals(char upper[static LONGEST_WORD], const char *word)
{
	size_t len = strlen(word);

	if (len >= LONGEST_WORD)
		return false;
	for (size_t i = 0; i <= len; i++)
		upper[i] = (char)toupper((unsigned char)word[i]);
	return true;
}

/* A decimal number of one or two digits and nothing else, or -1. */
static int small_number(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	if (digits < 1 || digits > 2 || s[digits])
		return -1;
	return digits == 1 ? s[0] - '0' : (s[0] - '0') * 10 + s[1] - '0';
}

/* RTMIN, RTMIN+n, RTMAX, RTMAX-n; or -1. */
static int realtime_signal(const char *word)
{
	bool from_max = strncmp(word, "RTMAX", 5) == 0;
	int n = 0;

	if (!from_max && strncmp(word, "RTMIN", 5) != 0)
		return -1;
	if (word[5]) {
		if (word[5] != (from_max ? '-' : '+'))
			return -1;
		n = small_number(word + 6);
	}
	if (n < 0 || n > SIGRTMAX - SIGRTMIN)
		return -1;
	return from_max ? SIGRTMAX - n : SIGRTMIN + n;
}

int name_signal(const char *word)
{
	char upper[LONGEST_WORD];
	int number = small_number(word);

	if (number >= 0 && number <= SIGRTMAX)
		return number;
	if (number < 0 && in_capitals(upper, word)) {
		const char *bare = upper;

		if (strncmp(bare, "SIG", 3) == 0)
			bare += 3;

		const struct name *n = name_find(names_signals, bare);

		number = n ? (int)n->number : realtime_signal(bare);
		if (number > 0)
			return number;
	}
	return fail_plain(EINVAL, "unknown signal \"%s\"", word);
}

int name_capability(const char *word)
{
	char upper[LONGEST_WORD];

	if (in_capitals(upper, word)) {
		const char *bare = upper;

		if (strncmp(bare, "CAP_", 4) == 0)
			bare += 4;
		for (const struct name *n = names_capabilities; n->name; n++)
			if (strcmp(n->name + 4, bare) == 0)
				return (int)n->number;
	}
	return fail_plain(EINVAL, "unknown capability \"%s\"", word);
}
