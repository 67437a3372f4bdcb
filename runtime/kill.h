/* SPDX-License-Identifier: MIT */
/* kill: signals to a container; pause and resume. */
#pragma once

#include <stdbool.h>

struct store;

/*
 * Sends sig to the container's init process, or with all to each of its
 * processes. SIGKILL without a pid namespace of its own goes to all as well.
 * A container that is not running is an error whose text holds "container
 * not running", except with all. Returns 0 or -errno with fail() text.
 */
int kill_container(const struct store *s, const char *id, int sig, bool all);

/* Freezes a running container. Returns 0 or -errno with fail() text. */
int pause_container(const struct store *s, const char *id);

/* Thaws a paused container. Returns 0 or -errno with fail() text. */
int resume_container(const struct store *s, const char *id);
