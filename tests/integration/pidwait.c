/* SPDX-License-Identifier: MIT */
/* pidwait PID...: returns when every one of these processes has ended, whoever its parent is; 20 seconds each. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int fd = (int)syscall(SYS_pidfd_open, (pid_t)atoi(argv[i]), 0);

		/* Until 6.2 one that is just being reaped gives EINVAL. */
		if (fd < 0 && (errno == ESRCH || errno == EINVAL))
			continue;
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (fd < 0 || poll(&p, 1, 20000) < 1) {
			fprintf(stderr, "process %s has not ended: %m\n", argv[i]);
			return 1;
		}
		close(fd);
	}
	return 0;
}
