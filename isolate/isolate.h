/* SPDX-License-Identifier: MIT */
/* One struct spec becomes one confined process: the table of steps. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "oci/spec.h"

/*
 * Theory of operation
 *
 * isolate_spawn() (spawn.c, in the parent) clones a child straight into new
 * namespaces; the child walks the table in isolate.c, row by row, and execs.
 * The same table serves in two places: on the host, and in the child of the
 * guest's PID 1. A row's name is its debug line, its timing label and the
 * context of its error message.
 *
 * The child gets fds and structs only: no state directory, hooks' paths on
 * the host, log file, environment or globals. All it says goes through the
 * sync socket (sync.h).
 */

struct cgroup;
struct cgroup_view;

/* One file system tree cloned by the parent, to be attached by the child. */
struct mount_source {
	int fd; /* detached mount; -1: no bind, or the child opens it */
	bool is_dir;
};

/*
 * What the child becomes in place of a program of the container's: the VMM of
 * a micro-VM, whose jail the container is then. No devices, masks or program
 * are prepared, and the caller sends READY and all that follows (sync.h).
 */
struct isolate_inside {
	/* In the new namespaces, while the host's tree is still there. May be
	 * NULL. Returns 0 or -errno with fail() text. */
	int (*before_root)(void *arg);
	/* Last, with the process's credentials. Does not return but on
	 * failure: -errno with fail() text. */
	int (*run)(void *arg, int sync);
	void *arg;
};

/*
 * What the child needs. Filled by the parent before isolate_spawn(), borrowed
 * by it, read-only for the child. All fds are O_CLOEXEC.
 */
struct isolate {
	const struct spec *spec; /* the container */
	const struct spec_process *process; /* what is to run */
	const char *id; /* names the session keyring; in hooks' state */
	const char *bundle; /* absolute; in hooks' state */
	const struct isolate_inside *inside; /* NULL: process is exec'd */
	char *const *extra_env; /* put behind the process's own; NULL-ended */
	bool join_only; /* exec: enter, do not build */
	bool no_pivot; /* MS_MOVE and chroot instead of pivot_root(2) */
	bool no_new_keyring;
	bool wait_for_start; /* create: hold before exec until start */
	unsigned preserve_fds; /* 3 … 2 + n survive the exec */
	int proc; /* the host's procfs, O_PATH, verified */
	int rootfs; /* detached clone of the root file system; -1: the child
			clones it, in its own namespaces */
	const char *rootfs_path; /* absolute; where rootfs is attached */
	struct mount_source *sources; /* one for each of spec->mounts */
	int ns_fds[SPEC_NS_KINDS]; /* namespaces to join; -1: none */
	int pidfd; /* join_only: a process whose namespaces are joined */
	unsigned join_flags; /* join_only: CLONE_NEW* of those to join */
	int join_root; /* join_only: the root when it is a chroot's, or -1 */
	int listener; /* wait_for_start: socket on which start knocks, or -1 */
	struct cgroup *cgroup; /* which the child joins; NULL: none */
	struct cgroup_view *cgroup_view; /* for mounts of type cgroup */
};

/*
 * The child's side: does all steps and execs. Never returns: on failure the
 * text goes through the sync socket and the process exits with 1.
 * child, after clone.
 */
_Noreturn void isolate_run(const struct isolate *iso, int sync);
