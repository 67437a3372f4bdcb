/* SPDX-License-Identifier: MIT */
/* What the files behind isolate/cgroup.h share: the open cgroup itself. */
#pragma once

#include <stddef.h>

#include "isolate/cgroup.h"

struct spec_device_rule;
struct spec_resources;

/* One mounted v1 hierarchy. */
struct hierarchy {
	char *mount; /* /sys/fs/cgroup/cpu,cpuacct */
	char *options; /* cpu,cpuacct or none,name=systemd: as for mount(2) */
};

/* owned by: whoever opened it; a cloned child has a copy. */
struct cgroup {
	enum cgroup_mode mode;
	char *path; /* from the root of each hierarchy, "/x" */
	int root; /* the v2 hierarchy's root, or -1 */
	int dir; /* the cgroup in it, or -1: missing */
	struct hierarchy *v1;
	size_t n_v1;
};

/* -- cgroup_v1.c: the one that knows v1 ----------------------------------- */

/* Fills cg->v1 and cg->root from /proc/self/mountinfo. 0 or -errno + text. */
int cgroup_v1_find(struct cgroup *cg);

/* Frees what cgroup_v1_find() made. */
void cgroup_v1_free(struct cgroup *cg);

/* Makes the directories in all v1 hierarchies; *made: some are new. */
int cgroup_v1_create(struct cgroup *cg);

/* Child: joins all v1 hierarchies. */
int cgroup_v1_join(const struct cgroup *cg);

/* Writes limits and device rules. */
int cgroup_v1_apply(struct cgroup *cg, const struct spec_resources *res);

/* Removes the directories; -EBUSY while one has processes (no text). */
int cgroup_v1_remove(struct cgroup *cg);

/* -- cgroup_v2.c ---------------------------------------------------------- */

/* Writes limits into the directory fd dir. 0 or -errno with fail() text. */
int cgroup_v2_apply(int dir, const struct spec_resources *res);

/* cpu.weight of cpu.shares: 2 … 262144 to 1 … 10000, 1024 is 100. */
unsigned long cgroup_v2_weight_of_shares(unsigned long shares);

/* -- cgroup_devices.c ----------------------------------------------------- */

/*
 * The rules as they are to be enforced: those of the spec, then the devices
 * that every container may use. Returns a malloc'd array and *n, or NULL.
 */
struct spec_device_rule *cgroup_device_rules(const struct spec_resources *res,
					     size_t *n);

/* Compiles and attaches a v2 device program to dir. 0 or -errno with text. */
int cgroup_devices_attach(int dir, const struct spec_resources *res);

/* -- cgroup_remove.c ------------------------------------------------------ */

/*
 * Removes the directory NAME in dir and all below it, however deep.
 * Returns 0 (also when it is missing), -EBUSY when a process is in it, or
 * -errno; no text.
 */
int cgroup_remove_tree(int dir, const char *name);
