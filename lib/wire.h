/* SPDX-License-Identifier: MIT */
/* Tag-length-value records: what is written to state files and channels. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct arena;

/*
 * A record is a sequence of fields: u16 tag, u16 zero, u32 length, the bytes.
 * All numbers are little endian. A field may hold a sequence of fields.
 * Readers skip tags that they do not know, so that a newer writer's record
 * stays readable. Nothing is aligned; everything is length-checked.
 */

/* Appends a field of len bytes. */
void wire_put(struct buf *b, uint16_t tag, const void *bytes, size_t len);

/* Appends a number (8 bytes). */
void wire_put_u64(struct buf *b, uint16_t tag, uint64_t value);

/* Appends a string without its NUL; NULL appends nothing. */
void wire_put_str(struct buf *b, uint16_t tag, const char *s);

/* Begins a field that holds fields; returns a mark for wire_end(). */
size_t wire_begin(struct buf *b, uint16_t tag);

/* Ends the field begun at mark. */
void wire_end(struct buf *b, size_t mark);

/* What is left to read. Zeroed: nothing. Borrows the bytes. */
struct wire {
	const uint8_t *at;
	size_t left;
	bool bad; /* a field ran over the end; reading has stopped */
};

struct wire_field {
	uint16_t tag;
	const uint8_t *bytes;
	size_t len;
};

/* A reader of len bytes. */
struct wire wire_of(const void *bytes, size_t len);

/* Takes the next field; false at the end or when the record is bad. */
bool wire_next(struct wire *w, struct wire_field *f);

#define wire_for_each(w, f) while (wire_next((w), (f)))

/* The field's number; 0 when it is not 8 bytes long. */
uint64_t wire_u64(const struct wire_field *f);

/* A copy of the field as a string; NULL when out of memory or with a NUL. */
char *wire_str(const struct wire_field *f, struct arena *a);

/* A reader of the fields inside the field. */
struct wire wire_inside(const struct wire_field *f);

/* FNV-1a of the bytes, 64 bits: tells damage and differences, not malice. */
uint64_t wire_hash(const void *bytes, size_t len);
