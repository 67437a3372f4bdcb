/* SPDX-License-Identifier: MIT */
/* bulkhead pause and resume. */
#include "cmd/cmd.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "runtime/kill.h"

static int with_id(const struct command *cmd, const struct global_options *g,
		   int argc, char **argv,
		   int (*act)(const struct store *s, const char *id))
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	const struct option options[] = {{}};
	int at = cmd_options(cmd, options, argc, argv);
	const char *id = NULL;
	int r;

	if (at <= 0)
		return at;
	r = cmd_one_id(argc, argv, at, &id);
	if (r == 0)
		r = store_open(g->root, &s);
	return r < 0 ? r : act(&s, id);
}

static int run_pause(const struct global_options *g, int argc, char **argv)
{
	return with_id(&cmd_pause, g, argc, argv, pause_container);
}

static int run_resume(const struct global_options *g, int argc, char **argv)
{
	return with_id(&cmd_resume, g, argc, argv, resume_container);
}

const struct command cmd_pause = {
	.name = "pause",
	.arguments = "ID",
	.purpose = "Stop all processes of a container for a while",
	.run = run_pause,
};

const struct command cmd_resume = {
	.name = "resume",
	.arguments = "ID",
	.purpose = "Let a paused container go on",
	.run = run_resume,
};
