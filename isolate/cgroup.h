/* SPDX-License-Identifier: MIT */
/* The container's control group: v2, or v1 and hybrid, behind one set of calls. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct spec_resources;

/*
 * Theory of operation
 *
 * The v2 hierarchy always exists, on v1 and hybrid machines too (mounted at
 * unified/, or mountable detached by fsopen("cgroup2")), and it carries the
 * life cycle on every machine: placement by CLONE_INTO_CGROUP, cgroup.kill,
 * cgroup.freeze, and the "populated" and "frozen" events of cgroup.events.
 * Limits live in the same hierarchy on a v2 machine, in the v1 controller
 * hierarchies otherwise (cgroup_v1.c, the one file that knows them).
 *
 * A container's cgroup is named by one path, the same in every hierarchy,
 * absolute from the root of the hierarchy ("/bulkhead-web"). The path is all
 * that the state record keeps, so that any later process can cgroup_open() it.
 */

/* Which hierarchies this machine has; found once per process. */
enum cgroup_mode {
	CGROUP_V2, /* /sys/fs/cgroup is cgroup2 */
	CGROUP_V1, /* v1 hierarchies, and cgroup2 for the life cycle (hybrid) */
};

/*
 * An open cgroup. owned by: the parent process. Opaque; one allocation.
 */
struct cgroup;

/*
 * Normalises what linux.cgroupsPath says (NULL: none) for this container
 * into dst: absolute path as it is; relative or none: "/ID" style below the
 * root. Returns a malloc'd path, or NULL with errno and fail() text.
 */
char *cgroup_path(const char *cgroups_path, const char *id);

/*
 * Makes the cgroup in every hierarchy (parents too; controllers enabled in
 * subtree_control on the way in v2). An existing cgroup with processes in it
 * is refused (-EBUSY); an existing empty one is used. On failure nothing that
 * was made here is left. Returns 0 and *out or -errno with fail() text.
 */
int cgroup_create(const char *path, struct cgroup **out);

/*
 * Opens an existing cgroup (any part of it may be missing: a creation that
 * was killed half-way). Returns 0 and *out or -errno with fail() text.
 */
int cgroup_open(const char *path, struct cgroup **out);

/* Frees the handle; the cgroup stays. NULL is fine. */
void cgroup_close(struct cgroup *cg);

enum cgroup_mode cgroup_mode(const struct cgroup *cg);

/*
 * An fd of the v2 directory, for CLONE_INTO_CGROUP; borrowed, valid until
 * cgroup_close(). -1 when there is no usable v2 hierarchy.
 */
int cgroup_fd(const struct cgroup *cg);

/*
 * Lets a later cgroup_join() go further down. where: "PATH", in every
 * hierarchy, or "CONTROLLER[,CONTROLLER]:PATH", in those of v1 alone. The
 * cgroup exists already. Returns 0 or -errno with fail() text.
 */
int cgroup_descend(struct cgroup *cg, const char *where);

/*
 * Lets a later cgroup_join() go to the v2 cgroup of process pid; proc: fd of
 * /proc. Returns 0 or -errno with fail() text.
 */
int cgroup_follow(struct cgroup *cg, int proc, pid_t pid);

/*
 * Child, while it has one thread and before it makes a cgroup namespace:
 * moves itself into the v1 hierarchies by writing "0" to tasks. That is the
 * one form that does not take the kernel's global threadgroup lock, whose
 * writers wait for an RCU grace period (10 ms after an idle spell). in_v2
 * tells that CLONE_INTO_CGROUP has done the v2 part. Returns 0 or -errno
 * with fail() text.
 */
int cgroup_join(const struct cgroup *cg, bool in_v2);

/*
 * Writes the limits that the spec gives (v1 values converted for v2 by the
 * spec's formulas), device rules included (v2: eBPF, attached with
 * BPF_F_REPLACE when one is there; v1: devices.deny/allow). is_update: leave
 * the device rules alone when res has none. Values that this machine has no
 * controller for are an error that names controller and member
 * (-EOPNOTSUPP). Returns 0 or -errno with fail() text.
 */
int cgroup_apply(struct cgroup *cg, const struct spec_resources *res,
		 bool is_update);

/* Its limit of memory in bytes, -1: none. Returns 0 or -errno with text. */
int cgroup_memory_limit(const struct cgroup *cg, int64_t *limit);

/* Sends SIGKILL to all processes in it (cgroup.kill). 0 or -errno + text. */
int cgroup_kill(struct cgroup *cg);

/* Sends any signal to each process in it. Returns 0 or -errno + text. */
int cgroup_signal(struct cgroup *cg, int sig);

/*
 * Freezes or thaws and returns once it is so (waits on cgroup.events; no
 * polling). Returns 0 or -errno with fail() text.
 */
int cgroup_freeze(struct cgroup *cg, bool frozen);

/* 1 frozen, 0 not frozen or gone, -errno with fail() text. */
int cgroup_is_frozen(struct cgroup *cg);

/* Waits until it is not frozen any more. Returns 0 or -errno with text. */
int cgroup_wait_thawed(struct cgroup *cg);

/*
 * Waits until no process is left in it (cgroup.events "populated"), at most
 * timeout_ms (-1: for ever). Returns 0, -ETIMEDOUT or -errno with text.
 */
int cgroup_wait_empty(struct cgroup *cg, int timeout_ms);

/*
 * Appends the pids of all processes in it and below, in this pid namespace,
 * as a pid_t array. Returns 0 or -errno with fail() text.
 */
int cgroup_pids(struct cgroup *cg, struct buf *pids);

/*
 * Removes it and what is below it in every hierarchy. Processes are not
 * killed: -EBUSY when there are some (a dying one is waited for). Parts that
 * are gone already are fine. Returns 0 or -errno with fail() text.
 */
int cgroup_remove(struct cgroup *cg);

/* -- The view from inside ------------------------------------------------- */

/*
 * What a mount of type "cgroup" needs in the child, gathered by the parent:
 * which hierarchies, their option strings, and fds for the case without a
 * cgroup namespace. owned by: the parent; the child reads its copy.
 */
struct cgroup_view;

/* Parent. Returns 0 and *out (NULL when no mount needs it), or -errno. */
int cgroup_view_open(const struct cgroup *cg, bool has_cgroup_ns,
		     struct cgroup_view **out);

/* Frees it; NULL is fine. */
void cgroup_view_close(struct cgroup_view *view);

/*
 * Child, inside the cgroup namespace if there is one. Mounts the view on the
 * directory fd target with these MOUNT_ATTR_* flags: cgroup2, or for v1 a
 * tmpfs with one mount for each hierarchy and links for joined controllers
 * (cpu → cpu,cpuacct). Without a cgroup namespace it shows the container's
 * own directories by bind. The working directory is / afterwards. Returns 0
 * or -errno with fail() text.
 */
int cgroup_view_mount(const struct cgroup_view *view, int target,
		      unsigned attr);
