/* SPDX-License-Identifier: MIT */
/* The container's terminal: handed to a socket, or joined with our own. */
#pragma once

#include <sys/types.h>

/*
 * Checks what the options say about the terminal: a detached tty needs a
 * console socket, a console socket needs a detached tty (create counts as
 * detached). Returns 0 or -EINVAL with fail() text.
 */
int console_check(int terminal, int detached, const char *socket);

/*
 * Sends fd (a pty master, or a pidfd) with its name over the unix stream
 * socket at path. Returns 0 or -errno with fail() text.
 */
int console_send(const char *path, int fd, const char *name);
