/* SPDX-License-Identifier: MIT */
/* The container's terminal: handed to a socket, or joined with our own. */
#include "runtime/console.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

int console_check(int terminal, int detached, const char *socket)
{
	if (terminal && detached && !socket)
		return fail_plain(EINVAL, "a detached terminal needs "
					  "--console-socket");
	if (socket && !(terminal && detached))
		return fail_plain(EINVAL, "--console-socket is for a detached "
					  "process with a terminal");
	return 0;
}

int console_send(const char *path, int fd, const char *name)
{
	_cleanup_fd_ int sock = fd_connect_unix(AT_FDCWD, path, SOCK_STREAM);

	if (sock < 0)
		return sock;

	int r = fd_send(sock, name, strlen(name), &fd, 1);

	return r < 0 ? fail(-r, "send the terminal to %s", path) : 0;
}
