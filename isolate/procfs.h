/* SPDX-License-Identifier: MIT */
/* A procfs of a pid namespace in which we are not. */
#pragma once

/*
 * Child, of which pid_ns is an fd. Opens a context for a new procfs (fsopen(2))
 * that shows the namespace pid_ns. The kernel makes that of the caller's, so a
 * process goes there for this one call; it has no capability outside of a user
 * namespace of its own, the ids of nobody, no file system, and no descriptor
 * but a socket: whoever may trace the namespace's processes gains nothing.
 * Returns the fd, O_CLOEXEC, or -errno with fail() text.
 */
int procfs_open_in(int pid_ns);
