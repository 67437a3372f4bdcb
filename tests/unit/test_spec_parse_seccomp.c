/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_parse_seccomp.c. */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "lib/cleanup.h"
#include "tests/unit/spec_text.h"

#define SECCOMP(members) SPEC_LINUX("\"seccomp\":{" members "}")
#define RULE(members)                                                  \
	SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{" \
		"\"names\":[\"read\"]," members "}]")

static void whole(void)
{
	struct spec *s = spec_of(SECCOMP(
		"\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		"\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X32\"],"
		"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\","
		"\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\"],"
		"\"listenerPath\":\"/l\",\"listenerMetadata\":\"m\","
		"\"syscalls\":[{\"names\":[\"read\",\"write\"],"
		"\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":5,"
		"\"value\":18446744073709551615,\"valueTwo\":2,"
		"\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]"));

	CHECK(s && s->linux_.seccomp);

	const struct spec_seccomp *f = s->linux_.seccomp;

	CHECK_INT(f->default_action, SCMP_ACT_ERRNO(ENOSYS));
	CHECK_INT(f->n_architectures, 2);
	CHECK_INT(f->architectures[0], SCMP_ARCH_X86_64);
	CHECK_INT(f->architectures[1], SCMP_ARCH_X32);
	CHECK_INT(f->flags,
		  SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	CHECK_STR(f->listener_path, "/l");
	CHECK_STR(f->listener_metadata, "m");
	CHECK_INT(f->n_rules, 1);
	CHECK_STR(f->rules[0].names[1], "write");
	CHECK(!f->rules[0].names[2]);
	CHECK_INT(f->rules[0].action, SCMP_ACT_ALLOW);
	CHECK_INT(f->rules[0].args[0].index, 5);
	CHECK(f->rules[0].args[0].value == UINT64_MAX);
	CHECK_INT(f->rules[0].args[0].value_two, 2);
	CHECK_INT(f->rules[0].args[0].op, SCMP_CMP_MASKED_EQ);
	spec_free(s);
}

static void actions(void)
{
	static const struct {
		const char *text;
		uint32_t action;
	} cases[] = {
		{RULE("\"action\":\"SCMP_ACT_ERRNO\""), SCMP_ACT_ERRNO(EPERM)},
		{RULE("\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":0"),
		 SCMP_ACT_ERRNO(0)},
		{RULE("\"errnoRet\":38,\"action\":\"SCMP_ACT_ERRNO\""),
		 SCMP_ACT_ERRNO(ENOSYS)},
		{RULE("\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7"),
		 SCMP_ACT_TRACE(7)},
		{RULE("\"action\":\"SCMP_ACT_KILL\""), SCMP_ACT_KILL_THREAD},
		{RULE("\"action\":\"SCMP_ACT_KILL_PROCESS\""),
		 SCMP_ACT_KILL_PROCESS},
		{RULE("\"action\":\"SCMP_ACT_ALLOW\",\"errnoRet\":1"),
		 SCMP_ACT_ALLOW},
		{RULE("\"action\":\"SCMP_ACT_NOTIFY\""), SCMP_ACT_NOTIFY},
		{RULE("\"action\":\"SCMP_ACT_LOG\""), SCMP_ACT_LOG},
		{RULE("\"action\":\"SCMP_ACT_TRAP\""), SCMP_ACT_TRAP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec *s = spec_of(cases[i].text);

		CHECK(s);
		CHECK_INT(s->linux_.seccomp->rules[0].action, cases[i].action);
		spec_free(s);
	}
}

static void refused(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{SECCOMP(""), "c: /linux/seccomp: \"defaultAction\" is "
			      "missing"},
		{SECCOMP("\"defaultAction\":\"ALLOW\""),
		 "c: /linux/seccomp/defaultAction: unknown word \"ALLOW\""},
		{SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\","
			 "\"architectures\":[\"x86\"]"),
		 "c: /linux/seccomp/architectures/0: unknown word \"x86\""},
		{SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\","
			 "\"flags\":[\"X\"]"),
		 "c: /linux/seccomp/flags/0: unknown word \"X\""},
		{SECCOMP("\"defaultAction\":\"SCMP_ACT_ERRNO\","
			 "\"defaultErrnoRet\":65536"),
		 "c: /linux/seccomp/defaultErrnoRet: 65536 is more than "
		 "65535"},
		{RULE("\"errnoRet\":1"),
		 "c: /linux/seccomp/syscalls/0: \"action\" is missing"},
		{RULE("\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":-1"),
		 "c: /linux/seccomp/syscalls/0/errnoRet: must not be "
		 "negative"},
		{RULE("\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":6,"
		      "\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]"),
		 "c: /linux/seccomp/syscalls/0/args/0/index: a system call "
		 "has no argument 6"},
		{RULE("\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
		      "\"value\":0,\"op\":\"==\"}]"),
		 "c: /linux/seccomp/syscalls/0/args/0/op: unknown word "
		 "\"==\""},
		{SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
			 "{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\"}]"),
		 "c: /linux/seccomp/syscalls/0/names: names no system call"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec *s = spec_of(cases[i].text);

		CHECK(!s);
		CHECK_STR(fail_text(), cases[i].error);
		spec_free(s);
	}
}

int main(void)
{
	TEST("a whole filter arrives in libseccomp's numbers", whole);
	TEST("each action carries its errno where it has room for one",
	     actions);
	TEST("unknown words and numbers are refused with the JSON pointer",
	     refused);
	return test_done();
}
