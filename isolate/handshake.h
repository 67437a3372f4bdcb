/* SPDX-License-Identifier: MIT */
/* The parent's part in the conversation with a child under way (sync.h). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct buf;
struct spawned;

/* What the parent does when the child asks. Each returns 0 or -errno with
 * fail() text; a NULL one makes the request an error. */
struct handshake_ops {
	/* Runs the prestart and createRuntime hooks. */
	int (*hooks)(void *arg);
	/* The process that goes on has this pid now. */
	int (*new_pid)(void *arg, pid_t pid);
};

/* owned by: the parent process. */
struct handshake {
	struct spawned *child;
	const struct handshake_ops *ops; /* may be NULL */
	void *arg;
	const struct buf *bpf; /* seccomp program; empty: none */
	unsigned bpf_flags; /* SECCOMP_FILTER_FLAG_* */
	/* Signals are blocked, but one to end stops it, until the child is
	 * ready: for what may take long, hooks or a boot. */
	bool interruptible;
	bool has_hooks; /* the child will ask for them first */
	int terminal; /* -1; the pty master once it came, the caller's */
	bool ready;
};

/*
 * Gives the child its seccomp program and answers it, until it is ready, or
 * (until_ready false) has become the program. On failure the child is still
 * there: see handshake_kill(). Returns 0 or -errno with fail() text.
 */
int handshake_run(struct handshake *h, bool until_ready);

/* Ends and reaps the child of a failed handshake, and closes its fds. */
void handshake_kill(struct spawned *child);

/*
 * Tells the child that waits at the socket "start" in dir to run its program,
 * and removes the socket: nobody else can start it. Returns the connection,
 * for handshake_started(), or -errno with fail() text.
 */
int handshake_start(int dir);

/* Waits until the program runs. Returns 0 or -errno with fail() text. */
int handshake_started(int sock);
