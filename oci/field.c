/* SPDX-License-Identifier: MIT */
/* Tables of object members: which reader fills which member of a struct. */
#include "oci/field.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "oci/spec.h"

/* CPUs and memory nodes that a list may name; the kernel has up to 8192. */
#define CPU_LIMIT 65536

static const char *const type_names[] = {
	[JSON_NULL] = "null",       [JSON_BOOL] = "a boolean",
	[JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
	[JSON_ARRAY] = "an array",  [JSON_OBJECT] = "an object",
};

/* -- Single values --------------------------------------------------------- */

int field_no_memory(void)
{
	return fail_plain(ENOMEM, "out of memory");
}

int field_is(const struct json *v, enum json_type type)
{
	if (v->type == type)
		return 0;
	return json_fail(v, "must be %s, not %s", type_names[type],
			 type_names[v->type]);
}

bool field_is_comment(const struct json *m)
{
	return strcmp(m->key, "//") == 0;
}

/* The digits of a whole number as it was written, without its sign. */
static int whole_number(const struct json *v, bool *negative, uint64_t *out)
{
	int r = field_is(v, JSON_NUMBER);

	if (r < 0)
		return r;
	*negative = v->text[0] == '-';

	const char *digits = v->text + *negative;

	if (digits[strspn(digits, "0123456789")] != '\0')
		return json_fail(v, "must be a whole number, not %s", v->text);
	errno = 0;
	*out = strtoull(digits, NULL, 10);
	if (errno)
		return json_fail(v, "%s is out of range", v->text);
	return 0;
}

int field_u64(const struct json *v, uint64_t max, uint64_t *out)
{
	bool negative;
	int r = whole_number(v, &negative, out);

	if (r < 0)
		return r;
	if (negative && *out)
		return json_fail(v, "must not be negative");
	if (*out > max)
		return json_fail(v, "%s is more than %llu", v->text,
				 (unsigned long long)max);
	return 0;
}

int field_i64(const struct json *v, int64_t min, int64_t max, int64_t *out)
{
	bool negative;
	uint64_t n;
	int r = whole_number(v, &negative, &n);

	if (r < 0)
		return r;
	if (n > (uint64_t)INT64_MAX + negative)
		return json_fail(v, "%s is out of range", v->text);
	*out = negative ? (int64_t)(0 - n) : (int64_t)n;
	if (*out < min)
		return json_fail(v, "%s is less than %lld", v->text,
				 (long long)min);
	if (*out > max)
		return json_fail(v, "%s is more than %lld", v->text,
				 (long long)max);
	return 0;
}

int field_copy(struct field_context *c, const struct json *v, const char **out)
{
	int r = field_is(v, JSON_STRING);

	if (r < 0)
		return r;
	*out = arena_strdup(c->arena, v->text);
	return *out ? 0 : field_no_memory();
}

int field_lookup(const struct json *v, const struct name *table, uint64_t *out)
{
	int r = field_is(v, JSON_STRING);

	if (r < 0)
		return r;

	const struct name *n = name_find(table, v->text);

	if (!n)
		return json_fail(v, "unknown word \"%s\"", v->text);
	*out = n->number;
	return 0;
}

/* -- Readers --------------------------------------------------------------- */

static void *member(const struct field *f, void *object)
{
	return (char *)object + f->at;
}

static void set_count(const struct field *f, void *object, size_t count)
{
	memcpy((char *)object + f->count, &count, sizeof(count));
}

/* Stores the low f->size bytes; the range has been checked. */
static void store(const struct field *f, void *object, uint64_t value)
{
	void *at = member(f, object);

	if (f->size == sizeof(uint16_t))
		*(uint16_t *)at = (uint16_t)value;
	else if (f->size == sizeof(uint32_t))
		*(uint32_t *)at = (uint32_t)value;
	else
		*(uint64_t *)at = value;
}

int field_unsigned(struct field_context *c, const struct json *v,
		   const struct field *f, void *object)
{
	uint64_t value;
	int r = field_u64(v, UINT64_MAX >> (64 - 8 * f->size), &value);

	(void)c;
	if (r == 0)
		store(f, object, value);
	return r;
}

int field_signed(struct field_context *c, const struct json *v,
		 const struct field *f, void *object)
{
	int64_t max = INT64_MAX >> (64 - 8 * f->size), value;
	int r = field_i64(v, -max - 1, max, &value);

	(void)c;
	if (r == 0)
		store(f, object, (uint64_t)value);
	return r;
}

int field_bool(struct field_context *c, const struct json *v,
	       const struct field *f, void *object)
{
	int r = field_is(v, JSON_BOOL);

	(void)c;
	if (r == 0)
		*(bool *)member(f, object) = v->boolean;
	return r;
}

int field_string(struct field_context *c, const struct json *v,
		 const struct field *f, void *object)
{
	return field_copy(c, v, member(f, object));
}

int field_word_or_null(struct field_context *c, const struct json *v,
		       const struct field *f, void *object)
{
	if (v->type == JSON_STRING && !*v->text)
		return 0;
	return field_copy(c, v, member(f, object));
}

int field_strings(struct field_context *c, const struct json *v,
		  const struct field *f, void *object)
{
	int r = field_is(v, JSON_ARRAY);

	if (r < 0)
		return r;

	const char **strings =
		arena_array(c->arena, v->count + 1, sizeof(*strings));

	if (!strings)
		return field_no_memory();
	*(const char ***)member(f, object) = strings;
	json_for_each (e, v) {
		r = field_copy(c, e, strings++);
		if (r < 0)
			return r;
	}
	return 0;
}

int field_name(struct field_context *c, const struct json *v,
	       const struct field *f, void *object)
{
	uint64_t number = 0;
	int r = field_lookup(v, f->of, &number);

	(void)c;
	if (r == 0)
		store(f, object, number);
	return r;
}

int field_name_set(struct field_context *c, const struct json *v,
		   const struct field *f, void *object)
{
	uint64_t set = 0, number = 0;
	int r = field_is(v, JSON_ARRAY);

	(void)c;
	if (r < 0)
		return r;
	json_for_each (e, v) {
		r = field_lookup(e, f->of, &number);
		if (r < 0)
			return r;
		set |= number;
	}
	store(f, object, set);
	return 0;
}

/* One object by the table in f->of, and what its f->finish has to say. */
static int read_object(struct field_context *c, const struct json *v,
		       const struct field *f, void *object)
{
	int r = fields_read(c, v, f->of, object);

	if (r == 0 && f->finish)
		r = f->finish(c, v, object);
	return r;
}

int field_object(struct field_context *c, const struct json *v,
		 const struct field *f, void *object)
{
	return read_object(c, v, f, member(f, object));
}

int field_inline(struct field_context *c, const struct json *v,
		 const struct field *f, void *object)
{
	return read_object(c, v, f, object);
}

int field_objects(struct field_context *c, const struct json *v,
		  const struct field *f, void *object)
{
	int r = field_is(v, JSON_ARRAY);

	if (r < 0 || !v->count)
		return r;

	char *elements = arena_array(c->arena, v->count, f->size);

	if (!elements)
		return field_no_memory();
	*(void **)member(f, object) = elements;
	set_count(f, object, v->count);
	json_for_each (e, v) {
		r = read_object(c, e, f, elements);
		if (r < 0)
			return r;
		elements += f->size;
	}
	return 0;
}

int field_pairs(struct field_context *c, const struct json *v,
		const struct field *f, void *object)
{
	int r = field_is(v, JSON_OBJECT);
	size_t n = 0;

	if (r < 0 || !v->count)
		return r;

	struct spec_key_value *pairs =
		arena_array(c->arena, v->count, sizeof(*pairs));

	if (!pairs)
		return field_no_memory();
	json_for_each (e, v) {
		if (field_is_comment(e))
			continue;
		r = field_copy(c, e, &pairs[n].value);
		if (r < 0)
			return r;
		pairs[n].key = arena_strdup(c->arena, e->key);
		if (!pairs[n++].key)
			return field_no_memory();
	}
	*(struct spec_key_value **)member(f, object) = pairs;
	set_count(f, object, n);
	return 0;
}

int field_later(struct field_context *c, const struct json *v,
		const struct field *f, void *object)
{
	(void)c, (void)v, (void)f, (void)object;
	return 0;
}

/* -- Lists of CPUs --------------------------------------------------------- */

/* Takes a number below CPU_LIMIT from *s; -1 when there is none. */
static long take_cpu(const char **s)
{
	long n = 0;

	if (**s < '0' || **s > '9')
		return -1;
	for (; **s >= '0' && **s <= '9'; ++*s) {
		n = n * 10 + (**s - '0');
		if (n >= CPU_LIMIT)
			return -1;
	}
	return n;
}

/* Marks the CPUs of a list; false when it is not one. */
static bool mark_cpus(const char *s, uint8_t marks[static CPU_LIMIT])
{
	for (;; s++) {
		long first = take_cpu(&s), last = first;

		if (*s == '-') {
			s++;
			last = take_cpu(&s);
		}
		if (first < 0 || last < first)
			return false;
		memset(marks + first, 1, last - first + 1);
		if (*s != ',')
			return *s == '\0';
	}
}

int field_cpu_set(struct field_context *c, const struct json *v,
		  const struct field *f, void *object)
{
	struct spec_cpu_set *set = member(f, object);
	size_t n = 0;
	int r = field_is(v, JSON_STRING);

	if (r < 0 || !*v->text)
		return r;

	_cleanup_free_ uint8_t *marks = calloc(CPU_LIMIT, 1);

	if (!marks)
		return field_no_memory();
	if (!mark_cpus(v->text, marks))
		return json_fail(v, "\"%s\" is no list like 0-3,7", v->text);
	for (size_t i = 0; i < CPU_LIMIT; i++)
		n += marks[i];
	set->cpus = arena_array(c->arena, n, sizeof(*set->cpus));
	if (!set->cpus)
		return field_no_memory();
	for (uint32_t i = 0; i < CPU_LIMIT; i++)
		if (marks[i])
			set->cpus[set->n_cpus++] = i;
	return 0;
}

/* -- Objects --------------------------------------------------------------- */

static const struct field *find(const struct field *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* Says, at debug, that nobody reads m. */
static void note_unknown(const struct field_context *c, const struct json *m)
{
	if (!log_would(LOG_LEVEL_DEBUG))
		return;
	json_fail(m, "unknown field, ignored");
	log_debug("%s: %s", c->what, fail_text());
	fail_clear();
}

static int read_member(struct field_context *c, const struct json *m,
		       const struct field *table, void *object)
{
	const struct field *f = find(table, m->key);

	if (field_is_comment(m))
		return 0;
	if (!f) {
		note_unknown(c, m);
		return 0;
	}
	if (m->type == JSON_NULL)
		return 0;

	int r = f->read(c, m, f, object);

	if (r == 0 && f->has)
		*((bool *)object + f->has - 1) = true;
	return r;
}

int fields_read(struct field_context *c, const struct json *v,
		const struct field *table, void *object)
{
	int r = field_is(v, JSON_OBJECT);

	if (r < 0)
		return r;
	json_for_each (m, v) {
		r = read_member(c, m, table, object);
		if (r < 0)
			return r;
	}
	for (const struct field *f = table; f->name; f++)
		if (f->required && !json_get(v, f->name))
			return json_fail(v, "\"%s\" is missing", f->name);
	return 0;
}
