/* SPDX-License-Identifier: MIT */
/* Tests of cmd/option.c. */
#include "cmd/option.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

/* owned by: the test under way; parse() empties it. */
static struct {
	bool force, detach, ignored;
	const char *root, *user, *cwd;
	unsigned fds;
	char **env;
} got;

#define WORDS_MAX 16

/* Parses the words of line, which are separated by single blanks. */
static int parse(const char *line)
{
	static char words[256];
	static char *argv[WORDS_MAX];
	const struct option options[] = {
		{"force", 'f', OPTION_FLAG, &got.force, NULL, "now"},
		{"detach", 'd', OPTION_FLAG, &got.detach, NULL, "apart"},
		{"root", 0, OPTION_STRING, &got.root, "DIR", "where"},
		{"user", 'u', OPTION_STRING, &got.user, "USER", NULL},
		{"cwd", 0, OPTION_STRING, &got.cwd, "DIR", "there"},
		{"env", 'e', OPTION_LIST, &got.env, "K=V", "one more"},
		{"preserve-fds", 0, OPTION_UNSIGNED, &got.fds, "N", "fds"},
		{"no-subreaper", 0, OPTION_IGNORED_FLAG, NULL, NULL, NULL},
		{},
	};
	int argc = 0;

	free(got.env);
	memset(&got, 0, sizeof(got));
	snprintf(words, sizeof(words), "%s", line);
	for (char *p = words; p && argc + 1 < WORDS_MAX; argc++)
		argv[argc] = strsep(&p, " ");
	argv[argc] = NULL;
	return option_parse(options, argc, argv);
}

static void long_options(void)
{
	CHECK_INT(parse("x --root=/a id"), 2);
	CHECK_STR(got.root, "/a");
	CHECK_INT(parse("x --root /b id"), 3);
	CHECK_STR(got.root, "/b");
	CHECK_INT(parse("x -root=/c id"), 2);
	CHECK_STR(got.root, "/c");
	CHECK_INT(parse("x -root /d id"), 3);
	CHECK_STR(got.root, "/d");
	CHECK_INT(parse("x --root="), 2);
	CHECK_STR(got.root, "");
	CHECK_INT(parse("x --root=a=b"), 2);
	CHECK_STR(got.root, "a=b");
	/* A value may look like an option. */
	CHECK_INT(parse("x --root --force"), 3);
	CHECK_STR(got.root, "--force");
	CHECK(!got.force);
	/* The last one counts. */
	CHECK_INT(parse("x --root /1 --root /2"), 5);
	CHECK_STR(got.root, "/2");
}

static void letters(void)
{
	CHECK_INT(parse("x -fd id"), 2);
	CHECK(got.force && got.detach);
	CHECK_INT(parse("x -d -f"), 3);
	CHECK(got.force && got.detach);
	CHECK_INT(parse("x -u7 id"), 2);
	CHECK_STR(got.user, "7");
	CHECK_INT(parse("x -u 8 id"), 3);
	CHECK_STR(got.user, "8");
	CHECK_INT(parse("x -u=9 id"), 2);
	CHECK_STR(got.user, "9");
	CHECK_INT(parse("x -fdu 10 id"), 3);
	CHECK(got.force && got.detach);
	CHECK_STR(got.user, "10");
	CHECK_INT(parse("x -du11 id"), 2);
	CHECK(got.detach);
	CHECK_STR(got.user, "11");
}

static void flags(void)
{
	CHECK_INT(parse("x --force=true"), 2);
	CHECK(got.force);
	CHECK_INT(parse("x -f --force=false"), 3);
	CHECK(!got.force);
	CHECK_INT(parse("x -f -f=false"), 3);
	CHECK(!got.force);
	CHECK_INT(parse("x -force"), 2);
	CHECK(got.force);
	/* No value in a word of its own: it is the first argument. */
	CHECK_INT(parse("x --force false"), 2);
	CHECK(got.force);
	CHECK_INT(parse("x --force=perhaps"), -EINVAL);
	CHECK_STR(fail_text(), "--force=perhaps: true or false is wanted");
	CHECK_INT(parse("x --force="), -EINVAL);
	CHECK_INT(parse("x -f=1"), -EINVAL);
	CHECK_INT(parse("x -no-subreaper --no-subreaper=true id"), 3);
	CHECK_INT(parse("x --no-subreaper=2"), -EINVAL);
}

static void the_end(void)
{
	CHECK_INT(parse("x"), 1);
	CHECK_INT(parse("x id -f"), 1);
	CHECK(!got.force);
	CHECK_INT(parse("x -d id --force --nonsense"), 2);
	CHECK(got.detach && !got.force);
	CHECK_INT(parse("x -d -- -f"), 3);
	CHECK(!got.force);
	CHECK_INT(parse("x --"), 2);
	/* A dash alone, and nothing at all, are arguments. */
	CHECK_INT(parse("x - -f"), 1);
	CHECK(!got.force);
	CHECK_INT(parse("x  -f"), 1);
	CHECK(!got.force);
}

