/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_parse_process.c. */
#include "tests/unit/test.h"

#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/resource.h>

#include "tests/unit/spec_text.h"

#define CAP(c) (UINT64_C(1) << (c))

static struct spec_process *process_of(struct spec **s, const char *text)
{
	*s = spec_of(text);
	if (!*s)
		printf("# %s\n", fail_text());
	CHECK(*s);
	return &(*s)->process;
}

static void all_fields(void)
{
	struct spec *s;
	struct spec_process *p = process_of(
		&s,
		SPEC_PROCESS(
			"\"terminal\":true,"
			"\"consoleSize\":{\"height\":24,\"width\":80},"
			"\"user\":{\"uid\":1,\"gid\":2,\"umask\":18,"
			"\"additionalGids\":[3,4],\"username\":\"x\"},"
			"\"env\":[\"A=1\",\"B\"],"
			"\"noNewPrivileges\":true,"
			"\"apparmorProfile\":\"aa\",\"selinuxLabel\":\"se\","
			"\"oomScoreAdj\":-5"));

	CHECK(p->terminal && p->no_new_privileges && p->has_oom_score_adj);
	CHECK_INT(p->console_height, 24);
	CHECK_INT(p->console_width, 80);
	CHECK_INT(p->user.uid, 1);
	CHECK_INT(p->user.gid, 2);
	CHECK(p->user.has_umask && p->user.umask == 022);
	CHECK_INT(p->user.n_additional_gids, 2);
	CHECK_INT(p->user.additional_gids[1], 4);
	CHECK_STR(p->env[1], "B");
	CHECK(!p->env[2]);
	CHECK_STR(p->apparmor_profile, "aa");
	CHECK_STR(p->selinux_label, "se");
	CHECK_INT(p->oom_score_adj, -5);
	spec_free(s);
}

static void scheduling(void)
{
	struct spec *s;
	struct spec_process *p = process_of(
		&s, SPEC_PROCESS(
			    "\"scheduler\":{\"policy\":\"SCHED_DEADLINE\","
			    "\"nice\":-3,\"priority\":7,\"flags\":["
			    "\"SCHED_FLAG_RECLAIM\",\"SCHED_FLAG_DL_OVERRUN\"],"
			    "\"runtime\":18446744073709551615,\"deadline\":2,"
			    "\"period\":3},"
			    "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_IDLE\","
			    "\"priority\":7},"
			    "\"execCPUAffinity\":{\"initial\":\"7,0-2,1\","
			    "\"final\":\"65535\"}"));

	CHECK(p->has_scheduler && p->has_io_priority);
	CHECK_INT(p->scheduler.policy, 6);
	CHECK_INT(p->scheduler.nice, -3);
	CHECK_INT(p->scheduler.priority, 7);
	CHECK_INT(p->scheduler.flags, 6);
	CHECK(p->scheduler.runtime_ns == UINT64_MAX);
	CHECK_INT(p->scheduler.period_ns, 3);
	CHECK_INT(p->io_priority, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 7));
	CHECK(p->has_exec_cpu_affinity);
	CHECK_INT(p->exec_cpu_initial.n_cpus, 4);
	CHECK_INT(p->exec_cpu_initial.cpus[0], 0);
	CHECK_INT(p->exec_cpu_initial.cpus[3], 7);
	CHECK_INT(p->exec_cpu_final.cpus[0], 65535);
	spec_free(s);
}

