/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_check_sysctl.c. */
#include "tests/unit/test.h"

#include "lib/cleanup.h"
#include "tests/unit/spec_text.h"

#define SYSCTL(namespaces, key) \
	SPEC_TEXT("", namespaces "],\"sysctl\":{\"" key "\":\"1\"}", "")
#define IPC ",{\"type\":\"ipc\"}"
#define NET ",{\"type\":\"network\",\"path\":\"/n\"}"
#define UTS ",{\"type\":\"uts\"}"

static void check_all(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{SYSCTL(IPC, "kernel.shmmax"), ""},
		{SYSCTL(IPC, "fs.mqueue.msg_max"), ""},
		{SYSCTL(IPC, "fs/mqueue/msg_max"), ""},
		{SYSCTL(NET, "net.ipv4.ip_forward"), ""},
		{SYSCTL(NET, "net/ipv4/conf/eth0.1/forwarding"), ""},
		{SYSCTL(UTS, "kernel.domainname"), ""},
		{SYSCTL("", "kernel.shmmax"),
		 "/linux/sysctl: kernel/shmmax needs a new or joined ipc "
		 "namespace"},
		{SYSCTL(IPC, "net.ipv4.ip_forward"),
		 "/linux/sysctl: net/ipv4/ip_forward needs a new or joined "
		 "network "
		 "namespace"},
		{SYSCTL(UTS, "kernel.hostname"),
		 "/linux/sysctl: kernel.hostname is set by /hostname"},
		{SYSCTL(IPC NET UTS, "vm.swappiness"),
		 "/linux/sysctl: vm/swappiness belongs to no namespace and "
		 "would change the host"},
		{SYSCTL(IPC, "kernel.shmmaxx"),
		 "/linux/sysctl: kernel/shmmaxx belongs to no namespace and "
		 "would change the host"},
		{SYSCTL(IPC, "kernel.core_pattern"),
		 "/linux/sysctl: kernel/core_pattern belongs to no namespace "
		 "and would change the host"},
		{SYSCTL(NET, "net/../kernel/core_pattern"),
		 "/linux/sysctl: \"net/../kernel/core_pattern\" is no key"},
		{SYSCTL(NET, "net.//.kernel.core_pattern"),
		 "/linux/sysctl: \"net/../kernel/core_pattern\" is no key"},
		{SYSCTL(NET, "net..ipv4"),
		 "/linux/sysctl: \"net//ipv4\" is no key"},
		{SYSCTL(NET, "net./.ipv4"),
		 "/linux/sysctl: \"net/./ipv4\" is no key"},
		{SYSCTL(NET, "net."), "/linux/sysctl: \"net/\" is no key"},
		{SYSCTL(NET, "/net/a"), "/linux/sysctl: \"/net/a\" is no key"},
		{SYSCTL(NET, ""), "/linux/sysctl: \"\" is no key"},
		{SYSCTL(NET, ".."), "/linux/sysctl: \"//\" is no key"},
		{SYSCTL(NET, "network.x"),
		 "/linux/sysctl: network/x belongs to no namespace and would "
		 "change the host"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_STR(spec_error(cases[i].text), cases[i].error);
}

int main(void)
{
	TEST("only sysctls of the container's own namespaces are accepted",
	     check_all);
	return test_done();
}
