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

enum form { FORM_TABLE, FORM_JSON };

#define COLUMNS     6
#define GAP_COLUMNS 3

/* -- The table: cells one behind the other, each with its NUL ------------- */

/* A bundle's name shall neither break the table nor steer the terminal. */
static void put_cell(struct buf *cells, const char *text)
{
	size_t at = cells->len;

	buf_put(cells, text, strlen(text) + 1);
	for (; !cells->failed && at + 1 < cells->len; at++)
		if ((unsigned char)cells->data[at] < ' ' ||
		    cells->data[at] == 0x7f)
			cells->data[at] = '?';
}

static void put_row(struct buf *cells, const struct state *st)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)st->pid);
	put_cell(cells, st->id);
	put_cell(cells, pid);
	put_cell(cells, status_name(st->status));
	put_cell(cells, st->bundle);
	put_cell(cells, st->created);
	put_cell(cells, st->owner);
}

static void print_cells(const struct buf *cells)
{
	const char *end = cells->data + cells->len;
	size_t width[COLUMNS] = {};
	unsigned column = 0;

	for (const char *p = cells->data; p < end; p += strlen(p) + 1) {
		if (strlen(p) > width[column])
			width[column] = strlen(p);
		column = (column + 1) % COLUMNS;
	}
	for (const char *p = cells->data; p < end; p += strlen(p) + 1) {
		if (column + 1 == COLUMNS)
			printf("%s\n", p);
		else
			printf("%-*s", (int)width[column] + GAP_COLUMNS, p);
		column = (column + 1) % COLUMNS;
	}
}

/* -- One container -------------------------------------------------------- */

static int print_json(const struct state *st, bool first)
{
	_cleanup_(buf_fini)
	struct buf b = {};

	state_format(&b, st, 0);
	if (b.failed)
		return fail(ENOMEM, "state");
	if (b.len && b.data[b.len - 1] == '\n')
		b.data[--b.len] = '\0';
	printf("%s%s", first ? "" : ",", buf_str(&b));
	return 0;
}

/* As JSON at once, or into cells. */
static int take_one(const struct store *s, const char *id, enum form form,
		    bool first, struct buf *cells)
{
	_cleanup_(container_close)
	struct container c = {};
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
	put_row(cells, &st);
	return 0;
}

static int print_all(const struct store *s, char *const *ids, enum form form)
{
	static const char *const heading[COLUMNS] = {
		"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"};
	_cleanup_(buf_fini)
	struct buf cells = {};
	bool first = true;

	for (int i = 0; i < COLUMNS; i++)
		put_cell(&cells, heading[i]);
	if (form == FORM_JSON)
		printf("[");
	for (; *ids; ids++) {
		int r = take_one(s, *ids, form, first, &cells);

		/* One that was deleted meanwhile is none; a damaged one does
		 * not hide the others. */
		if (r < 0 && r != -ENOENT)
			log_warn("%s", fail_text());
		first = first && r < 0;
	}
	if (form == FORM_JSON)
		printf("]\n");
	else if (cells.failed)
		return fail(ENOMEM, "table");
	else
		print_cells(&cells);
	return 0;
}

static void print_ids(char *const *ids)
{
	for (; *ids; ids++)
		puts(*ids);
}

static int run_list(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(store_close)
	struct store s = {.fd = -1};
	_cleanup_free_ char **ids = NULL;
	static const char *const forms[] = {"table", "json", NULL};
	const char *format = "table";
	bool quiet = false;
	const struct option options[] = {
		{"format", 'f', OPTION_STRING, &format, "FORMAT",
		 "table or json"},
		{"quiet", 'q', OPTION_FLAG, &quiet, NULL, "only the ids"},
		{},
	};
	int at = cmd_options(&cmd_list, options, argc, argv);
	int form, r;

	if (at <= 0)
		return at;
	r = cmd_no_more(argc, argv, at);
	form = r < 0 ? r : cmd_word("format", format, forms);
	if (form < 0)
		return form;
	r = store_open(g->root, &s);
	if (r == 0)
		r = store_list(&s, &ids);
	if (r < 0)
		return r;
	if (!quiet)
		return print_all(&s, ids, (enum form)form);
	print_ids(ids);
	return 0;
}

const struct command cmd_list = {
	.name = "list",
	.arguments = "",
	.purpose = "List the containers",
	.run = run_list,
};
