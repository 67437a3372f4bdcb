/* SPDX-License-Identifier: MIT */
/*
 * onpty COMMAND...: runs COMMAND on a terminal of its own, 24 by 80, and does what the lines on stdin say:
 *	send TEXT		types it (\r, \n, \\ and \ooo stand for what they do in C)
 *	expect REGEX		waits until what the terminal showed after the last match matches
 *	size ROWS COLUMNS	resizes the terminal
 * What the terminal shows goes to stdout. The exit code is the command's; 124: a line did not come true in 20 seconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

struct screen {
	int tty;
	char *unseen; /* what it showed after the last match, a string */
	size_t len;
};

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Takes in what the terminal shows next. 0, or -1 with errno: EIO when nobody has it open any more. */
static int read_screen(struct screen *s, long deadline_ms)
{
	struct pollfd p = { .fd = s->tty, .events = POLLIN };
	long left = deadline_ms - now_ms();
	char buf[4096];

	if (left <= 0 || poll(&p, 1, (int)left) == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	ssize_t n = read(s->tty, buf, sizeof(buf));

	if (n <= 0 || write(STDOUT_FILENO, buf, (size_t)n) != n)
		return -1;
	char *longer = realloc(s->unseen, s->len + (size_t)n + 1);

	if (!longer)
		return -1;
	s->unseen = longer;
	for (ssize_t i = 0; i < n; i++)
		if (buf[i]) /* a string has no NUL in it */
			s->unseen[s->len++] = buf[i];
	s->unseen[s->len] = '\0';
	return 0;
}

static int expect(struct screen *s, const char *pattern)
{
	long deadline_ms = now_ms() + PATIENCE_MS;
	regmatch_t at;
	regex_t regex;

	if (regcomp(&regex, pattern, REG_EXTENDED)) {
		errno = EINVAL;
		return -1;
	}
	while (!s->unseen || regexec(&regex, s->unseen, 1, &at, 0))
		if (read_screen(s, deadline_ms) < 0)
			return -1;
	s->len -= (size_t)at.rm_eo;
	memmove(s->unseen, s->unseen + at.rm_eo, s->len + 1);
	regfree(&regex);
	return 0;
}

/* The character that TEXT begins with; moves past it. */
static char next_char(const char **text)
{
	const char *p = *text;

	*text += 1;
	if (*p != '\\' || !p[1])
		return *p;
	*text += 1;
	if (p[1] == 'r')
		return '\r';
	if (p[1] == 'n')
		return '\n';
	if (p[1] < '0' || p[1] > '3')
		return p[1];
	char octal[4] = "", *end;

	strncpy(octal, p + 1, 3);
	char c = (char)strtol(octal, &end, 8);

	*text = p + 1 + (end - octal);
	return c;
}

static int type(struct screen *s, const char *text)
{
	while (*text) {
		char c = next_char(&text);

		if (write(s->tty, &c, 1) != 1)
			return -1;
	}
	return 0;
}

static int resize(struct screen *s, const char *text)
{
	struct winsize size = { 0 };

	if (sscanf(text, "%hu %hu", &size.ws_row, &size.ws_col) != 2) {
		errno = EINVAL;
		return -1;
	}
	return ioctl(s->tty, TIOCSWINSZ, &size);
}

static int obey(struct screen *s, const char *line)
{
	if (!strncmp(line, "send ", 5))
		return type(s, line + 5);
	if (!strncmp(line, "expect ", 7))
		return expect(s, line + 7);
	if (!strncmp(line, "size ", 5))
		return resize(s, line + 5);
	errno = EINVAL;
	return -1;
}

/* All lines of stdin, then what the terminal still shows until its last holder is gone. */
static int play(struct screen *s)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (obey(s, line) < 0) {
			fprintf(stderr, "onpty: %s: %s\n", line, strerror(errno));
			return -1;
		}
	}
	free(line);
	long deadline_ms = now_ms() + PATIENCE_MS;

	while (read_screen(s, deadline_ms) == 0)
		;
	if (errno == EIO)
		return 0;
	fprintf(stderr, "onpty: the end: %s\n", strerror(errno));
	return -1;
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct screen screen = { 0 };
	int status;

	if (argc < 2)
		return 2;
	pid_t pid = forkpty(&screen.tty, NULL, NULL, &size);

	if (pid < 0) {
		perror("forkpty");
		return 1;
	}
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (play(&screen) < 0) {
		kill(pid, SIGKILL);
		return 124;
	}
	if (waitpid(pid, &status, 0) < 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
