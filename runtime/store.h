/* SPDX-License-Identifier: MIT */
/* The state directory: one subdirectory a container, with a lock. */
#pragma once

#include <stddef.h>

/*
 *	ROOT/ID/lock        held (fcntl) by who changes the container
 *	ROOT/ID/record      what the container is (record.h), written once
 *	ROOT/ID/pid         its init process, replaced by rename
 *	ROOT/ID/start       socket on which init waits; there while "created"
 *	ROOT/ID/seccomp     its filter, for exec (a link into .seccomp)
 *	ROOT/ID/notify/     the sd_notify socket's directory
 *	ROOT/.seccomp/      compiled filters by hash (seccomp_cache.h)
 */
struct store {
	int fd; /* ROOT */
	char *path;
};

/*
 * Opens the state directory, making it (0700) when missing. root NULL:
 * /run/bulkhead, or $XDG_RUNTIME_DIR/bulkhead for an ordinary user and for
 * one who is root in a user namespace only.
 * Returns 0 or -errno with fail() text.
 */
int store_open(const char *root, struct store *s);

/* Closes it; safe on {.fd = -1}. */
void store_close(struct store *s);

/*
 * Whether id is one: letters, digits, "_+.-", not starting with a dot, at
 * most 255 bytes. Returns 0 or -EINVAL with fail() text.
 */
int store_check_id(const char *id);

/*
 * Makes the directory of a new container and locks it. Returns its fd and
 * *lock, or -errno with fail() text (-EEXIST: the id is taken).
 */
int store_add(const struct store *s, const char *id, int *lock);

/* Opens a container's directory. Returns the fd or -errno with text. */
int store_find(const struct store *s, const char *id);

/*
 * Locks a container's directory against others who change it; waits. The
 * lock ends with the process or when the fd is closed, and no child inherits
 * it. Returns the fd or -errno with text; -ENOENT when it was deleted while
 * we waited.
 */
int store_lock(int dir);

/* Removes the container's directory and all in it. 0 or -errno with text. */
int store_remove(const struct store *s, const char *id);

/*
 * All ids, sorted; *ids is one allocation, to be freed, NULL-terminated.
 * Returns their number or -errno with fail() text.
 */
int store_list(const struct store *s, char ***ids);
