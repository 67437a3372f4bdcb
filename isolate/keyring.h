/* SPDX-License-Identifier: MIT */
/* A session keyring of the container's own. */
#pragma once

/*
 * Child, before the change of user. Joins a new session keyring called name
 * and lets its owner search it. ENOSYS, a kernel or a filter without keyrings,
 * is fine; a full quota or a refusal is not, as the container would go on with
 * the caller's keys. Returns 0 or -errno with fail() text.
 */
int keyring_join(const char *name);
