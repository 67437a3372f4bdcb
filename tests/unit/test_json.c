/* SPDX-License-Identifier: MIT */
/* Tests of oci/json.c. */
#include "oci/json.h"

#include <errno.h>
#include <time.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

static struct arena arena;

static struct json *parse(const char *text)
{
	arena_fini(&arena);
	fail_clear();
	return json_parse(text, strlen(text), "file", 4, &arena);
}

static const char *refusal(const char *text)
{
	return parse(text) ? "(accepted)" : fail_text();
}

static void refused(void)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "file: line 1: "},
		{"{}\n{}", "file: line 2: "},
		{"[1,\n2,\n}", "file: line 3: "},
		{"[1,]", "file: line 1: "},
		{"// no\n[]", "file: line 1: "},
		{"[/* no */]", "file: line 1: "},
		{"[01]", "file: line 1: "},
		{"[NaN]", "file: line 1: "},
		{"{'a': 1}", "file: line 1: "},
		{"[1", "file: line 1: "},
		{"\"\xff\"", "file: line 1: "},
		{"\"\xed\xa0\x80\"", "file: a string must be UTF-8"},
		{"[\"\xc0\xaf\"]", "file: /0: a string must be UTF-8"},
		{"[\"a\\u0000b\"]", "file: /0: a string must not hold a NUL"},
		{"{\"a\\u0000\": 1}", "file: a string must not hold a NUL"},
		{"[[[[[1]]]]]", "file: /0/0/0/0: nested deeper than 4"},
		{"{\"x\": {\"a\": 1, \"b\": 2, \"a\": 3}}",
		 "file: /x/a: given twice"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_HAS(refusal(cases[i].text), cases[i].why);
		CHECK(!strchr(fail_text(), '\n'));
	}
}

/* An object of n members, the last with the name of the one at twice. */
static void put_object(struct buf *b, int n, int twice)
{
	b->len = 0;
	buf_puts(b, "{");
	for (int i = 0; i < n; i++)
		buf_printf(b, "%s\"k%d\":%d", i ? "," : "",
			   i == n - 1 ? twice : i, i);
	buf_puts(b, "}");
}

static void big_objects(void)
{
	struct buf b = {};
	struct timespec start, end;

	put_object(&b, 200000, 4711);
	clock_gettime(CLOCK_MONOTONIC, &start);
	CHECK(!json_parse(b.data, b.len, "file", 4, &arena));
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK_STR(fail_text(), "file: /k4711: given twice");
	/* Pair by pair it would take minutes. */
	CHECK(end.tv_sec - start.tv_sec < 20);
	put_object(&b, 200000, 200000);
	CHECK(json_parse(b.data, b.len, "file", 4, &arena));
	buf_fini(&b);
	arena_fini(&arena);
}

static void too_many_values(void)
{
	struct buf b = {};

	buf_puts(&b, "[0");
	for (int i = 0; i < 2000000; i++)
		buf_puts(&b, ",0");
	buf_puts(&b, "]");
	CHECK(!json_parse(b.data, b.len, "file", 4, &arena));
	CHECK_HAS(fail_text(), "file: more than ");
	CHECK_INT(errno, E2BIG);
	buf_fini(&b);
	arena_fini(&arena);
}

int main(void)
{
	TEST("a tree keeps types, order and numbers as written")
	{
		const struct json *v =
			parse("{\"a\": [null, true, -1.50e3, \"x\\u00e9\"], "
			      "\"b\": {}}");
		const struct json *a = json_get(v, "a");

		CHECK(v && v->type == JSON_OBJECT && v->count == 2);
		CHECK(a && a->type == JSON_ARRAY && a->count == 4);
		CHECK_INT(a->first->type, JSON_NULL);
		CHECK_INT(a->first->next->boolean, true);
		CHECK_STR(a->first->next->next->text, "-1.50e3");
		CHECK_STR(a->last->text, "x\xc3\xa9");
		CHECK_INT(a->last->index, 3);
		CHECK_INT(json_get(v, "b")->type, JSON_OBJECT);
	}
	TEST("a member that is absent, null, or of nothing reads as NULL")
	{
		const struct json *v = parse("{\"a\": null}");

		CHECK(!json_get(v, "a"));
		CHECK(!json_get(v, "b"));
		CHECK(!json_get(NULL, "a"));
	}
	TEST("an error names the JSON pointer, escaped, on one line")
	{
		const struct json *v = parse("{\"a/b~c\\n\": [1, 2]}");

		CHECK_INT(json_fail(v->first->last, "is %s", "bad\n"), -EINVAL);
		CHECK_STR(fail_text(), "/a~1b~0c?/1: is bad?");
		json_fail(v, "root");
		CHECK_STR(fail_text(), "root");
	}
	TEST("what is not strict JSON is refused in one line with its place",
	     refused);
	TEST("a name given twice is found among many, without quadratic time",
	     big_objects);
	TEST("more values than memory should hold are refused",
	     too_many_values);
	arena_fini(&arena);
	return test_done();
}
