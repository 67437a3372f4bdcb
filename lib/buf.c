/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with formatted and JSON output. */
#include "lib/buf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/utf8.h"

#define READ_CHUNK 65536

static bool reserve(struct buf *b, size_t more)
{
	size_t need;

	if (b->failed || __builtin_add_overflow(b->len, more, &need) ||
	    __builtin_add_overflow(need, 1, &need)) {
		b->failed = true;
		return false;
	}
	if (need <= b->room)
		return true;

	size_t room = b->room ? b->room : 128;

	while (room < need)
		room = room > SIZE_MAX / 2 ? need : room * 2;
	char *data = realloc(b->data, room);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->room = room;
	b->data[b->len] = '\0';
	return true;
}

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){};
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(b, format, ap);
	va_end(ap);
}

void buf_vprintf(struct buf *b, const char *format, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n < 0 || !reserve(b, n)) {
		b->failed = true;
		return;
	}
	vsnprintf(b->data + b->len, n + 1, format, ap);
	b->len += n;
}

void buf_put_json(struct buf *b, const char *s)
{
	if (!s) {
		buf_puts(b, "null");
		return;
	}
	buf_puts(b, "\"");
	while (*s) {
		const unsigned char *c = (const unsigned char *)s;
		size_t n = utf8_len(c);

		if (*c == '"' || *c == '\\')
			buf_printf(b, "\\%c", *c);
		else if (*c == '\n')
			buf_puts(b, "\\n");
		else if (*c == '\t')
			buf_puts(b, "\\t");
		else if (*c < 0x20 || *c == 0x7f)
			buf_printf(b, "\\u%04x", *c);
		else if (n)
			buf_put(b, s, n);
		else
			buf_puts(b, "\\ufffd");
		s += n ? n : 1;
	}
	buf_puts(b, "\"");
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

int buf_read_fd(struct buf *b, int fd, size_t max)
{
	size_t left = max;

	for (;;) {
		size_t want = left < READ_CHUNK ? left + 1 : READ_CHUNK;

		if (!reserve(b, want))
			return -ENOMEM;
		ssize_t n = read(fd, b->data + b->len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		if ((size_t)n > left) {
			b->data[b->len] = '\0';
			return -EFBIG;
		}
		left -= n;
		b->len += n;
		b->data[b->len] = '\0';
	}
	b->data[b->len] = '\0';
	return 0;
}
