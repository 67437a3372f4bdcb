/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with formatted and JSON output. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A zeroed struct is an empty buffer. Out of memory is sticky: `failed` is
 * set, later puts do nothing, and whoever uses the contents asks once at the
 * end. The contents are always NUL-terminated once anything was put.
 */
struct buf {
	char *data;
	size_t len; /* bytes without the NUL */
	size_t room; /* bytes allocated */
	bool failed;
};

/* Frees the contents; the struct is empty and usable again. */
void buf_fini(struct buf *b);

/* Appends len bytes. */
void buf_put(struct buf *b, const void *bytes, size_t len);

/* Appends a string. */
void buf_puts(struct buf *b, const char *s);

/* Appends formatted text. */
void buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends formatted text. */
void buf_vprintf(struct buf *b, const char *format, va_list ap);

/*
 * Appends s as a JSON string with its quotes. Control characters are escaped;
 * bytes that are not UTF-8 become U+FFFD. NULL gives null.
 */
void buf_put_json(struct buf *b, const char *s);

/* The contents as a string; "" when empty. Borrowed from b. */
const char *buf_str(const struct buf *b);

/*
 * Appends all that can be read from fd, at most max bytes.
 * Returns 0, -EFBIG when there is more, or -errno; no fail() text.
 */
int buf_read_fd(struct buf *b, int fd, size_t max);
