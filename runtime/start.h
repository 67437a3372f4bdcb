/* SPDX-License-Identifier: MIT */
/* start: the program of a created container runs. */
#pragma once

struct store;
struct container;

/*
 * Starts the created container id, runs its poststart hooks, and passes
 * readiness on when NOTIFY_SOCKET was set. Returns 0 or -errno with text.
 */
int start_container(const struct store *s, const char *id);
