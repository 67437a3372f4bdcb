/* SPDX-License-Identifier: MIT */
/* The container in the guest: made from config.json by the code of the host. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isolate/spawn.h"
#include "runtime/agent_abi.h"

struct spec;
struct cgroup;

/* The container's first process. Zeroed but for process_init().
 * owned by: PID 1. */
struct process {
	struct spec *spec;
	char *id, *bundle;
	char **extra_env; /* NULL-ended */
	struct cgroup *cgroup;
	struct spawned child;
	int run; /* GUEST_RUN, where the start socket is */
	int starting; /* connection to the start socket, or -1 */
	int stdio[AGENT_STREAMS]; /* our ends, not blocking; -1: taken. With a
				     terminal stdin and stdout are its master */
};

/* An empty one. */
void process_init(struct process *p);

/*
 * Makes the container of a CREATE frame, up to waiting for its start.
 * Returns 0 or -errno with fail() text; nothing is left running then.
 */
int process_create(struct process *p, const uint8_t *frame, size_t len);

/*
 * Lets its program run: sends START and leaves the connection in p->starting,
 * which becomes readable when process_started() has an answer.
 */
int process_start(struct process *p);

/* Returns 0 when the program runs, or -errno with fail() text. */
int process_started(struct process *p);

/* Sends it a signal. Best effort: it may be gone. */
void process_signal(struct process *p, int sig);

/* Sets the size of its terminal. Best effort. fd: the master. */
void process_resize(int fd, const struct agent_size *size);
