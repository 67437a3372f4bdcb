/* SPDX-License-Identifier: MIT */
/* A session keyring of the container's own. */
#pragma once

/*
 * Child, before the change of user. Joins a new session keyring called name
 * and lets its owner search it. A kernel without keyrings is fine; so is a
 * full quota. Returns 0 or -errno with fail() text.
 */
int keyring_join(const char *name);
