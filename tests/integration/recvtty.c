/* SPDX-License-Identifier: MIT */
/*
 * recvtty SOCKET COMMAND...: the console-socket side of an engine. Listens on SOCKET, runs COMMAND, takes one terminal
 * from the socket and relays it: stdin to the terminal, the terminal to stdout, until the last holder of the other
 * side is gone; if stdin is a terminal, it is raw for that time and lends its size. The command's exit code, if it is
 * not 0, is ours; a command that ends well without sending is code 3. Otherwise the exit code is that of the process
 * that the command left behind, as engines are told it: we are its reaper.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
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

static void lend_size(int tty)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0)
		ioctl(tty, TIOCSWINSZ, &size);
}

/* A descriptor that is readable when our terminal has another size. */
static int watch_size(void)
{
	sigset_t winch;

	sigemptyset(&winch);
	sigaddset(&winch, SIGWINCH);
	sigprocmask(SIG_BLOCK, &winch, NULL);
	return signalfd(-1, &winch, SFD_CLOEXEC);
}

static void relay(int tty, int resized)
{
	struct pollfd p[3] = {
		{ .fd = tty, .events = POLLIN },
		{ .fd = 0, .events = POLLIN },
		{ .fd = resized, .events = POLLIN },
	};
	struct signalfd_siginfo signal;

	while (poll(p, 3, -1) > 0) {
		if (p[2].revents && read(resized, &signal, sizeof(signal)) > 0)
			lend_size(tty);
		if (p[0].revents && copy(tty, 1) < 0)
			return;
		if (p[1].revents && copy(0, tty) < 0)
			p[1].fd = -1;
	}
}

/* What a person at our terminal, if we have one, sees of the other one. */
static void attach(int tty)
{
	struct termios saved = { 0 };
	int resized = watch_size();
	int has_terminal = tcgetattr(0, &saved) == 0;
	struct termios raw = saved;

	cfmakeraw(&raw);
	if (has_terminal)
		tcsetattr(0, TCSANOW, &raw);
	lend_size(tty);
	relay(tty, resized);
	if (has_terminal)
		tcsetattr(0, TCSANOW, &saved);
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	return pid;
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 3)
		return 2;
	int sock = listen_at(argv[1]);

	if (sock < 0) {
		perror(argv[1]);
		return 1;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = start(argv + 2);
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p[2] = { { .fd = sock, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };

	if (poll(p, 2, -1) < 0)
		return 1;
	int tty = -1;

	if (p[0].revents)
		tty = receive_fd(accept4(sock, NULL, NULL, SOCK_CLOEXEC));
	if (waitpid(pid, &status, 0) < 0 || status)
		return exit_code(status);
	if (tty < 0)
		return 3;
	attach(tty);
	while (wait(&status) > 0 || errno == EINTR)
		;
	return exit_code(status);
}
