/* SPDX-License-Identifier: MIT */
/* What each thread of the VMM may still do: system calls and capabilities. */
#include "runtime/vm_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolate/seccomp.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

/* -- The tables ----------------------------------------------------------- */

/* C library and threads: memory, locks, the end. */
#define COMMON                                                                 \
	SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_madvise, SYS_futex,     \
		SYS_exit, SYS_exit_group, SYS_rt_sigreturn,                    \
		SYS_rt_sigprocmask, SYS_restart_syscall, SYS_clock_gettime,    \
		SYS_sched_yield, SYS_read, SYS_write, SYS_close SANITIZER_CALLS

static const int vcpu_calls[] = {
	COMMON, SYS_ioctl, /* KVM_RUN, and the registers for a report */
};

static const int io_calls[] = {
	COMMON,
	/* the loop */
	SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_ctl, SYS_poll,
	/* vCPUs are stopped by signal */
	SYS_tgkill, SYS_getpid, SYS_gettid,
	/* rng, console, net, block, balloon */
	SYS_getrandom, SYS_sendmsg, SYS_recvmsg, SYS_sendto, SYS_recvfrom,
	SYS_readv, SYS_writev, SYS_preadv, SYS_pwritev, SYS_pread64,
	SYS_pwrite64, SYS_fallocate, SYS_fdatasync, SYS_fsync,
	SYS_ioctl, /* TUNSETOFFLOAD */
};

static const int fs_calls[] = {
	COMMON,
	/* names, beneath O_PATH fds of the exported tree */
	SYS_openat, SYS_openat2, SYS_mkdirat, SYS_mknodat, SYS_unlinkat,
	SYS_renameat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_readlinkat,
	/* attributes */
	SYS_statx, SYS_newfstatat, SYS_fstat, SYS_fstatfs, SYS_fchmod,
	SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_ftruncate,
	SYS_setxattr, SYS_getxattr, SYS_listxattr, SYS_removexattr,
	SYS_lsetxattr, SYS_lgetxattr, SYS_llistxattr, SYS_lremovexattr,
	SYS_fsetxattr, SYS_fgetxattr, SYS_flistxattr, SYS_fremovexattr,
	/* data */
	SYS_readv, SYS_writev, SYS_preadv, SYS_pwritev, SYS_preadv2,
	SYS_pwritev2, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_getdents64,
	SYS_fallocate, SYS_copy_file_range, SYS_fsync, SYS_fdatasync,
	SYS_syncfs, SYS_fcntl, SYS_dup,
	/* the caller's ids */
	SYS_setfsuid, SYS_setfsgid, SYS_umask, SYS_capget, SYS_capset,
	SYS_prctl, SYS_unshare, SYS_fchdir,
	/* vhost-user: the loop, memory by fds, and the end of QEMU */
	SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait, SYS_epoll_pwait,
	SYS_recvmsg, SYS_sendmsg, SYS_wait4,
};

static const int agent_calls[] = {
	COMMON,
	SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait, SYS_epoll_pwait,
	/* start's connection, stdio, the terminal */
	SYS_accept4, SYS_recvmsg, SYS_sendmsg, SYS_fcntl, SYS_ioctl,
	/* whose SIGPIPE is it? */
	SYS_getpid,
};

static const struct {
	const int *calls;
	size_t n;
	bool keeps_caps;
} threads[] = {
	[VM_THREAD_IO] = {io_calls, ARRAY_SIZE(io_calls), false},
	[VM_THREAD_VCPU] = {vcpu_calls, ARRAY_SIZE(vcpu_calls), false},
	[VM_THREAD_FS] = {fs_calls, ARRAY_SIZE(fs_calls), true},
	[VM_THREAD_AGENT] = {agent_calls, ARRAY_SIZE(agent_calls), false},
};

/* -- The filter ----------------------------------------------------------- */

#define CALLS_MAX 96
#define HEAD	  4
#define TAIL	  2

_Static_assert(ARRAY_SIZE(fs_calls) <= CALLS_MAX, "room for the filter");

static size_t build(struct sock_filter *f, const int *calls, size_t n)
{
	size_t at = 0;

	f[at++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	/* No other way in: neither i386 nor x32 numbers. */
	f[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					       AUDIT_ARCH_X86_64, 1, 0);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					       SECCOMP_RET_KILL_PROCESS);
	f[at++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < n; i++)
		f[at++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i],
			(uint8_t)(n - i), 0);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					       SECCOMP_RET_ERRNO | EPERM);
	f[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					       SECCOMP_RET_ALLOW);
	return at;
}

static int drop_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[2] = {};

	return syscall(SYS_capset, &head, none) < 0
		       ? fail(errno, "drop capabilities")
		       : 0;
}

/* -- Landlock ------------------------------------------------------------- */

/* All of the second version: before it no file could change its directory. */
#define ACCESS_ALL   ((LANDLOCK_ACCESS_FS_REFER << 1) - 1)
#define ACCESS_FILES (ACCESS_ALL & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE)

static int allow_files(int ruleset)
{
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = ACCESS_FILES, .parent_fd = root};

	if (root < 0 || syscall(SYS_landlock_add_rule, ruleset,
				LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
		return fail(errno, "Landlock: allow the exported tree");
	return 0;
}

/*
 * A second wall behind the filter: no file can be named, or beneath the jail's
 * root only, and no other process be traced. Kernels without it go without.
 */
static int restrict_files(bool serves_files)
{
	const struct landlock_ruleset_attr attr = {.handled_access_fs =
							   ACCESS_ALL};
	_cleanup_fd_ int ruleset = -1;
	int r = 0;

	if (syscall(SYS_landlock_create_ruleset, NULL, 0,
		    LANDLOCK_CREATE_RULESET_VERSION) < 2)
		return 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr),
			       0);
	if (ruleset < 0)
		return fail(errno, "Landlock: make a ruleset");
	if (serves_files)
		r = allow_files(ruleset);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		r = fail(errno, "Landlock: restrict a thread");
	return r;
}

int vm_confine(enum vm_thread thread, void *arg)
{
	struct sock_filter filter[CALLS_MAX + HEAD + TAIL];
	int r = restrict_files(threads[thread].keeps_caps);

	(void)arg;
	if (r == 0 && !threads[thread].keeps_caps)
		r = drop_caps();
	if (r == 0)
		r = seccomp_filter_load(filter,
					build(filter, threads[thread].calls,
					      threads[thread].n),
					0);
	return r < 0 ? fail_in(r, "confine a thread of the VMM") : 0;
}
