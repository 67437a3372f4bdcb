/* SPDX-License-Identifier: MIT */
/* --pid-file. */
#include "runtime/pidfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

int pidfile_write(const char *path, pid_t pid)
{
	_cleanup_free_ char *temp = NULL;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char digits[16];

	if (asprintf(&temp, "%.*s.%s.%d", (int)(name - path), path, name,
		     getpid()) < 0)
		return fail(ENOMEM, "pid file");

	_cleanup_fd_ int fd = open(
		temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(errno, "create pid file %s", path);

	int n = snprintf(digits, sizeof(digits), "%d", pid);
	int r = fd_write_all(fd, digits, (size_t)n);

	if (r == 0 && rename(temp, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temp);
		return fail(-r, "write pid file %s", path);
	}
	return 0;
}
