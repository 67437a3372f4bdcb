/* SPDX-License-Identifier: MIT */
/* probe WORD ...: runs inside a container and prints what busybox cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* syscall NR [A B C]: the name of the errno that it ends with, or "ok". */
static int probe_syscall(int argc, char **argv)
{
	long a[4] = { 0 };

	for (int i = 0; i < argc && i < 4; i++)
		a[i] = strtol(argv[i], NULL, 0);
	errno = 0;
	long r = syscall(a[0], a[1], a[2], a[3]);

	puts(r == -1 ? strerrorname_np(errno) : "ok");
	return 0;
}

/* fds: every open descriptor and where it leads, without the one that looks. */
static int probe_fds(void)
{
	char name[32], where[4096];

	for (int fd = 0; fd < 1024; fd++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(name, where, sizeof(where) - 1);

		if (n < 0)
			continue;
		where[n] = 0;
		printf("%d %s\n", fd, where);
	}
	return 0;
}

/* push TEXT: types TEXT into the terminal on stdin, as a hostile program would. */
static int probe_push(const char *text)
{
	for (; *text; text++)
		if (ioctl(0, TIOCSTI, text) < 0)
			return puts(strerrorname_np(errno)), 1;
	return 0;
}

/* notify SOCKET TEXT: sends one datagram, as a service does when it is ready. */
static int probe_notify(const char *path, const char *text)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(to.sun_path))
		return 2;
	strcpy(to.sun_path, path);
	if (sendto(sock, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror(path);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "syscall"))
		return probe_syscall(argc - 2, argv + 2);
	if (argc == 2 && !strcmp(argv[1], "fds"))
		return probe_fds();
	if (argc == 3 && !strcmp(argv[1], "push"))
		return probe_push(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "notify"))
		return probe_notify(argv[2], argv[3]);
	fprintf(stderr, "usage: probe syscall NR [A B C] | fds | push TEXT | notify SOCKET TEXT\n");
	return 2;
}
