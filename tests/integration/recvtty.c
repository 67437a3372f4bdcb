/* SPDX-License-Identifier: MIT */
/*
 * recvtty SOCKET COMMAND...: the console-socket side of an engine. Listens on SOCKET, runs COMMAND, takes one terminal
 * from the socket and relays it: stdin to the terminal, the terminal to stdout, until the last holder of the other
 * side is gone. On SIGWINCH the terminal gets the size in the file SOCKET.size. The command's exit code, if it is not 0, is ours; a command that ends well without sending is code 3.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(at.sun_path, path);
	if (sock < 0 || bind(sock, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -1;
	return listen(sock, 1) < 0 ? -1 : sock;
}

/* The one descriptor in the first message, or -1. */
static int receive_fd(int conn)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control;
	char name[4096];
	struct iovec iov = { .iov_base = name, .iov_len = sizeof(name) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(conn, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	int fd;

	if (n < 1 || !c || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int copy(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n <= 0)
		return -1;
	return write(to, buf, (size_t)n) == n ? 0 : -1;
}

static void resize(int tty, const char *socket)
{
	struct winsize size = { 0 };
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s.size", socket);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%hu %hu", &size.ws_row, &size.ws_col) != 2 || ioctl(tty, TIOCSWINSZ, &size) < 0)
		perror(path);
	if (f)
		fclose(f);
}

static void relay(int tty, int signals, const char *socket)
{
	struct pollfd p[3] = {
		{ .fd = tty, .events = POLLIN },
		{ .fd = 0, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	while (poll(p, 3, -1) > 0) {
		struct signalfd_siginfo info;

		if (p[2].revents && read(signals, &info, sizeof(info)) > 0)
			resize(tty, socket);
		if (p[0].revents && copy(tty, 1) < 0)
			return;
		if (p[1].revents && copy(0, tty) < 0)
			p[1].fd = -1;
	}
}

static int watch_size(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 3)
		return 2;
	int signals = watch_size();
	int sock = listen_at(argv[1]);

	if (sock < 0) {
		perror(argv[1]);
		return 1;
	}
	pid_t pid = start(argv + 2);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p[2] = { { .fd = sock, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };

	if (poll(p, 2, -1) < 0)
		return 1;
	int tty = -1;

	if (p[0].revents)
		tty = receive_fd(accept4(sock, NULL, NULL, SOCK_CLOEXEC));
	if (waitpid(pid, &status, 0) < 0 || status)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (tty < 0)
		return 3;
	relay(tty, signals, argv[1]);
	return 0;
}
