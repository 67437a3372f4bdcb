/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_check.c. */
#include "tests/unit/test.h"

#include "lib/cleanup.h"
#include "tests/unit/spec_text.h"

#define USER_MAPS(maps) \
	SPEC_TEXT("", ",{\"type\":\"user\"}],\"uidMappings\":[" maps "]", "")
#define MAP(c, h, n) \
	"{\"containerID\":" #c ",\"hostID\":" #h ",\"size\":" #n "}"
#define SECCOMP(default_action, action, more)                               \
	SPEC_LINUX("\"seccomp\":{\"defaultAction\":\"" default_action "\"," \
		   "\"syscalls\":[{\"names\":[\"read\"],\"action\":"        \
		   "\"" action "\"}]" more "}")
#define WITHOUT(text) \
	"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"}" text "}"

struct check {
	const char *text, *error;
};

static const struct check process[] = {
	{SPEC_PROCESS("\"oomScoreAdj\":1001"),
	 "/process/oomScoreAdj: 1001 is not in -1000 to 1000"},
	{SPEC_PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,"
		      "\"hard\":1}]"),
	 "/process/rlimits/0: soft limit above the hard limit"},
	{WITHOUT(",\"process\":{\"args\":[\"a\"],\"cwd\":\"w\"}"),
	 "/process/cwd: \"w\" is not absolute"},
	{WITHOUT(",\"process\":{\"cwd\":\"/\"}"),
	 "/process/args: must not be empty"},
	{WITHOUT(",\"process\":{\"cwd\":\"/\",\"args\":[\"\"]}"),
	 "/process/args/0: must not be empty"},
};

static const struct check namespaces[] = {
	{WITHOUT(""), "/linux/namespaces: there is no mount namespace, so the "
		      "host's mounts would be changed"},
	{SPEC_MORE("\"hostname\":\"h\""), "/hostname: needs a uts namespace"},
	{SPEC_MORE("\"domainname\":\"d\""),
	 "/domainname: needs a uts namespace"},
	{SPEC_LINUX("\"timeOffsets\":{\"monotonic\":{\"secs\":1}}"),
	 "/linux/timeOffsets: needs a new time namespace"},
	{SPEC_LINUX("\"netDevices\":{\"a\":{}}"),
	 "/linux/netDevices: needs a network namespace"},
	{SPEC_NAMESPACES("{\"type\":\"network\"}],\"netDevices\":{\"a/b\":{}},"
			 "\"maskedPaths\":["),
	 "/linux/netDevices: \"a/b\" or \"a/b\" is no interface"},
	{SPEC_NAMESPACES("{\"type\":\"network\"}],\"netDevices\":{\"a\":{},"
			 "\"b\":{\"name\":\"a\"}},\"maskedPaths\":["),
	 "/linux/netDevices: two are named \"a\""},
};

static const struct check id_maps[] = {
	{SPEC_LINUX("\"uidMappings\":[" MAP(0, 0, 1) "]"),
	 "/linux/uidMappings: needs a user namespace"},
	{SPEC_LINUX("\"gidMappings\":[" MAP(0, 0, 1) "]"),
	 "/linux/gidMappings: needs a user namespace"},
	{USER_MAPS(MAP(0, 0, 0)),
	 "/linux/uidMappings/0: size 0 is out of range"},
	{USER_MAPS(MAP(1, 0, 4294967295)),
	 "/linux/uidMappings/0: size 4294967295 is out of range"},
	{USER_MAPS(MAP(0, 100, 10) "," MAP(9, 200, 1)),
	 "/linux/uidMappings/1: overlaps with 0"},
	{USER_MAPS(MAP(0, 100, 10) "," MAP(20, 91, 10)),
	 "/linux/uidMappings/1: overlaps with 0"},
	{SPEC_MOUNT("\"type\":\"tmpfs\",\"options\":[\"idmap\"]"),
	 "/mounts/0: idmap needs mappings or a user namespace"},
	{SPEC_MOUNT("\"type\":\"tmpfs\",\"uidMappings\":[" MAP(0, 0, 1) "]"),
	 "/mounts/0: only one of uidMappings and gidMappings"},
	{SPEC_MOUNT("\"type\":\"tmpfs\",\"uidMappings\":[" MAP(
		 0, 0, 1) "],"
			  "\"gidMappings\":[" MAP(0, 0, 0) "]"),
	 "/mounts/0/gidMappings/0: size 0 is out of range"},
};

