/* SPDX-License-Identifier: MIT */
/* System calls and constants that Debian 12's libc does not declare. */
#pragma once

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The oldest kernel is 5.14: all of these calls exist. glibc 2.36 declares
 * fsopen(2) and its family in <sys/mount.h>, which clashes with
 * <linux/mount.h>; sys_* names keep both worlds apart. Each returns what the
 * system call returns, errno set on -1.
 */

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* What the runtime of a sanitizer asks for besides a program's own system
 * calls, at the end of a list; in its build alone. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZER_CALLS , SYS_sigaltstack, SYS_sched_getaffinity, SYS_gettid
#else
#define SANITIZER_CALLS
#endif

/* openat2(2) */
static inline int sys_openat2(int dir, const char *path, struct open_how *how)
{
	return (int)syscall(SYS_openat2, dir, path, how, sizeof(*how));
}

/* clone3(2); the child returns 0 on a copy of the caller's stack. */
static inline pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

/* close_range(2) */
static inline int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

/* pidfd_open(2) */
static inline int sys_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

/* pidfd_send_signal(2) */
static inline int sys_pidfd_send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* open_tree(2) */
static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, dir, path, flags);
}

/* move_mount(2) from an fd onto an fd */
static inline int sys_move_mount(int from, int to)
{
	return (int)syscall(SYS_move_mount, from, "", to, "",
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* move_mount(2) from an fd onto a path of the host */
static inline int sys_move_mount_path(int from, const char *path)
{
	return (int)syscall(SYS_move_mount, from, "", AT_FDCWD, path,
			    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
}

/* mount_setattr(2) on an fd; flags may hold AT_RECURSIVE */
static inline int sys_mount_setattr(int fd, unsigned flags,
				    struct mount_attr *attr)
{
	return (int)syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH,
			    attr, sizeof(*attr));
}

/* fsopen(2) */
static inline int sys_fsopen(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

/* fsconfig(2) */
static inline int sys_fsconfig(int fs, unsigned cmd, const char *key,
			       const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, cmd, key, value, 0);
}

/* fsmount(2) */
static inline int sys_fsmount(int fs, unsigned flags, unsigned attr)
{
	return (int)syscall(SYS_fsmount, fs, flags, attr);
}

/* pivot_root(2) */
static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

/* mount(2) and umount2(2): <sys/mount.h> does not go with <linux/mount.h> */
static inline int sys_mount(const char *source, const char *target,
			    const char *type, unsigned long flags,
			    const void *data)
{
	return (int)syscall(SYS_mount, source, target, type, flags, data);
}

static inline int sys_umount2(const char *target, int flags)
{
	return (int)syscall(SYS_umount2, target, flags);
}

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

/* fspick(2) of the superblock of an open mount */
static inline int sys_fspick(int mnt)
{
	return (int)syscall(SYS_fspick, mnt, "",
			    FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
}
