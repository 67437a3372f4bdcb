/* SPDX-License-Identifier: MIT */
/* JSON text to a tree in an arena, and typed reading of that tree. */
#include "oci/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/utf8.h"

/*
 * A value of two bytes of text becomes a node of eighty: without a limit a
 * hostile file of some megabytes would take hundreds of them in memory.
 */
#define MAX_VALUES (1 << 20)

/* Objects up to this size are compared pair by pair, larger ones sorted. */
#define PAIRWISE_MAX 16

struct parser {
	struct arena *arena;
	struct json *root;
	struct json *open; /* innermost array or object not yet closed */
	const char *key;   /* read, its value is still to come */
	unsigned depth, max_depth;
	size_t values;
	int failed; /* negative errno of a callback, with fail() text */
};

static void put_pointer(struct buf *b, const struct json *v)
{
	if (!v->parent)
		return;
	put_pointer(b, v->parent);
	buf_puts(b, "/");
	if (!v->key) {
		buf_printf(b, "%zu", v->index);
		return;
	}
	for (const char *c = v->key; *c; c++)
		if (*c == '~')
			buf_puts(b, "~0");
		else if (*c == '/')
			buf_puts(b, "~1");
		else
			buf_put(b, c, 1);
}

int json_fail(const struct json *v, const char *format, ...)
{
	_cleanup_(buf_fini)
	struct buf b = {};
	va_list ap;

	put_pointer(&b, v);
	if (b.len)
		buf_puts(&b, ": ");
	va_start(ap, format);
	buf_vprintf(&b, format, ap);
	va_end(ap);
	if (b.failed)
		return fail_plain(EINVAL, "invalid value");
	/* Keys and words come from the file: the text stays one line. */
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.data[i] < 0x20 || b.data[i] == 0x7f)
			b.data[i] = '?';
	return fail_plain(EINVAL, "%s", buf_str(&b));
}

const struct json *json_get(const struct json *v, const char *key)
{
	json_for_each (m, v)
		if (m->key && strcmp(m->key, key) == 0)
			return m->type == JSON_NULL ? NULL : m;
	return NULL;
}

static int no_memory(struct parser *p)
{
	p->failed = fail_plain(ENOMEM, "out of memory");
	return 0;
}

/* Links a new value into the open container; NULL: p->failed is set. */
static struct json *add(struct parser *p, enum json_type type)
{
	struct json *v;

	if (p->values++ == MAX_VALUES) {
		p->failed =
			fail_plain(E2BIG, "more than %d values", MAX_VALUES);
		return NULL;
	}
	v = arena_alloc(p->arena, sizeof(*v));
	if (!v) {
		no_memory(p);
		return NULL;
	}
	v->type = type;
	v->key = p->key;
	v->parent = p->open;
	p->key = NULL;
	if (!p->open) {
		p->root = v;
		return v;
	}
	v->index = p->open->count++;
	if (p->open->last)
		p->open->last->next = v;
	else
		p->open->first = v;
	p->open->last = v;
	return v;
}

static int open_value(struct parser *p, enum json_type type)
{
	struct json *v = add(p, type);

	if (!v)
		return 0;
	if (++p->depth > p->max_depth) {
		p->failed = json_fail(v, "nested deeper than %u levels",
				      p->max_depth);
		return 0;
	}
	p->open = v;
	return 1;
}

static int close_value(struct parser *p)
{
	p->open = p->open->parent;
	p->depth--;
	return 1;
}

static int on_null(void *ctx)
{
	return add(ctx, JSON_NULL) != NULL;
}

static int on_boolean(void *ctx, int value)
{
	struct json *v = add(ctx, JSON_BOOL);

	if (v)
		v->boolean = value;
	return v != NULL;
}

static int on_number(void *ctx, const char *text, size_t len)
{
	struct parser *p = ctx;
	struct json *v = add(p, JSON_NUMBER);

	if (!v)
		return 0;
	v->text = arena_strndup(p->arena, text, len);
	return v->text ? 1 : no_memory(p);
}

/*
 * A copy of a string or name. yajl's look at UTF-8 lets overlong forms and
 * surrogates pass. at: the value that an error names.
 */