static const struct check paths[] = {
	{SPEC_LINUX("\"maskedPaths\":[\"/a\",\"b\"]"),
	 "/linux/maskedPaths/1: \"b\" is not absolute"},
	{SPEC_LINUX("\"readonlyPaths\":[\"\"]"),
	 "/linux/readonlyPaths/0: \"\" is not absolute"},
	{SPEC_LINUX("\"devices\":[{\"path\":\"d\",\"type\":\"p\"}]"),
	 "/linux/devices/0/path: \"d\" is not absolute"},
	{SPEC_LINUX("\"cgroupsPath\":\"/a/../b\""),
	 "/linux/cgroupsPath: \"/a/../b\" contains \"..\""},
	{SPEC_LINUX("\"intelRdt\":{\"closID\":\"../x\"}"),
	 "/linux/intelRdt/closID: \"../x\" is no name"},
	{SPEC_LINUX("\"intelRdt\":{\"closID\":\"..\"}"),
	 "/linux/intelRdt/closID: \"..\" is no name"},
	{SPEC_MORE("\"vm\":{\"kernel\":{\"path\":\"k\"}}"),
	 "/vm/kernel/path: \"k\" is not absolute"},
};

static const struct check seccomp[] = {
	{SECCOMP("SCMP_ACT_NOTIFY", "SCMP_ACT_ALLOW", ""),
	 "/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY for everything would "
	 "stop the container"},
	{SECCOMP("SCMP_ACT_ALLOW", "SCMP_ACT_NOTIFY", ""),
	 "/linux/seccomp: SCMP_ACT_NOTIFY needs a listenerPath"},
	{SECCOMP("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", ",\"listenerPath\":\"/l\""),
	 "/linux/seccomp/listenerPath: no rule has SCMP_ACT_NOTIFY"},
	{SECCOMP("SCMP_ACT_ALLOW", "SCMP_ACT_LOG",
		 ",\"listenerMetadata\":\"m\""),
	 "/linux/seccomp/listenerMetadata: there is no listenerPath"},
};

static const struct check fine[] = {
	{SPEC_TEXT("", "]", ""), ""},
	{SPEC_PROCESS("\"env\":[\"odd\"],\"oomScoreAdj\":-1000"), ""},
	{SPEC_TEXT("", ",{\"type\":\"uts\",\"path\":\"/u\"}]",
		   ",\"hostname\":\"h\""),
	 ""},
	{USER_MAPS(MAP(0, 100, 10) "," MAP(10, 110, 10)), ""},
	{USER_MAPS(MAP(0, 0, 4294967295)), ""},
	{SPEC_LINUX("\"cgroupsPath\":\"/a/..b\""), ""},
	{SPEC_LINUX("\"intelRdt\":{\"closID\":\"/\"}"), ""},
	{SECCOMP("SCMP_ACT_ALLOW", "SCMP_ACT_NOTIFY",
		 ",\"listenerPath\":\"/l\""),
	 ""},
};

static void check_all(const struct check *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK_STR(spec_error(c[i].text), c[i].error);
}

int main(void)
{
	TEST("a process that cannot start is refused")
	{
		check_all(process, ARRAY_SIZE(process));
	}
	TEST("what a namespace is missing for is refused")
	{
		check_all(namespaces, ARRAY_SIZE(namespaces));
	}
	TEST("id maps that the kernel would refuse are refused")
	{
		check_all(id_maps, ARRAY_SIZE(id_maps));
	}
	TEST("paths that are relative or lead upwards are refused")
	{
		check_all(paths, ARRAY_SIZE(paths));
	}
	TEST("a seccomp listener without a use, or the reverse, is refused")
	{
		check_all(seccomp, ARRAY_SIZE(seccomp));
	}
	TEST("what only looks odd is accepted")
	{
		check_all(fine, ARRAY_SIZE(fine));
	}
	return test_done();
}
