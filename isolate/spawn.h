/* SPDX-License-Identifier: MIT */
/* The parent's side of making a confined process. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct isolate;

/* A child under way. owned by: the parent process. */
struct spawned {
	pid_t pid; /* in this process's pid namespace */
	int pidfd;
	int sync; /* the parent's end */
};

/*
 * Clones the child: into the v2 directory of iso->cgroup, with all new
 * namespaces of the spec (user and time too), and writes id maps and time
 * offsets. The child is in isolate_run(). On failure it is gone again.
 * Returns 0 and *out or -errno with fail() text.
 */
int isolate_spawn(const struct isolate *iso, struct spawned *out);

/* Closes fds; the process goes on. Safe on a zeroed or half-filled struct. */
void spawned_close(struct spawned *s);
