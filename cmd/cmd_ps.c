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

/* The number in that column; 0: there is another word. */
static pid_t pid_in(const char *line, int column)
{
	char *end;
	long pid;

	for (; column > 0; column--) {
		line += strspn(line, " ");
		line += strcspn(line, " ");
	}
	pid = strtol(line, &end, 10);
	return *end == ' ' || *end == '\n' || !*end ? (pid_t)pid : 0;
}

/* Copies the lines of ps(1) that are about the container. */
static int filter(FILE *in, const struct buf *pids)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int column;

	if (getline(&line, &room, in) <= 0)
		return 0;
	fputs(line, stdout);
	column = pid_column(line);
	if (column < 0)
		return fail_plain(EINVAL, "the output of ps has no PID column");
	while (getline(&line, &room, in) > 0) {
		pid_t pid = pid_in(line, column);

		if (pid <= 0)
			return fail_plain(EINVAL, "the pid must come before "
						  "what holds blanks");
		if (holds(pids, pid))
			fputs(line, stdout);
	}
	return 0;
}

static void print_numbers(const struct buf *pids)
{
	puts("PID");
	for (size_t i = 0; i < count(pids); i++)
		printf("%d\n", at_index(pids, i));
}

/* Takes in, ps(1)'s output. */
static int filter_and_wait(FILE *in, pid_t pid, const struct buf *pids)
{
	int r = filter(in, pids);
	int status;

	/* Closed first: a ps(1) that still writes is not to be waited for. */
	fclose(in);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(errno, "wait for ps");
	if (r == 0 && status != 0)
		return fail_plain(EINVAL, "ps failed");
	return r;
}

/* options: of ps(1), NULL-terminated; the first place is ours to fill. */
static int print_table(const struct buf *pids, char **options)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(errno, "make a pipe");

	FILE *in = fdopen(ends[0], "re");

	if (!in) {
		close(ends[0]);
		close(ends[1]);
		return fail(ENOMEM, "run ps");
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	options[0] = (char *)"ps";

	int err = posix_spawnp(&pid, "ps", &actions, NULL, options, environ);

	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (!err)
		return filter_and_wait(in, pid, pids);
	fclose(in);
	if (err != ENOENT)
		return fail(err, "run ps");
	/* No ps(1) here: the numbers at least. */
	print_numbers(pids);
	return 0;
}

static int get_pids(const struct store *s, const char *id, struct buf *pids)
{
	_cleanup_(container_close)
	struct container c = {};
	int r = container_open(s, id, &c);

	return r < 0 ? r : container_pids(&c, pids);
}

static int run_ps(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close)
	struct store s = {.fd = -1};
	_cleanup_(buf_fini)
	struct buf pids = {};
	char *usual[] = {NULL, (char *)"-ef", NULL};
	static const char *const forms[] = {"table", "json", NULL};
	const char *format = "table";
	const struct option options[] = {
		{"format", 'f', OPTION_STRING, &format, "FORMAT",
		 "table or json"},
		{},
	};
	int at = cmd_options(&cmd_ps, options, argc, argv);
	int form, r;

	if (at <= 0)
		return at;
	if (at >= argc)
		return fail_plain(EINVAL, "a container id is missing");
	form = cmd_word("format", format, forms);
	if (form < 0)
		return form;
	r = store_open(g->root, &s);
	if (r == 0)
		r = get_pids(&s, argv[at], &pids);
	if (r < 0)
		return r;
	if (form == 0)
		return print_table(&pids, at + 1 < argc ? argv + at : usual);
	print_json(&pids);
	return 0;
}

const struct command cmd_ps = {
	.name = "ps",
	.arguments = "ID [OPTION OF ps(1)]...",
	.purpose = "List the processes of a container",
	.run = run_ps,
};
