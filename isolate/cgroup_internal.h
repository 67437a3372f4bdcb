/* SPDX-License-Identifier: MIT */
/* What the files cgroup_*.c share: hierarchies, their trees, limit tables. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "isolate/cgroup.h"
#include "lib/arena.h"
#include "oci/spec.h"

struct buf;

/* Controllers of v1 hierarchies; names in cgroup_v1.c. */
enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_CPUSET,
	CGROUP_MEMORY,
	CGROUP_DEVICES,
	CGROUP_FREEZER,
	CGROUP_BLKIO,
	CGROUP_PIDS,
	CGROUP_HUGETLB,
	CGROUP_NET_CLS,
	CGROUP_NET_PRIO,
	CGROUP_PERF_EVENT,
	CGROUP_RDMA,
	CGROUP_MISC,
	CGROUP_CONTROLLERS,
};

/*
 * One hierarchy and the place of our cgroup in it. Directories are named by
 * absolute paths: whatever is beneath a cgroup mount is a directory or a
 * file of the kernel's, never a link, so that a path cannot lead elsewhere,
 * and no root directory needs to be opened for ten hierarchies.
 */
struct hierarchy {
	unsigned controllers; /* v1: bits 1 << enum cgroup_controller */
	const char *name;     /* v1: NAME of a name=NAME hierarchy, or NULL */
	const char *label;    /* last component of the mount point */
	int root;        /* AT_FDCWD, or the detached mount that dir is below */
	char *dir;       /* path of our cgroup */
	size_t root_len; /* bytes of dir that name the mount point */
	bool had;        /* our cgroup was there before cgroup_create() */
	size_t made_len; /* bytes of dir up to and including the first
			    component that we made; 0: none */
};

struct cgroup {
	struct arena arena; /* owns paths and hierarchies */
	enum cgroup_mode mode;
	const char *path;    /* "/bulkhead-web" */
	bool is_new;         /* made by this handle */
	bool is_killed;      /* cgroup_kill() was called */
	struct hierarchy v2; /* dir is NULL when there is no v2 */
	int v2_fd;           /* its directory; -1: not there */
	int v2_root; /* of a detached mount that is ours to close, or -1 */
	struct hierarchy *v1; /* empty on a v2 machine */
	size_t n_v1;
};

/* -- Trees: cgroup_tree.c ------------------------------------------------- */

/*
 * What a hierarchy needs done in each directory on the way, from the top;
 * dir: its path. Returns 0 or -errno with text.
 */
typedef int cgroup_prepare(const struct hierarchy *h, const char *dir,
			   bool is_new);

/*
 * Makes our cgroup in h, with its parents; prepare may be NULL. Returns 0 or
 * -errno with text; what was made is in h then, for cgroup_tree_undo().
 */
int cgroup_tree_make(struct hierarchy *h, cgroup_prepare *prepare);

/* Removes the directories that cgroup_tree_make() made. */
void cgroup_tree_undo(struct hierarchy *h);

/* Removes our cgroup in h and all below it; gone is fine. 0 or -errno + text,
 * -EBUSY (no text) when a process is in the way. */
int cgroup_tree_remove(const struct hierarchy *h);

/*
 * Appends pids (pid_t) of the processes in h's cgroup and below; a cgroup
 * that is gone has none. Returns 0 or -errno with text.
 */
int cgroup_tree_pids(const struct hierarchy *h, struct buf *pids);

/* -- Hierarchies of v1: cgroup_v1.c --------------------------------------- */

/*
 * Fills in cg->v1 and the place of a mounted v2 hierarchy (cg->v2) from
 * /proc/self/mountinfo. Returns 0 or -errno with text.
 */
int cgroup_v1_find(struct cgroup *cg);

/* Makes the cgroup in each v1 hierarchy. Returns 0 or -errno with text. */
int cgroup_v1_make(struct cgroup *cg);

/* The hierarchy that has a controller, or NULL. */
const struct hierarchy *cgroup_v1_with(const struct cgroup *cg,
				       enum cgroup_controller controller);

/* The controller's name in option strings and file names. */
const char *cgroup_v1_name(enum cgroup_controller controller);

/* -- Limits: cgroup_limits.c ---------------------------------------------- */

/* What a value is made from. */
struct limit_source {
	const struct cgroup *cg; /* NULL in tests: no present values */
	const struct spec_resources *res;
	bool is_update;
};

