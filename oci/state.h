/* SPDX-License-Identifier: MIT */
/* The state document of a container, as engines and hooks read it. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct buf;
struct spec_key_value;

enum status {
	STATUS_CREATING,
	STATUS_CREATED,
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED,
};

/* What the document says. All strings are borrowed. */
struct state {
	const char *id;
	enum status status;
	pid_t pid; /* 0 when there is no process */
	const char *bundle; /* absolute */
	const char *rootfs; /* absolute; NULL in a hook's state */
	const char *created; /* RFC 3339; NULL in a hook's state */
	const char *owner; /* user name or ""; NULL in a hook's state */
	const struct spec_key_value *annotations;
	size_t n_annotations;
};

#define OCI_VERSION "1.3.0" /* of the runtime-spec that we implement */

/* "creating", "created", "running", "paused", "stopped" */
const char *status_name(enum status status);

/* Appends the document, indented when pretty, with a newline at its end. */
void state_format(struct buf *b, const struct state *state, int pretty);