static const char *copy(struct parser *p, const struct json *at,
			const unsigned char *text, size_t len)
{
	const char *s;

	if (memchr(text, '\0', len)) {
		p->failed = json_fail(at, "a string must not hold a NUL");
		return NULL;
	}
	s = arena_strndup(p->arena, (const char *)text, len);
	if (!s) {
		no_memory(p);
	} else if (!utf8_is_valid(s)) {
		p->failed = json_fail(at, "a string must be UTF-8");
		s = NULL;
	}
	return s;
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	struct parser *p = ctx;
	struct json *v = add(p, JSON_STRING);

	if (v)
		v->text = copy(p, v, text, len);
	return v && v->text;
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct parser *p = ctx;

	p->key = copy(p, p->open, text, len);
	return p->key != NULL;
}

static int on_open_object(void *ctx)
{
	return open_value(ctx, JSON_OBJECT);
}

static int on_open_array(void *ctx)
{
	return open_value(ctx, JSON_ARRAY);
}

static int on_close_array(void *ctx)
{
	return close_value(ctx);
}

static int compare_keys(const void *a, const void *b)
{
	const struct json *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

/* A member whose name another one has too; NULL when there is none. */
static const struct json *duplicate_pairwise(const struct json *object)
{
	json_for_each (a, object)
		for (const struct json *b = a->next; b; b = b->next)
			if (strcmp(a->key, b->key) == 0)
				return b;
	return NULL;
}

/* The same by sorting. A hash would be open to chosen collisions. */
static const struct json *duplicate_sorted(const struct json *object,
					   const struct json **sorted)
{
	size_t n = 0;

	json_for_each (m, object)
		sorted[n++] = m;
	qsort(sorted, n, sizeof(struct json *), compare_keys);
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
			return sorted[i];
	return NULL;
}

static int on_close_object(void *ctx)
{
	struct parser *p = ctx;
	const struct json *object = p->open, *twice;

	if (object->count <= PAIRWISE_MAX) {
		twice = duplicate_pairwise(object);
	} else {
		_cleanup_free_ const struct json **sorted =
			calloc(object->count, sizeof(*sorted));

		if (!sorted)
			return no_memory(p);
		twice = duplicate_sorted(object, sorted);
	}
	if (twice) {
		p->failed = json_fail(twice, "given twice");
		return 0;
	}
	return close_value(p);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_open_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_close_object,
	.yajl_start_array = on_open_array,
	.yajl_end_array = on_close_array,
};

static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

/* Makes one line of what yajl has to say. */
static int fail_syntax(yajl_handle h, const char *text, size_t len)
{
	size_t at = yajl_get_bytes_consumed(h);
	unsigned char *why = yajl_get_error(h, 0, NULL, 0);
	const char *said = why ? (const char *)why : "not JSON";
	size_t n = strcspn(said, "\n");

	while (n && said[n - 1] == '.')
		n--;

	int r = fail_plain(EINVAL, "line %u: %.*s",
			   line_of(text, at < len ? at : len), (int)n, said);

	if (why)
		yajl_free_error(h, why);
	return r;
}

static int parse(struct parser *p, const char *text, size_t len)
{
	yajl_handle h = yajl_alloc(&callbacks, NULL, p);
	int r = 0;

	if (!h)
		return fail_plain(ENOMEM, "out of memory");
	if (yajl_parse(h, (const unsigned char *)text, len) != yajl_status_ok ||
	    yajl_complete_parse(h) != yajl_status_ok)
		r = p->failed ? p->failed : fail_syntax(h, text, len);
	else if (!p->root || p->open)
		r = fail_plain(EINVAL, "line %u: the text ends too early",
			       line_of(text, len));
	yajl_free(h);
	return r;
}

struct json *json_parse(const char *text, size_t len, const char *what,
			unsigned max_depth, struct arena *a)
{
	struct parser p = {.arena = a, .max_depth = max_depth};
	int r = parse(&p, text, len);

	if (r < 0) {
		fail_in(r, "%s", what);
		errno = -r;
		return NULL;
	}
	return p.root;
}