/*
 * One limit. format appends the value, or nothing when the spec does not
 * give it; a value of several lines is written line by line. Returns 0 or
 * -errno with text.
 */
struct limit_row {
	const char *member; /* below linux.resources */
	enum cgroup_controller controller;
	const char *file;
	int (*format)(const struct limit_source *src, struct buf *value);
	/* used instead where file does not exist; NULL: there is none */
	const char *other_file;
	int (*other_format)(const struct limit_source *src, struct buf *value);
};

/*
 * Writes the rows whose values are given. A value that the kernel refuses
 * with EINVAL is tried again after the others: pairs such as limit and swap,
 * or period and quota, must be written in an order that depends on what
 * they were before. An update first tries all without writing, so that most
 * failures change nothing. Returns 0 or -errno with text.
 */
int cgroup_limits_write(const struct limit_source *src,
			const struct limit_row *rows, size_t n_rows);

/*
 * Writes one value to one file of a controller. optional: a missing file is
 * fine. Returns 0 or -errno with text that names member, file and value.
 */
int cgroup_limit_write(const struct cgroup *cg, const struct limit_row *row,
		       const char *value, bool optional);

/* linux.resources.hugepageLimits. Returns 0 or -errno with text. */
int cgroup_limits_write_hugetlb(const struct limit_source *src);

/* Reads a file of our cgroup into b. Returns 0 or -errno, no text. */
int cgroup_limit_read(const struct cgroup *cg,
		      enum cgroup_controller controller, const char *file,
		      struct buf *b);

/* The number a file holds ("max" is -1). Returns 0 or -errno, no text. */
int cgroup_limit_read_number(const struct cgroup *cg,
			     enum cgroup_controller controller,
			     const char *file, int64_t *value);

/* Formats of rows that are the same in v1 and v2. */
int limit_cpus(const struct limit_source *src, struct buf *value);
int limit_mems(const struct limit_source *src, struct buf *value);
int limit_cpu_idle(const struct limit_source *src, struct buf *value);
int limit_cpu_burst(const struct limit_source *src, struct buf *value);
int limit_pids(const struct limit_source *src, struct buf *value);
int limit_rdma(const struct limit_source *src, struct buf *value);
int limit_blkio_weight(const struct limit_source *src, struct buf *value);
int limit_blkio_weight_device(const struct limit_source *src,
			      struct buf *value);

/* All limits but devices, by version. Return 0 or -errno with text. */
int cgroup_v1_limits(const struct limit_source *src);
int cgroup_v2_limits(const struct limit_source *src);

/* linux.resources.unified, written to the v2 directory. 0 or -errno + text. */
int cgroup_v2_unified(const struct limit_source *src);

/* Enables v2 controllers on the way to cg. Best effort: a limit that lacks its
 * controller says so later. */
void cgroup_v2_enable(const struct cgroup *cg);

/* The rows of cgroup_v2.c, for its test. */
const struct limit_row *cgroup_v2_rows(size_t *n);

/* cpu.shares (2 to 262144) as cpu.weight (1 to 10000). */
uint64_t cgroup_v2_weight(uint64_t shares);

/* -- Devices: cgroup_devices.c, cgroup_bpf.c ------------------------------ */

/* Rules without a rule for everything: that one became the default. */
struct device_policy {
	bool default_allow;
	struct spec_device_rule *rules; /* type 'b' or 'c' only; later win */
	size_t n_rules;
};

/*
 * Normalises the spec's rules: none and all before the last rule for
 * everything are dropped; where the default is to deny, what every container
 * may use follows. Memory is in *a. Returns 0 or -ENOMEM with text.
 */
int device_policy_make(struct arena *a, const struct spec_device_rule *rules,
		       size_t n_rules, struct device_policy *out);

/* Applies res->devices to cg. Returns 0 or -errno with text. */
int cgroup_devices_apply(const struct cgroup *cg,
			 const struct spec_resources *res, bool is_update);

struct bpf_insn;

/*
 * The policy as a program of type BPF_PROG_TYPE_CGROUP_DEVICE, appended to
 * insns as an array of struct bpf_insn. Out of memory shows in the buffer.
 */
void cgroup_bpf_program(const struct device_policy *policy, struct buf *insns);

/* Loads it and attaches it to the v2 directory, in the place of an earlier
 * one of ours. Returns 0 or -errno with text. */
int cgroup_bpf_attach(const struct cgroup *cg,
		      const struct device_policy *policy);