static void unknown(void)
{
	CHECK_INT(parse("x --nonsense"), -EINVAL);
	CHECK_STR(fail_text(), "unknown option \"--nonsense\"");
	/* What it was given is nobody's business. */
	CHECK_INT(parse("x --password=secret"), -EINVAL);
	CHECK_STR(fail_text(), "unknown option \"--password\"");
	CHECK_INT(parse("x -z"), -EINVAL);
	CHECK_STR(fail_text(), "unknown option \"-z\"");
	CHECK_INT(parse("x -fz"), -EINVAL);
	CHECK_STR(fail_text(), "unknown option \"-fz\"");
	/* Neither a part of a name nor more than one. */
	CHECK_INT(parse("x --forc"), -EINVAL);
	CHECK_INT(parse("x --forced"), -EINVAL);
	CHECK_INT(parse("x --=x"), -EINVAL);
	CHECK_INT(parse("x ---root=x"), -EINVAL);
	CHECK_INT(parse("x --f"), -EINVAL);
}

static void missing_values(void)
{
	CHECK_INT(parse("x --root"), -EINVAL);
	CHECK_STR(fail_text(), "option --root needs a value");
	CHECK_INT(parse("x -u"), -EINVAL);
	CHECK_STR(fail_text(), "option --user needs a value");
	CHECK_INT(parse("x -fdu"), -EINVAL);
	CHECK_INT(parse("x -env"), -EINVAL);
}

static void numbers(void)
{
	static const char *const wrong[] = {
		"",   "-1",  "+1",         "1x", "0x10",
		" 1", "1 ",  "2147483648", "x",  "99999999999999999999",
		"1.", "\t1",
	};
	char line[64];

	CHECK_INT(parse("x --preserve-fds=3"), 2);
	CHECK_INT(got.fds, 3);
	CHECK_INT(parse("x --preserve-fds 2147483647"), 3);
	CHECK_INT(got.fds, 2147483647);
	CHECK_INT(parse("x --preserve-fds=010"), 2);
	CHECK_INT(got.fds, 10);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(line, sizeof(line), "--preserve-fds=%s", wrong[i]);

		char *argv[] = {(char *)"x", line, NULL};
		const struct option options[] = {
			{"preserve-fds", 0, OPTION_UNSIGNED, &got.fds, "N", ""},
			{},
		};

		CHECK_INT(option_parse(options, 2, argv), -EINVAL);
		CHECK_HAS(fail_text(), "a number is wanted");
	}
}

static void lists(void)
{
	CHECK_INT(parse("x -e A=1 --env B=2 --env=C=3 -eD=4 id"), 7);
	CHECK_STR(got.env[0], "A=1");
	CHECK_STR(got.env[1], "B=2");
	CHECK_STR(got.env[2], "C=3");
	CHECK_STR(got.env[3], "D=4");
	CHECK(!got.env[4]);
	CHECK_INT(parse("x id"), 1);
	CHECK(!got.env);
}

static void help(void)
{
	_cleanup_free_ char *text = NULL;
	const struct option options[] = {
		{"force", 'f', OPTION_FLAG, &got.force, NULL, "now"},
		{"root", 0, OPTION_STRING, &got.root, "DIR", "where"},
		{"hidden", 0, OPTION_IGNORED_FLAG, NULL, NULL, NULL},
		{},
	};
	size_t len;
	FILE *out = open_memstream(&text, &len);

	CHECK_INT(parse("x -f --help"), OPTION_HELP);
	CHECK_INT(parse("x -h"), OPTION_HELP);
	CHECK_INT(parse("x -help"), OPTION_HELP);
	CHECK_INT(parse("x id --help"), 1);
	CHECK_INT(parse("x --root --help"), 3);
	option_print_help(options, out);
	fclose(out);
	CHECK_HAS(text, "  -f, --force  ");
	CHECK_HAS(text, "      --root DIR  ");
	CHECK(!strstr(text, "hidden"));
}

int main(void)
{
	TEST("values come behind = or as the next word, after one dash or two",
	     long_options);
	TEST("letters can be joined, and take the rest or the next word",
	     letters);
	TEST("a flag takes true or false behind =, nothing else", flags);
	TEST("options end at the first argument, or behind --", the_end);
	TEST("an unknown option is named, without its value", unknown);
	TEST("an option without its value is named", missing_values);
	TEST("a number is decimal, whole and in range", numbers);
	TEST("a list keeps all values in order", lists);
	TEST("help is told apart, and lists what is not hidden", help);
	return test_done();
}
