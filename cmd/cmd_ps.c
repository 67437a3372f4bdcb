/* SPDX-License-Identifier: MIT */
/* bulkhead ps: the processes of a container. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "cmd/cmd.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "runtime/container.h"

static size_t count(const struct buf *pids)
{
	return pids->len / sizeof(pid_t);
}

static pid_t at_index(const struct buf *pids, size_t i)
{
	pid_t pid;

	memcpy(&pid, pids->data + i * sizeof(pid), sizeof(pid));
	return pid;
}

static void print_json(const struct buf *pids)
{
	printf("[");
	for (size_t i = 0; i < count(pids); i++)
		printf("%s%d", i ? "," : "", at_index(pids, i));
	printf("]\n");
}

static bool holds(const struct buf *pids, pid_t pid)
{
	for (size_t i = 0; i < count(pids); i++)
		if (at_index(pids, i) == pid)
			return true;
	return false;
}

/* Column number of the heading PID; -1: ps(1) was told to leave it out. */
static int pid_column(char *heading)
{
	char *save;
	int n = 0;

	for (char *w = strtok_r(heading, " \n", &save); w;
	     w = strtok_r(NULL, " \n", &save), n++)
		if (strcmp(w, "PID") == 0)
			return n;
	return -1;
}

static pid_t pid_in(const char *line, int column)
{
	for (; column > 0; column--) {
		line += strspn(line, " ");
		line += strcspn(line, " ");
	}
	return atoi(line);
}

/* Copies the lines of ps(1) that are about the container. */
static int filter(FILE *in, const struct buf *pids)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int column = -1;

	for (bool first = true; getline(&line, &room, in) > 0; first = false) {
		if (first) {
			fputs(line, stdout);
			column = pid_column(line);
			if (column < 0)
				return fail_plain(EINVAL, "the output of ps "
							  "has no PID column");
		} else if (holds(pids, pid_in(line, column))) {
			fputs(line, stdout);
		}
	}
	return 0;
}

/* options: of ps(1), NULL-terminated; argv[0] is to be replaced. */
static int print_table(const struct buf *pids, char **options)
{
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], status;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return fail(errno, "make a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
	options[0] = (char *)"ps";

	int err = posix_spawnp(&pid, "ps", &actions, NULL, options, environ);

	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	FILE *in = fdopen(pipe_fds[0], "re");
	if (err == ENOENT) {
		/* No ps(1) here: the numbers at least. */
		puts("PID");
		for (size_t i = 0; i < count(pids); i++)
			printf("%d\n", at_index(pids, i));
	}
	int r = err && err != ENOENT ? fail(err, "run ps") : 0;
	if (!err) {
		r = in ? filter(in, pids) : fail(errno, "run ps");
		waitpid(pid, &status, 0);
	}
	if (in)
		fclose(in);
	return r;
}

static int get_pids(const struct store *s, const char *id, struct buf *pids)
{
	_cleanup_(container_close) struct container c = {};
	int r = container_open(s, id, &c);

	return r < 0 ? r : container_pids(&c, pids);
}

static int run_ps(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	_cleanup_(buf_fini) struct buf pids = {};
	char *usual[] = {NULL, (char *)"-ef", NULL};
	const char *format = "table";
	const struct option options[] = {
		{"format", 'f', OPTION_STRING, &format, "FORMAT",
		 "table or json"},
		{},
	};
	int at = cmd_options(&cmd_ps, options, argc, argv);
	bool json = strcmp(format, "json") == 0;
	int r;

	if (at <= 0)
		return at;
	if (at >= argc)
		return fail_plain(EINVAL, "a container id is missing");
	if (!json && strcmp(format, "table") != 0)
		return fail_plain(EINVAL,
				  "--format %s: table or json is wanted",
				  format);
	r = store_open(g->root, &s);
	if (r == 0)
		r = get_pids(&s, argv[at], &pids);
	if (r < 0)
		return r;
	if (json)
		print_json(&pids);
	else
		r = print_table(&pids, at + 1 < argc ? argv + at : usual);
	return r;
}

const struct command cmd_ps = {
	.name = "ps",
	.arguments = "ID [OPTION OF ps(1)]...",
	.purpose = "List the processes of a container",
	.run = run_ps,
};
