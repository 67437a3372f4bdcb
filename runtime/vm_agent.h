/* SPDX-License-Identifier: MIT */
/* The host's end of the agent channel: one container's life in its micro-VM. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Runs in the VMM's process, in a thread of its own, while another one runs
 * the machine. It hands the guest its container, says READY to the runtime
 * (isolate/sync.h) once that waits for its start, takes START from whoever
 * knocks, moves stdio, passes signals and sizes on, and knows the exit code.
 */
struct vm_agent_config {
	int channel; /* stream socket to the guest's port */
	int sync; /* the runtime that creates us; taken */
	int listener; /* `start` connects here; -1: start at once; taken */
	int ended; /* eventfd: the machine has ended */
	int (*why)(void *arg); /* and why: -errno with fail() text */
	void *why_arg;
	const void *create; /* payload of CREATE */
	size_t create_bytes;
	bool terminal; /* fd 0 is one, for the container alone */
};

/*
 * Blocks all signals that can be; call before any thread is made, so that
 * they wait for vm_agent_run(). Returns a signalfd or -errno with text.
 */
int vm_agent_signals(void);

/*
 * Returns the container's exit code (128 + n after signal n) once all its
 * output is written, or -errno with fail() text; what waits on sync or for
 * its start has been told then.
 */
int vm_agent_run(const struct vm_agent_config *config, int signals);
