/* SPDX-License-Identifier: MIT */
/* Tests of oci/field.c: one table with each kind of reader. */
#include "oci/field.h"

#include <errno.h>

#include "lib/arena.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"
#include "tests/unit/test.h"

struct inner {
	bool has_n;
	uint16_t n;
	int finished;
};

struct outer {
	int32_t small;
	int64_t big;
	bool yes, has_yes;
	const char *text, *word;
	char **list;
	uint32_t name, names;
	struct inner one, *many;
	size_t n_many;
	struct spec_key_value *pairs;
	size_t n_pairs;
	struct spec_cpu_set cpus;
};

static const struct name colours[] = {{"red", 1}, {"blue", 4}, {}};

static int finish(struct field_context *c, const struct json *v, void *object)
{
	(void)c;
	((struct inner *)object)->finished = (int)v->count;
	return 0;
}

static const struct field inner_fields[] = {
	{"n", field_unsigned, FIELD_MEMBER(struct inner, n),
	 .has = FIELD_HAS(struct inner, has_n)},
	{},
};

static const struct field outer_fields[] = {
	{"small", field_signed, FIELD_MEMBER(struct outer, small)},
	{"big", field_signed, FIELD_MEMBER(struct outer, big)},
	{"yes", field_bool, FIELD_MEMBER(struct outer, yes),
	 .has = FIELD_HAS(struct outer, has_yes)},
	{"text", field_string, FIELD_MEMBER(struct outer, text),
	 .required = true},
	{"word", field_word_or_null, FIELD_MEMBER(struct outer, word)},
	{"list", field_strings, FIELD_MEMBER(struct outer, list)},
	{"name", field_name, FIELD_MEMBER(struct outer, name), .of = colours},
	{"names", field_name_set, FIELD_MEMBER(struct outer, names),
	 .of = colours},
	{"one", field_object, FIELD_MEMBER(struct outer, one),
	 .of = inner_fields, .finish = finish},
	{"many", field_objects, FIELD_ARRAY(struct outer, many, n_many),
	 .of = inner_fields, .finish = finish},
	{"pairs", field_pairs, FIELD_ARRAY(struct outer, pairs, n_pairs)},
	{"cpus", field_cpu_set, FIELD_MEMBER(struct outer, cpus)},
	{"later", .read = field_later},
	{},
};

static struct arena arena;

static int read_text(const char *text, struct outer *out)
{
	struct field_context c = {.arena = &arena, .what = "t"};

	*out = (struct outer){};
	return fields_read(&c, json_parse(text, strlen(text), "t", 8, &arena),
			   outer_fields, out);
}

static void everything(void)
{
	struct outer o;

	CHECK_INT(read_text("{\"small\":-2147483648,"
			    "\"big\":-9223372036854775808,\"yes\":false,"
			    "\"text\":\"\",\"word\":\"\",\"list\":[\"a\"],"
			    "\"name\":\"blue\",\"names\":[\"red\",\"blue\"],"
			    "\"one\":{\"n\":65535},\"many\":[{},{\"n\":0}],"
			    "\"pairs\":{\"k\":\"v\",\"//\":5},"
			    "\"cpus\":\"2,0\",\"later\":[{}]}",
			    &o),
		  0);
	CHECK_INT(o.small, INT32_MIN);
	CHECK_INT(o.big, INT64_MIN);
	CHECK(!o.yes && o.has_yes);
	CHECK_STR(o.text, "");
	CHECK(!o.word);
	CHECK_STR(o.list[0], "a");
	CHECK(!o.list[1]);
	CHECK_INT(o.name, 4);
	CHECK_INT(o.names, 5);
	CHECK_INT(o.one.n, 65535);
	CHECK(o.one.has_n && o.one.finished == 1);
	CHECK_INT(o.n_many, 2);
	CHECK(!o.many[0].has_n && o.many[1].has_n && o.many[1].finished == 1);
	CHECK_INT(o.n_pairs, 1);
	CHECK_STR(o.pairs[0].value, "v");
	CHECK_INT(o.cpus.n_cpus, 2);
	CHECK_INT(o.cpus.cpus[1], 2);
}

int main(void)
{
	TEST("each reader fills its member", everything);
	TEST("a required member that is absent or null is an error")
	{
		struct outer o;

		CHECK_INT(read_text("{}", &o), -EINVAL);
		CHECK_STR(fail_text(), "\"text\" is missing");
		CHECK_INT(read_text("{\"text\":null}", &o), -EINVAL);
		CHECK_STR(fail_text(), "\"text\" is missing");
	}
	TEST("minus nothing is nothing, even unsigned")
	{
		struct outer o;

		CHECK_INT(read_text("{\"text\":\"\",\"one\":{\"n\":-0}}", &o),
			  0);
		CHECK_INT(o.one.n, 0);
	}
	arena_fini(&arena);
	return test_done();
}
