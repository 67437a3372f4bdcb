/* SPDX-License-Identifier: MIT */
/* The steps of the child, which isolate.c puts into order. */
#pragma once

#include <stdbool.h>

#include "oci/spec.h"
#include "oci/state.h"

struct isolate;
struct sync_msg;

/* The child's own state. owned by: the child. */
struct child {
	const struct isolate *iso;
	const struct spec_linux *linux_;
	int sync; /* becomes start's connection once there is one */
	int root; /* O_PATH, the container's root; -1 before "root" */
	int slave; /* the terminal, or -1 */
	bool outside; /* still, of the pid namespace that is joined */
	bool sealed; /* has the process's credentials */
	bool cwd_pending; /* the user itself has to enter the directory */
	char *program; /* found in PATH */
	char **env;
	struct sync_msg *seccomp;
};

/*
 * Each step returns 0, or -errno with fail() text to which isolate.c adds the
 * step's name. All are of the child, after clone, and have one thread.
 */

/* From the host into the container: step_build.c */
int step_cgroup(struct child *c);
int step_signals(struct child *c);
int step_session(struct child *c);
int step_user_namespace(struct child *c);
int step_namespaces(struct child *c);
int step_cgroup_namespace(struct child *c);
int step_descriptors(struct child *c);
int step_enter(struct child *c);
int step_before_root(struct child *c);
int step_root(struct child *c);
int step_mounts(struct child *c);
int step_devices(struct child *c);
int step_terminal(struct child *c);
int step_join_pid(struct child *c);
int step_hooks(struct child *c);
int step_sysctl(struct child *c);
int step_masks(struct child *c);
int step_pivot(struct child *c);

/* What the process is to be: step_process.c */
int step_oom_score(struct child *c);
int step_limits(struct child *c);
int step_scheduling(struct child *c);
int step_environment(struct child *c);
int step_cwd(struct child *c);
int step_program(struct child *c);
int step_label(struct child *c);
int step_receive_seccomp(struct child *c);
int step_stdio(struct child *c);
int step_control(struct child *c);
int step_wait_for_start(struct child *c);
int step_start_hooks(struct child *c);
int step_exec(struct child *c);
int step_inside(struct child *c);

/* What it may, and entering a pid namespace with that: step_credentials.c */
int step_seccomp_privileged(struct child *c);
int step_credentials(struct child *c);
int step_seccomp_unprivileged(struct child *c);
int step_enter_unsealed(struct child *c);
int step_enter_sealed(struct child *c);

/* Runs the hooks of a kind, if there are any, in the child's namespaces. */
int child_run_hooks(struct child *c, enum spec_hook_kind kind,
		    enum status status);
