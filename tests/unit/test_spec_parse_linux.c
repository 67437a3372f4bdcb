/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_parse_linux.c. */
#include "tests/unit/test.h"

#include <linux/mempolicy.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "tests/unit/spec_text.h"

static struct spec_linux *linux_of(struct spec **s, const char *text)
{
	*s = spec_of(text);
	if (!*s)
		printf("# %s\n", fail_text());
	CHECK(*s);
	return &(*s)->linux_;
}

static void namespaces(void)
{
	struct spec *s;
	struct spec_linux *l = linux_of(
		&s, SPEC_NAMESPACES("{\"type\":\"pid\",\"path\":\"\"},"
				    "{\"type\":\"network\",\"path\":\"/n\"},"
				    "{\"type\":\"time\"}"));

	CHECK_INT(l->new_namespaces,
		  1U << SPEC_NS_MOUNT | 1U << SPEC_NS_PID | 1U << SPEC_NS_TIME);
	CHECK_STR(l->ns_paths[SPEC_NS_NET], "/n");
	CHECK(!l->ns_paths[SPEC_NS_PID]);
	spec_free(s);
}

static void devices(void)
{
	struct spec *s;
	struct spec_linux *l = linux_of(
		&s,
		SPEC_LINUX("\"devices\":["
			   "{\"path\":\"/dev/a\",\"type\":\"u\",\"major\":1,"
			   "\"minor\":2,\"uid\":3,\"gid\":4,\"fileMode\":8630},"
			   "{\"path\":\"/dev/b\",\"type\":\"b\",\"major\":8,"
			   "\"minor\":0,\"fileMode\":0},"
			   "{\"path\":\"/dev/p\",\"type\":\"p\"}]"));

	CHECK_INT(l->n_devices, 3);
	CHECK_INT(l->devices[0].type, S_IFCHR);
	CHECK_INT(l->devices[0].major, 1);
	CHECK_INT(l->devices[0].minor, 2);
	CHECK_INT(l->devices[0].uid, 3);
	CHECK_INT(l->devices[0].gid, 4);
	CHECK_INT(l->devices[0].mode, 8630 & 07777);
	CHECK_INT(l->devices[1].type, S_IFBLK);
	CHECK_INT(l->devices[1].mode, 0);
	CHECK_INT(l->devices[2].type, S_IFIFO);
	CHECK_INT(l->devices[2].mode, 0666);
	spec_free(s);
}

static void small_objects(void)
{
	struct spec *s;
	struct spec_linux *l = linux_of(
		&s,
		SPEC_LINUX(
			"\"timeOffsets\":{\"boottime\":{\"secs\":-5,"
			"\"nanosecs\":999999999}},"
			"\"netDevices\":{\"eth0\":{\"name\":\"in0\"},"
			"\"//\":\"x\",\"eth1\":{}},"
			"\"cgroupsPath\":\"/a\",\"mountLabel\":\"l\","
			"\"intelRdt\":{\"closID\":\"c\",\"schemata\":[\"s\"],"
			"\"enableMonitoring\":true},"
			"\"rootfsPropagation\":\"rslave\","
			"\"maskedPaths\":[\"/m\"],\"readonlyPaths\":[\"/r\"],"
			"\"personality\":{\"domain\":\"LINUX32\"},"
			"\"memoryPolicy\":{\"mode\":\"MPOL_BIND\","
			"\"nodes\":\"0,2\","
			"\"flags\":[\"MPOL_F_STATIC_NODES\"]}"));

	CHECK(!l->monotonic.has && l->boottime.has);
	CHECK_INT(l->boottime.secs, -5);
	CHECK_INT(l->boottime.nanosecs, 999999999);
	CHECK_INT(l->n_net_devices, 2);
	CHECK_STR(l->net_devices[0].container_name, "in0");
	CHECK_STR(l->net_devices[1].host_name, "eth1");
	CHECK_STR(l->net_devices[1].container_name, "eth1");
	CHECK_STR(l->cgroups_path, "/a");
	CHECK_STR(l->mount_label, "l");
	CHECK_STR(l->intel_rdt->clos_id, "c");
	CHECK_STR(l->intel_rdt->schemata[0], "s");
	CHECK(l->intel_rdt->enable_monitoring);
	CHECK_INT(l->rootfs_propagation, MS_SLAVE | MS_REC);
	CHECK_STR(l->masked_paths[0], "/m");
	CHECK_STR(l->readonly_paths[0], "/r");
	CHECK(l->has_personality && l->personality == PER_LINUX32);
	CHECK(l->has_memory_policy);
	CHECK_INT(l->memory_policy_mode, MPOL_BIND | MPOL_F_STATIC_NODES);
	CHECK_INT(l->memory_policy_nodes.n_cpus, 2);
	spec_free(s);
}

