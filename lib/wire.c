/* SPDX-License-Identifier: MIT */
/* Tag-length-value records: what is written to state files and channels. */
#include "lib/wire.h"

#include <endian.h>
#include <string.h>

#include "lib/arena.h"

#define HEADER_BYTES 8

static void put_header(struct buf *b, uint16_t tag, size_t len)
{
	uint16_t head[4] = {htole16(tag), 0};
	uint32_t n = htole32((uint32_t)len);

	memcpy(&head[2], &n, sizeof(n));
	buf_put(b, head, sizeof(head));
	if (len > UINT32_MAX)
		b->failed = true;
}

void wire_put(struct buf *b, uint16_t tag, const void *bytes, size_t len)
{
	put_header(b, tag, len);
	buf_put(b, bytes, len);
}

void wire_put_u64(struct buf *b, uint16_t tag, uint64_t value)
{
	value = htole64(value);
	wire_put(b, tag, &value, sizeof(value));
}

void wire_put_str(struct buf *b, uint16_t tag, const char *s)
{
	if (s)
		wire_put(b, tag, s, strlen(s));
}

size_t wire_begin(struct buf *b, uint16_t tag)
{
	size_t mark = b->len;

	put_header(b, tag, 0);
	return mark;
}

void wire_end(struct buf *b, size_t mark)
{
	if (b->failed)
		return;

	uint32_t len = htole32((uint32_t)(b->len - mark - HEADER_BYTES));

	memcpy(b->data + mark + 4, &len, sizeof(len));
}

struct wire wire_of(const void *bytes, size_t len)
{
	return (struct wire){.at = bytes, .left = len};
}

bool wire_next(struct wire *w, struct wire_field *f)
{
	uint16_t tag;
	uint32_t len;

	if (w->left == 0 || w->bad)
		return false;
	if (w->left < HEADER_BYTES) {
		w->bad = true;
		return false;
	}
	memcpy(&tag, w->at, sizeof(tag));
	memcpy(&len, w->at + 4, sizeof(len));
	len = le32toh(len);
	if (len > w->left - HEADER_BYTES) {
		w->bad = true;
		return false;
	}
	*f = (struct wire_field){.tag = le16toh(tag),
				 .bytes = w->at + HEADER_BYTES,
				 .len = len};
	w->at += HEADER_BYTES + len;
	w->left -= HEADER_BYTES + len;
	return true;
}

uint64_t wire_u64(const struct wire_field *f)
{
	uint64_t value;

	if (f->len != sizeof(value))
		return 0;
	memcpy(&value, f->bytes, sizeof(value));
	return le64toh(value);
}

char *wire_str(const struct wire_field *f, struct arena *a)
{
	if (f->len && memchr(f->bytes, '\0', f->len))
		return NULL;
	return arena_strndup(a, (const char *)f->bytes, f->len);
}

struct wire wire_inside(const struct wire_field *f)
{
	return wire_of(f->bytes, f->len);
}

uint64_t wire_hash(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		h = (h ^ at[i]) * 0x100000001b3;
	return h;
}
