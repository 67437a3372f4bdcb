/* SPDX-License-Identifier: MIT */
/* bulkhead delete: nothing is left of a container. */
#include "runtime/delete.h"

#include "cmd/cmd.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

static int delete_one(const struct store *s, const char *id, void *arg)
{
	const bool *force = arg;

	return delete_container(s, id, *force);
}

static int run_delete(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	bool force = false, regex = false;
	const struct option options[] = {
		{"force", 'f', OPTION_FLAG, &force, NULL,
		 "kill it first when it runs"},
		{"regex", 'r', OPTION_FLAG, &regex, NULL,
		 "ID is a regular expression"},
		{},
	};
	int at = cmd_options(&cmd_delete, options, argc, argv);
	const char *id = NULL;
	int r;

	if (at <= 0)
		return at;
	r = cmd_one_id(argc, argv, at, &id);
	if (r == 0)
		r = store_open(g->root, &s);
	if (r < 0)
		return r;
	return regex ? cmd_each_match(&s, id, delete_one, &force)
		     : delete_one(&s, id, &force);
}

const struct command cmd_delete = {
	.name = "delete",
	.arguments = "ID",
	.purpose = "Remove a container that has ended",
	.run = run_delete,
};