static void sysctls(void)
{
	struct spec *s;
	struct spec_linux *l = linux_of(
		&s, SPEC_LINUX("\"sysctl\":{\"net.ipv4.ip_forward\":\"1\","
			       "\"net/ipv4/conf/eth0.1/mtu\":\"2\","
			       "\"net.ipv4.conf.eth0/2.mtu\":\"3\"}"));

	CHECK_INT(l->n_sysctl, 3);
	CHECK_STR(l->sysctl[0].key, "net/ipv4/ip_forward");
	CHECK_STR(l->sysctl[0].value, "1");
	CHECK_STR(l->sysctl[1].key, "net/ipv4/conf/eth0.1/mtu");
	CHECK_STR(l->sysctl[2].key, "net/ipv4/conf/eth0.2/mtu");
	spec_free(s);
}

static void refused(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{SPEC_NAMESPACES("{\"type\":\"mount\"}"),
		 "c: /linux/namespaces/1: duplicate namespace \"mount\""},
		{SPEC_NAMESPACES("{\"type\":\"net\"}"),
		 "c: /linux/namespaces/1/type: unknown word \"net\""},
		{SPEC_NAMESPACES("{}"),
		 "c: /linux/namespaces/1: \"type\" is missing"},
		{SPEC_NAMESPACES("{\"type\":\"pid\",\"path\":\"x\"}"),
		 "c: /linux/namespaces/1: path x is not absolute"},
		{SPEC_LINUX("\"timeOffsets\":{\"realtime\":{}}"),
		 "c: /linux/timeOffsets/realtime: unknown clock"},
		{SPEC_LINUX("\"timeOffsets\":{\"boottime\":{"
			    "\"nanosecs\":1000000000}}"),
		 "c: /linux/timeOffsets/boottime/nanosecs: 1000000000 is more "
		 "than 999999999"},
		{SPEC_LINUX("\"devices\":[{\"path\":\"/x\",\"type\":\"d\"}]"),
		 "c: /linux/devices/0/type: unknown word \"d\""},
		{SPEC_LINUX("\"devices\":[{\"path\":\"/x\",\"type\":\"c\","
			    "\"major\":1}]"),
		 "c: /linux/devices/0: \"minor\" is missing"},
		{SPEC_LINUX("\"personality\":{\"domain\":\"BSD\"}"),
		 "c: /linux/personality/domain: unknown word \"BSD\""},
		{SPEC_LINUX("\"personality\":{\"domain\":\"LINUX\","
			    "\"flags\":[\"X\"]}"),
		 "c: /linux/personality/flags: no flags are known"},
		{SPEC_LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_X\"}"),
		 "c: /linux/memoryPolicy/mode: unknown word \"MPOL_X\""},
		{SPEC_LINUX("\"rootfsPropagation\":\"up\""),
		 "c: /linux/rootfsPropagation: unknown word \"up\""},
		{SPEC_LINUX("\"netDevices\":{\"a\":\"b\"}"),
		 "c: /linux/netDevices/a: must be an object, not a string"},
		{SPEC_LINUX("\"maskedPaths\":\"/proc\""),
		 "c: /linux/maskedPaths: must be an array, not a string"},
		{SPEC_LINUX("\"sysctl\":{\"net.a\":1}"),
		 "c: /linux/sysctl/net.a: must be a string, not a number"},
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
	TEST("namespaces are new without a path and joined with one",
	     namespaces);
	TEST("devices keep their numbers and permissions", devices);
	TEST("the smaller objects of linux arrive", small_objects);
	TEST("sysctl keys become paths, whichever separator they use", sysctls);
	TEST("what cannot be is refused with the JSON pointer", refused);
	return test_done();
}
