/* SPDX-License-Identifier: MIT */
/* Times a command from its start to the first byte that it says. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * usage: vm_first [FILE TEXT]... -- COMMAND...
 * At the first byte TEXT is written to each FILE: that is where counters are
 * halted. Then says "NANOSECONDS PID", and waits for the command's end.
 */

#define TIMEOUT_S 240

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

static pid_t start(char **command, int *out)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(ends[1], 1);
		alarm(TIMEOUT_S); /* it stays over the exec */
		execvp(*command, command);
		_exit(127);
	}
	close(ends[1]);
	*out = ends[0];
	return pid;
}

int main(int argc, char **argv)
{
	int command = 1, out;
	double begin;
	char byte;
	pid_t pid;

	while (command < argc && strcmp(argv[command], "--") != 0)
		command += 2;
	if (command + 1 >= argc)
		return 2;
	begin = now_ns();
	pid = start(argv + command + 1, &out);
	if (pid < 0 || read(out, &byte, 1) != 1)
		return 1;
	begin = now_ns() - begin;
	for (int i = 1; i + 1 < command; i += 2)
		put(argv[i], argv[i + 1]);
	printf("%.0f %d\n", begin, pid);
	fflush(stdout);
	while (read(out, &byte, 1) == 1)
		;
	return waitpid(pid, NULL, 0) < 0;
}
