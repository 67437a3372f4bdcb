/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_parse.c and oci/field.c: the whole and its errors. */
#include "tests/unit/test.h"

#include <errno.h>

#include "lib/cleanup.h"
#include "lib/log.h"
#include "tests/unit/spec_text.h"

struct refusal {
	const char *text, *error;
};

static const struct refusal shapes[] = {
	{"[]", "c: must be an object, not an array"},
	{"{}", "c: \"ociVersion\" is missing"},
	{"{\"ociVersion\":\"1.0.0\"}", "c: \"root\" is missing"},
	{"{\"ociVersion\":\"1.0.0\",\"root\":{}}",
	 "c: /root: \"path\" is missing"},
	{"{\"ociVersion\":\"2.0.0\"}", "c: /ociVersion: version 2.0.0 is not "
				       "supported, only 1.x.y"},
	{"{\"ociVersion\":\"0.9.0\"}", "c: /ociVersion: version 0.9.0 is not "
				       "supported, only 1.x.y"},
	{"{\"ociVersion\":\"10.0.0\"}", "c: /ociVersion: version 10.0.0 is "
					"not supported, only 1.x.y"},
	{"{\"ociVersion\":\"one\"}", "c: /ociVersion: \"one\" is no version"},
	{"{\"ociVersion\":\"1.\"}", "c: /ociVersion: \"1.\" is no version"},
	{"{\"ociVersion\":1}",
	 "c: /ociVersion: must be a string, not a number"},
	{SPEC_MORE("\"hostname\":7"),
	 "c: /hostname: must be a string, not a number"},
	{SPEC_MORE("\"annotations\":{\"a\":1}"),
	 "c: /annotations/a: must be a string, not a number"},
	{SPEC_MORE("\"mounts\":{}"),
	 "c: /mounts: must be an array, not an object"},
	{SPEC_MORE("\"mounts\":[null]"),
	 "c: /mounts/0: must be an object, not null"},
	{SPEC_MORE("\"hooks\":{\"prestart\":[{\"path\":\"x\"}]}"),
	 "c: /hooks/prestart/0: path \"x\" is not absolute"},
	{SPEC_MORE("\"hooks\":{\"poststop\":[{\"path\":\"/x\",\"args\":[]}]}"),
	 "c: /hooks/poststop/0/args: must not be empty"},
	{SPEC_MORE("\"hooks\":{\"poststop\":[{}]}"),
	 "c: /hooks/poststop/0: \"path\" is missing"},
	{SPEC_MORE("\"hooks\":{\"poststop\":[{\"path\":\"/x\","
		   "\"timeout\":-1}]}"),
	 "c: /hooks/poststop/0/timeout: must not be negative"},
};

static const struct refusal numbers[] = {
	{SPEC_PROCESS("\"user\":{\"uid\":\"0\"}"),
	 "c: /process/user/uid: must be a number, not a string"},
	{SPEC_PROCESS("\"user\":{\"uid\":-1}"),
	 "c: /process/user/uid: must not be negative"},
	{SPEC_PROCESS("\"user\":{\"uid\":1.5}"),
	 "c: /process/user/uid: must be a whole number, not 1.5"},
	{SPEC_PROCESS("\"user\":{\"uid\":1e3}"),
	 "c: /process/user/uid: must be a whole number, not 1e3"},
	{SPEC_PROCESS("\"user\":{\"uid\":4294967296}"),
	 "c: /process/user/uid: 4294967296 is more than 4294967295"},
	{SPEC_PROCESS("\"user\":{\"uid\":99999999999999999999}"),
	 "c: /process/user/uid: 99999999999999999999 is out of range"},
	{SPEC_PROCESS("\"oomScoreAdj\":2147483648"),
	 "c: /process/oomScoreAdj: 2147483648 is more than 2147483647"},
	{SPEC_PROCESS("\"oomScoreAdj\":-2147483649"),
	 "c: /process/oomScoreAdj: -2147483649 is less than -2147483648"},
	{SPEC_LINUX("\"resources\":{\"memory\":{\"limit\":-2}}"),
	 "c: /linux/resources/memory/limit: -2 is less than -1"},
	{SPEC_LINUX("\"resources\":{\"memory\":{"
		    "\"limit\":9223372036854775808}}"),
	 "c: /linux/resources/memory/limit: 9223372036854775808 is out of "
	 "range"},
	{SPEC_LINUX("\"resources\":{\"memory\":{"
		    "\"limit\":-18446744073709551615}}"),
	 "c: /linux/resources/memory/limit: -18446744073709551615 is out of "
	 "range"},
	{SPEC_PROCESS("\"consoleSize\":{\"height\":65536}"),
	 "c: /process/consoleSize/height: 65536 is more than 65535"},
};

static void check_refusals(const struct refusal *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct spec *s = spec_of(r[i].text);

		CHECK(!s);
		CHECK_STR(fail_text(), r[i].error);
		spec_free(s);
	}
}

static void unknown_is_logged(void)
{
	char line[256] = "";
	int ends[2];

	CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
	log_set_level(LOG_LEVEL_DEBUG);

	struct spec *s = spec_of(SPEC_MORE("\"solaris\":{\"x\":[1]}"));

	CHECK(s && read(ends[0], line, sizeof(line) - 1) > 0);
	CHECK_HAS(line, "c: /solaris: unknown field, ignored");
	spec_free(s);
}

