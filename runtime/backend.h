/* SPDX-License-Identifier: MIT */
/* What stands between workload and host: one set of operations, two walls. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "isolate/spawn.h"
#include "oci/spec.h"
#include "runtime/container.h"
#include "runtime/create.h"
#include "runtime/exec.h"

struct backend;
struct cgroup;
struct foreground;

/*
 * A container that is being made (create.c), or a process in one (exec.c):
 * what is known before the back-end turns it into a process.
 */
struct creation {
	const struct store *store;
	const struct backend *backend;
	const struct create_options *options;
	const char *id;
	bool wait_for_start; /* create, not run */
	struct spec *spec;
	struct record record;
	char *bundle, *rootfs, *cgroup_path;
	int dir; /* the container's state directory */
	int lock;
	struct cgroup *cg;
	char **extra_env; /* NULL-terminated */
	unsigned preserve_fds; /* with LISTEN_FDS */
	bool in_store, in_cgroup; /* what an undo has to remove */
	bool had_process; /* and whether poststop hooks are due then */
	struct spawned child;
	int terminal; /* pty master, or -1 */
	int notify; /* sd_notify socket, or -1 */
	struct foreground *foreground; /* run in the foreground, or NULL */
};

struct execution {
	struct container *container;
	const struct exec_options *options;
	const struct spec_process *process;
	char **extra_env;
	unsigned preserve_fds;
	struct spawned child;
	int terminal;
};

/*
 * What differs between the walls. To all else the process that a container is
 * on the host (its program, or the VMM) is the same: it waits for its start
 * at a socket, takes signals, sits in the cgroup and ends with the exit code.
 * Each returns 0 or -errno with fail() text; called by the parent process.
 */
struct backend {
	const char *name; /* "container", "vm": word of --isolation */

	/*
	 * Makes the container's process out of c: up to READY when
	 * c->wait_for_start, else until the program runs. Fills c->child and
	 * c->terminal. On failure the process is gone.
	 */
	int (*create)(struct creation *c);

	/* Runs one more process; fills e->child and e->terminal. */
	int (*exec)(struct execution *e);
};

extern const struct backend backend_process, backend_vm;

/* The back-end of an existing container. */
const struct backend *backend_of(const struct container *c);
