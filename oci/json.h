/* SPDX-License-Identifier: MIT */
/* JSON text to a tree in an arena, and typed reading of that tree. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/*
 * One value; children are linked in the order of the text. Every value knows
 * where it stands, so that an error can name its JSON pointer (RFC 6901).
 */
struct json {
	enum json_type type;
	bool boolean;
	const char *text; /* string, or number as written; NUL-terminated */
	const char *key; /* member name in an object, else NULL */
	size_t index; /* position in an array */
	size_t count; /* children */
	struct json *parent, *first, *last, *next;
};

/*
 * Parses text strictly: one value, no comments, UTF-8, no duplicate keys, no
 * NUL inside strings, at most max_depth levels.
 * Returns the root, in the arena, or NULL with errno set and fail() text
 * "WHAT: /at/pointer: …" or "WHAT: line N: …".
 */
struct json *json_parse(const char *text, size_t len, const char *what,
			unsigned max_depth, struct arena *a);

#define json_for_each(v, parent)                                               \
	for (const struct json *v = (parent) ? (parent)->first : NULL; v;      \
	     v = v->next)

/* The member called key; NULL when absent, null, or when v is NULL. */
const struct json *json_get(const struct json *v, const char *key);

/* Records "/pointer/of/v: TEXT" as fail() text. Returns -EINVAL. */
int json_fail(const struct json *v, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));
