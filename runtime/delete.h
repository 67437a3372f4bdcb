/* SPDX-License-Identifier: MIT */
/* delete: nothing is left of a container. */
#pragma once

#include <stdbool.h>

struct store;

/*
 * Removes a stopped or created container: its processes (killed), cgroup,
 * state; then its poststop hooks run. force: whatever its status is, and
 * also one that was never made whole; an unknown id is fine then.
 * Returns 0 or -errno with fail() text.
 */
int delete_container(const struct store *s, const char *id, bool force);
