/* SPDX-License-Identifier: MIT */
/* The state document of a container, as engines and hooks read it. */
#include "oci/state.h"

#include "lib/buf.h"
#include "oci/spec.h"

static const char *const status_names[] = {
	[STATUS_CREATING] = "creating", [STATUS_CREATED] = "created",
	[STATUS_RUNNING] = "running",   [STATUS_PAUSED] = "paused",
	[STATUS_STOPPED] = "stopped",
};

const char *status_name(enum status status)
{
	return status_names[status];
}

/* Writes the beginning of a member, up to its value. */
static void put_key(struct buf *b, const char *key, int pretty)
{
	buf_puts(b, pretty ? ",\n  " : ",");
	buf_put_json(b, key);
	buf_puts(b, pretty ? ": " : ":");
}

static void put_member(struct buf *b, const char *key, const char *value,
		       int pretty)
{
	if (!value)
		return;
	put_key(b, key, pretty);
	buf_put_json(b, value);
}

static void put_annotations(struct buf *b, const struct state *state,
			    int pretty)
{
	put_key(b, "annotations", pretty);
	buf_puts(b, "{");
	for (size_t i = 0; i < state->n_annotations; i++) {
		if (i)
			buf_puts(b, ",");
		if (pretty)
			buf_puts(b, "\n    ");
		buf_put_json(b, state->annotations[i].key);
		buf_puts(b, pretty ? ": " : ":");
		buf_put_json(b, state->annotations[i].value);
	}
	buf_puts(b, pretty && state->n_annotations ? "\n  }" : "}");
}

void state_format(struct buf *b, const struct state *state, int pretty)
{
	buf_puts(b, pretty ? "{\n  \"ociVersion\": " : "{\"ociVersion\":");
	buf_put_json(b, OCI_VERSION);
	put_member(b, "id", state->id, pretty);
	put_member(b, "status", status_name(state->status), pretty);
	put_key(b, "pid", pretty);
	buf_printf(b, "%d", (int)state->pid);
	put_member(b, "bundle", state->bundle, pretty);
	put_member(b, "rootfs", state->rootfs, pretty);
	put_member(b, "created", state->created, pretty);
	put_member(b, "owner", state->owner, pretty);
	put_annotations(b, state, pretty);
	buf_puts(b, pretty ? "\n}\n" : "}\n");
}