static void refused(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{SPEC_PROCESS("\"capabilities\":{\"ambient\":[\"CAP_KILL\","
			      "\"CAP_X\"]}"),
		 "c: /process/capabilities/ambient/1: unknown capability "
		 "\"CAP_X\""},
		{SPEC_PROCESS("\"capabilities\":{\"bounding\":[1]}"),
		 "c: /process/capabilities/bounding/0: must be a string, not "
		 "a number"},
		{SPEC_PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\","
			      "\"soft\":1,\"hard\":1},{\"type\":"
			      "\"RLIMIT_CPU\",\"soft\":1,\"hard\":1}]"),
		 "c: /process/rlimits/1: duplicate limit RLIMIT_CPU"},
		{SPEC_PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_X\","
			      "\"soft\":1,\"hard\":1}]"),
		 "c: /process/rlimits/0/type: unknown word \"RLIMIT_X\""},
		{SPEC_PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\","
			      "\"soft\":1}]"),
		 "c: /process/rlimits/0: \"hard\" is missing"},
		{SPEC_PROCESS("\"user\":{\"umask\":4096}"),
		 "c: /process/user/umask: 4096 is more than 4095"},
		{SPEC_PROCESS("\"user\":{\"additionalGids\":[0,-1]}"),
		 "c: /process/user/additionalGids/1: must not be negative"},
		{SPEC_PROCESS("\"env\":[\"a=b\",{}]"),
		 "c: /process/env/1: must be a string, not an object"},
		{SPEC_PROCESS("\"scheduler\":{\"policy\":\"SCHED_X\"}"),
		 "c: /process/scheduler/policy: unknown word \"SCHED_X\""},
		{SPEC_PROCESS("\"scheduler\":{}"),
		 "c: /process/scheduler: \"policy\" is missing"},
		{SPEC_PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\","
			      "\"priority\":8}"),
		 "c: /process/ioPriority: priority 8 is more than 7"},
		{SPEC_PROCESS("\"execCPUAffinity\":{\"initial\":\"65536\"}"),
		 "c: /process/execCPUAffinity/initial: \"65536\" is no list "
		 "like 0-3,7"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec *s = spec_of(cases[i].text);

		CHECK(!s);
		CHECK_STR(fail_text(), cases[i].error);
		spec_free(s);
	}
}

static void bad_lists(void)
{
	static const char *const bad[] = {"1-",
					  "-1",
					  "3-1",
					  "1,,2",
					  ",1",
					  "1,",
					  "a",
					  "1 2",
					  "0x1",
					  "1-2-3",
					  "99999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), "%s%s%s",
			 "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},"
			 "\"process\":{\"cwd\":\"/\",\"execCPUAffinity\":"
			 "{\"final\":\"",
			 bad[i], "\"}}}");
		CHECK(!spec_of(text));
		CHECK_HAS(fail_text(), "/process/execCPUAffinity/final: ");
	}
}

int main(void)
{
	TEST("every field of a process arrives", all_fields);
	TEST("capabilities become bit masks")
	{
		struct spec *s;
		struct spec_process *p = process_of(
			&s,
			SPEC_PROCESS("\"capabilities\":{\"bounding\":["
				     "\"CAP_CHOWN\",\"CAP_CHECKPOINT_RESTORE\","
				     "\"CAP_CHOWN\"],\"permitted\":[]}"));

		CHECK(p->has_capabilities);
		CHECK(p->capabilities.bounding ==
		      (CAP(CAP_CHOWN) | CAP(CAP_CHECKPOINT_RESTORE)));
		CHECK(!p->capabilities.permitted &&
		      !p->capabilities.inheritable);
		spec_free(s);
	}
	TEST("limits keep the whole range of the kernel")
	{
		struct spec *s;
		struct spec_process *p = process_of(
			&s, SPEC_PROCESS("\"rlimits\":[{\"type\":"
					 "\"RLIMIT_CORE\",\"soft\":0,"
					 "\"hard\":18446744073709551615}]"));

		CHECK_INT(p->n_rlimits, 1);
		CHECK_INT(p->rlimits[0].resource, RLIMIT_CORE);
		CHECK(p->rlimits[0].hard == RLIM_INFINITY);
		spec_free(s);
	}
	TEST("scheduler, io priority and CPU lists become kernel numbers",
	     scheduling);
	TEST("no capabilities object is told from an empty one")
	{
		struct spec *s;

		CHECK(!process_of(&s, SPEC_PROCESS("\"env\":[]"))
			       ->has_capabilities);
		spec_free(s);
		CHECK(process_of(&s, SPEC_PROCESS("\"capabilities\":{}"))
			      ->has_capabilities);
		spec_free(s);
	}
	TEST("empty args are no args")
	{
		struct spec *s = spec_of(
			"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},"
			"\"process\":{\"cwd\":\"/\",\"args\":[]}}");

		CHECK(s && !s->process.args);
		spec_free(s);
	}
	TEST("what cannot be is refused with the JSON pointer", refused);
	TEST("what is no list of CPUs is refused", bad_lists);
	return test_done();
}
