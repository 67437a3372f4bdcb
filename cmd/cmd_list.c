/* SPDX-License-Identifier: MIT */
/* bulkhead list: all containers of the state directory. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/owner.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "runtime/container.h"

enum form { FORM_TABLE, FORM_JSON, FORM_QUIET };

static void print_row(const struct state *st)
{
	printf("%-20s %-8d %-9s %-32s %-31s %s\n", st->id, st->pid,
	       status_name(st->status), st->bundle, st->created, st->owner);
}

static int print_json(const struct state *st, bool first)
{
	_cleanup_(buf_fini) struct buf b = {};

	state_format(&b, st, 0);
	if (b.failed)
		return fail(ENOMEM, "list");
	if (b.len && b.data[b.len - 1] == '\n')
		b.data[--b.len] = '\0';
	printf("%s%s", first ? "" : ",", buf_str(&b));
	return 0;
}

static int print_one(const struct store *s, const char *id, enum form form,
		     bool first)
{
	_cleanup_(container_close) struct container c = {};
	_cleanup_free_ char *owner = NULL;
	struct state st;
	int r = container_open(s, id, &c);

	if (r == 0)
		r = container_state(&c, &st);
	if (r < 0)
		return r;
	owner = owner_name(c.record ? c.record->owner : 0);
	st.owner = owner ? owner : "";
	if (form == FORM_JSON)
		return print_json(&st, first);
	print_row(&st);
	return 0;
}

static int print_all(const struct store *s, char *const *ids, enum form form)
{
	bool first = true;

	if (form == FORM_TABLE)
		printf("%-20s %-8s %-9s %-32s %-31s %s\n", "ID", "PID",
		       "STATUS", "BUNDLE", "CREATED", "OWNER");
	if (form == FORM_JSON)
		printf("[");
	for (; *ids; ids++) {
		if (form == FORM_QUIET) {
			puts(*ids);
			continue;
		}

		int r = print_one(s, *ids, form, first);

		/* One that was deleted meanwhile is none; a damaged one does
		 * not hide the others. */
		if (r < 0 && r != -ENOENT)
			log_warn("%s: %s", *ids, fail_text());
		first = first && r < 0;
	}
	if (form == FORM_JSON)
		printf("]\n");
	return 0;
}

static int run_list(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	_cleanup_free_ char **ids = NULL;
	const char *format = "table";
	bool quiet = false;
	const struct option options[] = {
		{"format", 'f', OPTION_STRING, &format, "FORMAT",
		 "table or json"},
		{"quiet", 'q', OPTION_FLAG, &quiet, NULL, "only the ids"},
		{},
	};
	int at = cmd_options(&cmd_list, options, argc, argv);
	bool json = strcmp(format, "json") == 0;
	int r;

	if (at <= 0)
		return at;
	if (at < argc)
		return fail_plain(EINVAL, "too many arguments: \"%s\"",
				  argv[at]);
	if (!json && strcmp(format, "table") != 0)
		return fail_plain(EINVAL,
				  "--format %s: table or json is wanted",
				  format);
	r = store_open(g->root, &s);
	if (r == 0)
		r = store_list(&s, &ids);
	if (r < 0)
		return r;
	return print_all(&s, ids, quiet ? FORM_QUIET
				  : json ? FORM_JSON
					 : FORM_TABLE);
}

const struct command cmd_list = {
	.name = "list",
	.arguments = "",
	.purpose = "List the containers",
	.run = run_list,
};