static void comment_is_not_logged(void)
{
	char line[8];
	int ends[2];

	CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
	log_set_level(LOG_LEVEL_DEBUG);

	struct spec *s = spec_of(
		SPEC_MORE("\"//\":\"a comment\",\"annotations\":{\"//\":"
			  "\"none\",\"a\":\"b\"}"));

	CHECK(s && s->n_annotations == 1);
	CHECK_STR(spec_annotation(s, "a"), "b");
	CHECK(!spec_annotation(s, "//"));
	close(STDERR_FILENO);
	close(ends[1]);
	CHECK_INT(read(ends[0], line, sizeof(line)), 0);
	spec_free(s);
}

static void check_hooks(void)
{
	struct spec *s = spec_of(SPEC_MORE(
		"\"hooks\":{\"prestart\":[{\"path\":\"/a\"}],"
		"\"createRuntime\":[{\"path\":\"/b\"}],"
		"\"createContainer\":[{\"path\":\"/c\"}],"
		"\"startContainer\":[{\"path\":\"/d\"}],"
		"\"poststart\":[{\"path\":\"/e\"}],"
		"\"poststop\":[{\"path\":\"/f\",\"args\":[\"f\",\"x\"],"
		"\"env\":[\"A=1\"],\"timeout\":7},{\"path\":\"/g\"}]}"));
	const char *path = "/a";

	CHECK(s);
	for (size_t i = 0; i < SPEC_HOOK_KINDS; i++) {
		const struct spec_hooks *h = &s->hooks[i];

		CHECK_INT(h->n_hooks, i == SPEC_HOOK_POSTSTOP ? 2 : 1);
		CHECK(h->hooks[0].path[1] == path[1] + (char)i);
	}

	const struct spec_hook *f = s->hooks[SPEC_HOOK_POSTSTOP].hooks;

	CHECK_STR(f[0].args[1], "x");
	CHECK(!f[0].args[2]);
	CHECK_STR(f[0].env[0], "A=1");
	CHECK_INT(f[0].timeout_s, 7);
	CHECK_STR(f[1].args[0], "/g");
	CHECK(!f[1].args[1] && !f[1].env[0] && !f[1].timeout_s);
	spec_free(s);
}

static void too_large(void)
{
	size_t len = SPEC_MAX_BYTES + 1;
	char *text = malloc(len);
	struct spec *s;

	CHECK(text);
	memset(text, ' ', len);
	CHECK_INT(spec_parse(text, len, "c", &s), -EFBIG);
	CHECK_STR(fail_text(), "c: larger than 16777216 bytes");
	free(text);
}

int main(void)
{
	TEST("the least that is valid has empty lists, not missing ones")
	{
		struct spec *s = spec_of(SPEC_TEXT("", "]", ""));

		CHECK(s && s->has_process && !s->root_readonly);
		CHECK_STR(s->root_path, "rootfs");
		CHECK_STR(s->oci_version, "1.3.0");
		CHECK(s->process.env && !s->process.env[0]);
		CHECK(!s->linux_.masked_paths[0]);
		CHECK(!s->linux_.readonly_paths[0]);
		CHECK(!s->hostname && !s->vm && !s->linux_.seccomp);
		spec_free(s);
	}
	TEST("any 1.x version is accepted, with any suffix")
	{
		struct spec *s =
			spec_of("{\"ociVersion\":\"1.99.0-rc.1+dev\","
				"\"root\":{\"path\":\"r\",\"readonly\":true}}");

		CHECK(s && s->root_readonly && !s->has_process);
		spec_free(s);
	}
	TEST("null is the same as absent, an empty hostname as none")
	{
		struct spec *s = spec_of(SPEC_MORE(
			"\"hostname\":\"\",\"domainname\":null,"
			"\"mounts\":null,\"hooks\":null,\"vm\":null"));

		CHECK(s && !s->hostname && !s->domainname && !s->n_mounts);
		spec_free(s);
	}
	TEST("hooks of all six kinds keep their order", check_hooks);
	TEST("wrong shapes get one error with the JSON pointer")
	{
		check_refusals(shapes, ARRAY_SIZE(shapes));
	}
	TEST("numbers that do not fit get one error with the JSON pointer")
	{
		check_refusals(numbers, ARRAY_SIZE(numbers));
	}
	TEST("an unknown field is ignored with a debug line",
	     unknown_is_logged);
	TEST("a member named // is a comment, without any line",
	     comment_is_not_logged);
	TEST("a text of more than 16 MiB is refused unread", too_large);
	TEST("a process of its own is parsed into the caller's arena")
	{
		static const char text[] =
			"{\"args\":[\"a\",\"b\"],\"cwd\":\"/w\"}";
		_cleanup_(arena_fini)
		struct arena a = {};
		struct spec_process p;

		CHECK_INT(spec_parse_process(text, strlen(text), "p", &a, &p),
			  0);
		CHECK_STR(p.args[1], "b");
		CHECK_STR(p.cwd, "/w");
		CHECK(p.env && !p.env[0]);
		CHECK_INT(spec_parse_process("{}", 2, "p", &a, &p), -EINVAL);
		CHECK_STR(fail_text(), "p: \"cwd\" is missing");
	}
	return test_done();
}
