/* SPDX-License-Identifier: MIT */
/* recvnotify SOCKET COMMAND...: runs COMMAND with NOTIFY_SOCKET set and prints each datagram until READY=1 came. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char text[4096];
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc < 3 || strlen(argv[1]) >= sizeof(at.sun_path))
		return 2;
	strcpy(at.sun_path, argv[1]);
	if (sock < 0 || bind(sock, (struct sockaddr *)&at, sizeof(at)) < 0) {
		perror(argv[1]);
		return 1;
	}
	if (fork() == 0) {
		setenv("NOTIFY_SOCKET", argv[1], 1);
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	for (;;) {
		ssize_t n = recv(sock, text, sizeof(text) - 1, 0);

		if (n < 0)
			return 1;
		text[n] = 0;
		puts(text);
		fflush(stdout);
		if (strstr(text, "READY=1"))
			return 0;
	}
}
