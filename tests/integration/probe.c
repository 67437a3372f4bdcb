/* SPDX-License-Identifier: MIT */
/* probe WORD ...: runs inside a container and prints what busybox cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* swap A B: two names change places for ever, as a racing attacker has them. */
static int probe_swap(const char *a, const char *b)
{
	for (;;)
		if (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2) < 0)
			return perror(a), 1;
}

/* The permitted capabilities of process pid, a number or "self". */
static unsigned long long permitted(const char *pid)
{
	char path[64], text[4096];
	unsigned long long caps = 0;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	const char *line = strstr(text, "CapPrm:");

	if (line)
		sscanf(line, "CapPrm: %llx", &caps);
	return caps;
}

/* Whether its capabilities count where ours do; it lies open to us. */
static int in_our_user_namespace(pid_t pid)
{
	char path[64];
	struct stat ours, its;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return stat("/proc/self/ns/user", &ours) == 0 && stat(path, &its) == 0 && ours.st_ino == its.st_ino;
}

/* Lines about what of process pid lies open, when it is the runtime. */
static void look_at(pid_t pid, const char *host_file)
{
	char path[4096], comm[32] = "", where[4096], number[16];
	unsigned long long more = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY);
	if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) > 0)
		comm[strcspn(comm, "\n")] = 0;
	close(fd);
	/* What came by the protected image has its name, or that of the fd. */
	if (strcmp(comm, "bulkhead") != 0 && strspn(comm, "0123456789") != strlen(comm))
		return;
	printf("saw %s\n", comm);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if ((fd = open(path, O_RDWR)) >= 0)
		printf("writable %s\n", path), close(fd);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	if ((fd = open(path, O_RDWR)) >= 0)
		printf("memory\n"), close(fd);
	snprintf(number, sizeof(number), "%d", pid);
	if (fd >= 0 && in_our_user_namespace(pid))
		more = permitted(number) & ~permitted("self");
	if (more)
		printf("capabilities %llx\n", more);
	snprintf(path, sizeof(path), "/proc/%d/root%s", pid, host_file);
	if (access(path, F_OK) == 0)
		printf("host\n");
	for (int i = 3; i < 64; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, i);
		ssize_t n = readlink(path, where, sizeof(where) - 1);

		if (n > 0)
			printf("fd %.*s\n", (int)n, where);
	}
}

/* The letter of its state; 0: it is gone. */
static char state_of(pid_t pid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	const char *end = strrchr(text, ')');

	return end ? end[2] : 0;
}

/* Until then it runs on, and may become another program while we look. */
static void await_stop(pid_t pid)
{
	char state;

	do
		state = state_of(pid);
	while (state && !strchr("TtZX", state));
}

/*
 * hunt FILE: stops each process that comes into the pid namespace, looks at it
 * and lets it go, until it is killed itself. FILE is there on the host only.
 */
static _Noreturn void probe_hunt(const char *host_file)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("hunting");
	for (pid_t next = getpid() + 1, pid = next;;) {
		if (kill(pid, SIGSTOP) == 0) {
			await_stop(pid);
			look_at(pid, host_file);
			kill(pid, SIGCONT);
			next = pid + 1;
		}
		/* Some come and go before their turn. */
		pid = pid < next || pid > next + 8 ? next : pid + 1;
	}
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
	if (argc == 4 && !strcmp(argv[1], "swap"))
		return probe_swap(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "hunt"))
		probe_hunt(argv[2]);
	fprintf(stderr, "usage: probe syscall NR [A B C] | fds | push TEXT | notify SOCKET TEXT | swap A B | hunt FILE\n");
	return 2;
}
