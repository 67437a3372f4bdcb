/* SPDX-License-Identifier: MIT */
/* bulkhead run: a container from a bundle to its end. */
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/create_options.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

/* An argument with a slash is a bundle: no id has one. */
static int take_argument(struct create_options *o, int argc, char **argv,
			 int at)
{
	if (at < argc && strchr(argv[at], '/')) {
		if (o->bundle)
			return fail_plain(EINVAL, "two bundles: %s and %s",
					  o->bundle, argv[at]);
		o->bundle = argv[at++];
		if (at == argc)
			return 0;
	}
	return cmd_one_id(argc, argv, at, &o->id);
}

static int run(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	struct create_options o = {};
	const char *isolation = g->isolation;
	const struct option options[] = {
		CREATE_OPTIONS(&o, &isolation),
		{"detach", 'd', OPTION_FLAG, &o.detach, NULL,
		 "return once the program runs"},
		{"keep", 0, OPTION_FLAG, &o.keep, NULL,
		 "do not delete the container at its end"},
		{},
	};
	int at = cmd_options(&cmd_run, options, argc, argv);
	int code = 0;
	int r;

	if (at <= 0)
		return at;
	r = take_argument(&o, argc, argv, at);
	if (r == 0)
		r = cmd_can_create(g, isolation, &o);
	if (r == 0)
		r = store_open(g->root, &s);
	if (r == 0)
		r = run_container(&s, &o, &code);
	if (r < 0 && o.id)
		return fail_in(r, "\"%.255s\"", o.id);
	return r < 0 ? r : code;
}

const struct command cmd_run = {
	.name = "run",
	.arguments = "BUNDLE/ | ID",
	.purpose = "Make a container, run its program, and delete it",
	.run = run,
	.enters = true,
};
