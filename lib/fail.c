/* SPDX-License-Identifier: MIT */
/* The text of a failure: recorded once where it happens, prefixed on the way up. */
#include "lib/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char text[FAIL_TEXT_MAX];

static size_t append(size_t at, const char *format, va_list ap)
{
	int n = vsnprintf(text + at, sizeof(text) - at, format, ap);

	if (n < 0)
		return at;
	return (size_t)n < sizeof(text) - at ? at + n : sizeof(text) - 1;
}

static size_t append_str(size_t at, const char *s)
{
	size_t n = strnlen(s, sizeof(text) - 1 - at);

	memcpy(text + at, s, n);
	text[at + n] = '\0';
	return at + n;
}

int fail(int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	size_t n = append(0, format, ap);
	va_end(ap);
	n = append_str(n, ": ");
	append_str(n, strerror(err));
	return -err;
}

int fail_plain(int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	append(0, format, ap);
	va_end(ap);
	return -err;
}

int fail_in(int r, const char *format, ...)
{
	char old[FAIL_TEXT_MAX];
	va_list ap;

	memcpy(old, text, strlen(text) + 1);
	va_start(ap, format);
	size_t n = append(0, format, ap);
	va_end(ap);
	n = append_str(n, ": ");
	append_str(n, old[0] ? old : strerror(-r));
	return r;
}

int fail_hint(int r, const char *format, ...)
{
	va_list ap;
	size_t n = append_str(strlen(text), " (");

	va_start(ap, format);
	n = append(n, format, ap);
	va_end(ap);
	append_str(n, ")");
	return r;
}

int fail_from(int err, const char *from, size_t len)
{
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(text, from, len);
	text[len] = '\0';
	return -err;
}

const char *fail_text(void)
{
	return text;
}

void fail_clear(void)
{
	text[0] = '\0';
}
