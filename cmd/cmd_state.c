/* SPDX-License-Identifier: MIT */
/* bulkhead state: the state document of a container. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "runtime/container.h"

static int print_state(const struct store *s, const char *id)
{
	_cleanup_(container_close) struct container c = {};
	_cleanup_(buf_fini) struct buf b = {};
	struct state state;
	int r = container_open(s, id, &c);

	if (r == 0)
		r = container_state(&c, &state);
	if (r < 0)
		return r;
	state_format(&b, &state, 1);
	if (b.failed)
		return fail(ENOMEM, "state");
	fputs(buf_str(&b), stdout);
	return 0;
}

static int run_state(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	const struct option options[] = {{}};
	int at = cmd_options(&cmd_state, options, argc, argv);
	const char *id = NULL;
	int r;

	if (at <= 0)
		return at;
	r = cmd_one_id(argc, argv, at, &id);
	if (r == 0)
		r = store_open(g->root, &s);
	return r < 0 ? r : print_state(&s, id);
}

const struct command cmd_state = {
	.name = "state",
	.arguments = "ID",
	.purpose = "Print the state of a container as JSON",
	.run = run_state,
};
