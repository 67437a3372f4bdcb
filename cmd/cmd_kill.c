/* SPDX-License-Identifier: MIT */
/* bulkhead kill: a signal to a container. */
#include "runtime/kill.h"

#include "cmd/cmd.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/names.h"

struct order {
	int sig;
	bool all;
};

static int kill_one(const struct store *s, const char *id, void *arg)
{
	const struct order *order = arg;

	return kill_container(s, id, order->sig, order->all);
}

static int run_kill(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	struct order order = {};
	bool regex = false;
	const struct option options[] = {
		{"all", 'a', OPTION_FLAG, &order.all, NULL,
		 "every process of the container"},
		{"regex", 'r', OPTION_FLAG, &regex, NULL,
		 "ID is a regular expression"},
		{},
	};
	int at = cmd_options(&cmd_kill, options, argc, argv);
	int r;

	if (at <= 0)
		return at;
	if (at >= argc || at + 2 < argc)
		return fail_plain(EINVAL, "an id, and a signal, are wanted");
	r = order.sig = name_signal(at + 1 < argc ? argv[at + 1] : "TERM");
	if (r >= 0)
		r = store_open(g->root, &s);
	if (r < 0)
		return r;
	return regex ? cmd_each_match(&s, argv[at], kill_one, &order)
		     : kill_one(&s, argv[at], &order);
}

const struct command cmd_kill = {
	.name = "kill",
	.arguments = "ID [SIGNAL]",
	.purpose = "Send a signal (TERM) to a container",
	.run = run_kill,
};
