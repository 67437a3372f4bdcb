/* SPDX-License-Identifier: MIT */
/* A container as later commands find it: record, init process, status. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "oci/state.h"
#include "runtime/record.h"
#include "runtime/store.h"

struct buf;
struct cgroup;

/* A process that cannot be mistaken for a later one with the same pid. */
struct process_id {
	pid_t pid; /* 0: none */
	uint64_t start_time; /* clock ticks since boot, /proc/PID/stat */
};

/* owned by: the command that opened it. */
struct container {
	const struct store *store;
	const char *id; /* borrowed */
	int dir;
	struct record *record; /* NULL: creation did not come that far */
	bool damaged; /* there is a record, which cannot be read */
	struct process_id init;
	int pidfd; /* init's, verified; -1 when it is gone */
	struct cgroup *cg; /* NULL: not opened yet, see container_cgroup() */
	bool waiting; /* init waits for start */
};

/*
 * Opens the container called id. Returns 0 or -errno with fail() text
 * `container "x" does not exist`.
 */
int container_open(const struct store *s, const char *id,
		   struct container *c);

/*
 * The same for those who only clean up: a record that cannot be read is no
 * failure then (c->damaged).
 */
int container_open_damaged(const struct store *s, const char *id,
			   struct container *c);

/*
 * The same for those who change it: *lock is an fd that holds the container
 * against others, owned by the caller; c has to be closed on failure, too.
 */
int container_open_locked(const struct store *s, const char *id,
			  struct container *c, int *lock);

/* Closes it; safe on a zeroed or half-opened one. */
void container_close(struct container *c);

/* Sends its init process a signal. Returns 0 or -errno with fail() text. */
int container_signal(const struct container *c, int sig);

/* Its cgroup, opened at first use. Returns 0 or -errno with fail() text. */
int container_cgroup(struct container *c, struct cgroup **cg);

/*
 * Appends the pids of its processes, a pid_t array: those of its cgroup or,
 * where it has none, of its pid namespace. 0 or -errno with fail() text.
 */
int container_pids(struct container *c, struct buf *pids);

/* Its status now. Returns 0 or -errno with fail() text. */
int container_status(struct container *c, enum status *status);

/*
 * Fails with -EINVAL and text `container "x" is running, not created` unless
 * the status is among those in mask (1 << STATUS_*). what: the status wanted,
 * for the text.
 */
int container_require(struct container *c, unsigned mask, const char *what);

/* Its state document's contents; strings borrowed from c. */
int container_state(struct container *c, struct state *state);

/* Writes DIR/pid. Returns 0 or -errno with fail() text. */
int container_write_pid(int dir, pid_t pid);

/* Start time of pid, or 0 when there is no such process. */
uint64_t process_start_time(pid_t pid);
