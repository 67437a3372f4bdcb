/* SPDX-License-Identifier: MIT */
/* Tables of object members: which reader fills which member of a struct. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/json.h"
#include "oci/names.h"

struct arena;

/*
 * Every object of the runtime-spec is one table of fields, so that wrong
 * types, missing members and unknown members are noticed in one place. A
 * member that is null counts as absent. A member called "//" is a comment,
 * read by nobody.
 */
struct field_context {
	struct arena *arena; /* what the values are copied to */
	const char *what;    /* name of the file, for debug lines */
};

struct field;

/*
 * Reads v as the field f of object, a struct that the table was made for.
 * Returns 0 or -errno with fail() text that begins with v's pointer.
 */
typedef int field_reader(struct field_context *c, const struct json *v,
			 const struct field *f, void *object);

/* What is left to do for an object when all its members were read. */
typedef int field_finish(struct field_context *c, const struct json *v,
			 void *object);

/* One member; tables end with a NULL name. */
struct field {
	const char *name;
	field_reader *read;
	size_t at;            /* offset of the struct's member */
	size_t size;          /* its size; for field_objects: an element's */
	size_t has;           /* offset of the has_ flag plus one; 0: none */
	size_t count;         /* offset of the n_ member, for arrays */
	const void *of;       /* a struct field table, or a struct name table */
	field_finish *finish; /* for field_object and field_objects */
	bool required;
};

#define FIELD_MEMBER(type, member) \
	.at = offsetof(type, member), .size = sizeof(((type *)NULL)->member)

/* The offset for .has */
#define FIELD_HAS(type, member) (offsetof(type, member) + 1)

/* The members .at, .size and .count of an array and its n_ member. */
#define FIELD_ARRAY(type, member, n_member)                                    \
	.at = offsetof(type, member), .size = sizeof(*((type *)NULL)->member), \
	.count = offsetof(type, n_member)

/* Reads all members of the object v by a table into object. */
int fields_read(struct field_context *c, const struct json *v,
		const struct field *table, void *object);

/* A number into a member of 2, 4 or 8 bytes, checked against its range. */
field_reader field_unsigned, field_signed;
field_reader field_bool;
/* A string; as `const char *`. */
field_reader field_string;
/* The same, where "" means that there is none: NULL. */
field_reader field_word_or_null;
/* An array of strings, with a NULL at its end. */
field_reader field_strings;
/* A word of the names in .of, as its number; .size 4 or 8 bytes. */
field_reader field_name;
/* An array of words of the names in .of, their numbers or-ed together. */
field_reader field_name_set;
/* An object inside the struct at .at, by the table in .of. */
field_reader field_object;
/* The same, where the members belong to the struct around the object. */
field_reader field_inline;
/* An array of structs of .size, each by the table in .of. */
field_reader field_objects;
/* An object of strings as an array of struct spec_key_value. */
field_reader field_pairs;
/* A list like "0-3,7" as a struct spec_cpu_set. */
field_reader field_cpu_set;
/* Known, but read elsewhere: by the .finish of its object. */
field_reader field_later;

/* -- Single values, for readers of odd shapes ------------------------------ */

/* 0 when v has the type, else -EINVAL with text. */
int field_is(const struct json *v, enum json_type type);

/* Whether the member m is a comment; its value does not matter then. */
bool field_is_comment(const struct json *m);

/* A whole number in a range. Returns 0 or -EINVAL with text. */
int field_u64(const struct json *v, uint64_t max, uint64_t *out);
int field_i64(const struct json *v, int64_t min, int64_t max, int64_t *out);

/* A copy of the string v in the arena. Returns 0 or -errno with text. */
int field_copy(struct field_context *c, const struct json *v, const char **out);

/* The number of the word v in table. Returns 0 or -EINVAL with text. */
int field_lookup(const struct json *v, const struct name *table, uint64_t *out);

/* -ENOMEM with text. */
int field_no_memory(void);
