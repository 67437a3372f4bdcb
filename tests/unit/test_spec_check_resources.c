/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_check_resources.c. */
#include "tests/unit/test.h"

#include "lib/cleanup.h"
#include "tests/unit/spec_text.h"

#define RESOURCES(members) SPEC_LINUX("\"resources\":{" members "}")

static void check_all(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{RESOURCES("\"memory\":{\"limit\":2,\"swap\":2,"
			   "\"swappiness\":100},\"cpu\":{\"idle\":1},"
			   "\"blockIO\":{\"weight\":0,\"leafWeight\":1000},"
			   "\"hugepageLimits\":[{\"pageSize\":\"1GB\","
			   "\"limit\":1}],"
			   "\"unified\":{\"memory.high\":\"max\","
			   "\"cgroup.max.depth\":\"3\"}"),
		 ""},
		{RESOURCES("\"memory\":{\"limit\":-1,\"swap\":1}"), ""},
		{RESOURCES("\"memory\":{\"swappiness\":101}"),
		 "/linux/resources/memory/swappiness: more than 100"},
		{RESOURCES("\"memory\":{\"limit\":2,\"swap\":1}"),
		 "/linux/resources/memory/swap: less than the limit"},
		{RESOURCES("\"cpu\":{\"idle\":2}"),
		 "/linux/resources/cpu/idle: not 0 or 1"},
		{RESOURCES("\"blockIO\":{\"weight\":9}"),
		 "/linux/resources/blockIO/weight: weight 9 is not in 10 to "
		 "1000"},
		{RESOURCES("\"blockIO\":{\"weightDevice\":[{\"major\":8,"
			   "\"minor\":0,\"weight\":1001}]}"),
		 "/linux/resources/blockIO/weightDevice/0: weight 1001 is not "
		 "in 10 to 1000"},
		{RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"../x\","
			   "\"limit\":1}]"),
		 "/linux/resources/hugepageLimits/0/pageSize: not like 2MB"},
		{RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"2M\","
			   "\"limit\":1}]"),
		 "/linux/resources/hugepageLimits/0/pageSize: not like 2MB"},
		{RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"\","
			   "\"limit\":1}]"),
		 "/linux/resources/hugepageLimits/0/pageSize: not like 2MB"},
		{RESOURCES("\"unified\":{\"../cgroup.procs\":\"1\"}"),
		 "/linux/resources/unified: \"../cgroup.procs\" is no file of "
		 "a cgroup"},
		{RESOURCES("\"unified\":{\"cgroup.procs\":\"1\"}"),
		 "/linux/resources/unified: \"cgroup.procs\" is no limit"},
		{RESOURCES("\"unified\":{\"cgroup.kill\":\"1\"}"),
		 "/linux/resources/unified: \"cgroup.kill\" is no limit"},
		{RESOURCES("\"unified\":{\"\":\"1\"}"),
		 "/linux/resources/unified: \"\" is no file of a cgroup"},
		{RESOURCES("\"rdma\":{\"a b\":{}}"),
		 "/linux/resources/rdma: \"a b\" is no device"},
		{RESOURCES("\"network\":{\"priorities\":[{\"name\":\"\","
			   "\"priority\":1}]}"),
		 "/linux/resources/network/priorities/0/name: no interface"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_STR(spec_error(cases[i].text), cases[i].error);
}

int main(void)
{
	TEST("limits that no kernel takes and names that are paths are refused",
	     check_all);
	return test_done();
}
