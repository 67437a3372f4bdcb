/* SPDX-License-Identifier: MIT */
/* bulkhead start: the program of a created container runs. */
#include "runtime/start.h"

#include "cmd/cmd.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

static int start(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	const struct option options[] = {{}};
	int at = cmd_options(&cmd_start, options, argc, argv);
	const char *id = NULL;
	int r;

	if (at <= 0)
		return at;
	r = cmd_one_id(argc, argv, at, &id);
	if (r == 0)
		r = store_open(g->root, &s);
	return r < 0 ? r : start_container(&s, id);
}

const struct command cmd_start = {
	.name = "start",
	.arguments = "ID",
	.purpose = "Run the program of a created container",
	.run = start,
};
