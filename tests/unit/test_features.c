/* SPDX-License-Identifier: MIT */
/* Tests of oci/features.c against the parser's own tables. */
#include "oci/features.h"

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "oci/json.h"
#include "oci/names.h"
#include "tests/unit/test.h"

static bool lists(const struct json *list, const char *word)
{
	json_for_each (e, list)
		if (strcmp(e->text, word) == 0)
			return true;
	return false;
}

static void check_names(const struct json *list, const struct name *table)
{
	size_t n = 0;

	for (; table->name; table++, n++)
		CHECK(lists(list, table->name));
	CHECK_INT(list ? list->count : 0, n);
}

static void tables(const struct json *v)
{
	const struct json *l = json_get(v, "linux");
	const struct json *s = json_get(l, "seccomp");

	check_names(json_get(v, "hooks"), names_hooks);
	check_names(json_get(l, "namespaces"), names_namespaces);
	check_names(json_get(l, "capabilities"), names_capabilities);
	check_names(json_get(s, "actions"), names_seccomp_actions);
	check_names(json_get(s, "operators"), names_seccomp_operators);
	check_names(json_get(s, "archs"), names_seccomp_archs);
	check_names(json_get(s, "knownFlags"), names_seccomp_flags);
	check_names(json_get(json_get(l, "memoryPolicy"), "modes"),
		    names_memory_policies);
}

int main(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};
	_cleanup_(arena_fini)
	struct arena a = {};

	features_format(&b);

	const struct json *v = json_parse(b.data, b.len, "features", 8, &a);

	TEST("the document is JSON with both versions")
	{
		CHECK(v && json_get(v, "ociVersionMin") &&
		      json_get(v, "ociVersionMax"));
	}
	TEST("it lists what the parser knows, all of it and nothing else")
	{
		tables(v);
	}
	TEST("the mount options that engines look for are there")
	{
		const struct json *options = json_get(v, "mountOptions");

		CHECK(lists(options, "rro") && lists(options, "ridmap") &&
		      lists(options, "tmpcopyup"));
	}
	TEST("the annotations that are settings are said to be unsafe")
	{
		CHECK(lists(json_get(v, "potentiallyUnsafeConfigAnnotations"),
			    "io.bulkhead."));
	}
	return test_done();
}
