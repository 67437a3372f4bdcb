/* SPDX-License-Identifier: MIT */
/* bulkhead create: a container that waits for start. */
#include "cmd/cmd.h"
#include "cmd/create_options.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

static int create(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	struct create_options o = {};
	const char *isolation = g->isolation;
	const struct option options[] = {
		CREATE_OPTIONS(&o, &isolation),
		{},
	};
	int at = cmd_options(&cmd_create, options, argc, argv);
	int r;

	if (at <= 0)
		return at;
	r = cmd_one_id(argc, argv, at, &o.id);
	if (r == 0)
		r = cmd_can_create(g, isolation, &o);
	if (r == 0)
		r = store_open(g->root, &s);
	if (r == 0)
		r = create_container(&s, &o);
	return r < 0 && o.id ? fail_in(r, "\"%.255s\"", o.id) : r;
}

const struct command cmd_create = {
	.name = "create",
	.arguments = "ID",
	.purpose = "Make a container that waits for start",
	.run = create,
	.enters = true,
};
