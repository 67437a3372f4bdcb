/* SPDX-License-Identifier: MIT */
/* Sysctls: keys to files, and nothing but those files. */
#include "isolate/sysctl.h"

#include <fcntl.h>
#include <sched.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

static int proc_fd(void)
{
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void own_namespaces(int flags)
{
	if (unshare(flags) < 0)
		SKIP("the right to make namespaces");
}

static int set(const char *key, const char *value)
{
	const struct spec_key_value kv = {key, value};

	return sysctl_apply(&kv, 1, proc_fd());
}

static const char *read_back(const char *path)
{
	static char text[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	CHECK(n >= 0);
	close(fd);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void writes_dotted(void)
{
	struct utsname u;

	own_namespaces(CLONE_NEWUTS);
	CHECK_INT(set("kernel.hostname", "sysctl-test"), 0);
	CHECK(uname(&u) == 0);
	CHECK_STR(u.nodename, "sysctl-test");
}

static void writes_slashed(void)
{
	struct utsname u;

	own_namespaces(CLONE_NEWUTS);
	CHECK_INT(set("kernel/domainname", "example"), 0);
	CHECK(uname(&u) == 0);
	CHECK_STR(u.domainname, "example");
}

static void both_forms_are_equal(void)
{
	own_namespaces(CLONE_NEWNET);
	CHECK_INT(set("net.ipv4.conf.lo.forwarding", "1"), 0);
	CHECK_STR(read_back("/proc/sys/net/ipv4/conf/lo/forwarding"), "1");
	CHECK_INT(set("net/ipv4/conf/lo/forwarding", "0"), 0);
	CHECK_STR(read_back("/proc/sys/net/ipv4/conf/lo/forwarding"), "0");
}

/* An interface with a dot in its name, as VLANs have. */
static void keeps_dots_of_names(void)
{
	static const char file[] = "/proc/sys/net/ipv4/conf/eth0.1/forwarding";
	struct ifreq rename = {.ifr_name = "lo", .ifr_newname = "eth0.1"};

	own_namespaces(CLONE_NEWNET);
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(sock >= 0 && ioctl(sock, SIOCSIFNAME, &rename) == 0);
	CHECK_INT(set("net/ipv4/conf/eth0.1/forwarding", "1"), 0);
	CHECK_STR(read_back(file), "1");
	CHECK_INT(set("net.ipv4.conf.eth0/1.forwarding", "0"), 0);
	CHECK_STR(read_back(file), "0");
}

static void refuses_escapes(void)
{
	static const char *const keys[] = {
		"kernel/../../self/oom_score_adj",
		"../self/oom_score_adj",
		"/../self/oom_score_adj",
		/* "//" becomes ".." where slashes stand for dots */
		"kernel.//.//.self.oom_score_adj",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		CHECK(set(keys[i], "321") < 0);
		CHECK_HAS(fail_text(), keys[i]);
		CHECK(strcmp(read_back("/proc/self/oom_score_adj"), "321"));
	}
}

static void names_key_and_value(void)
{
	CHECK_INT(set("kernel.no_such_key", "7"), -ENOENT);
	CHECK_HAS(fail_text(), "kernel.no_such_key = 7");
}

static void refuses_long_keys(void)
{
	char key[8192];

	memset(key, 'a', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	CHECK_INT(set(key, "1"), -ENAMETOOLONG);
}

int main(void)
{
	TEST("a key with dots is written", writes_dotted);
	TEST("a key with slashes is written", writes_slashed);
	TEST("dots and slashes reach the same file", both_forms_are_equal);
	TEST("dots in an interface's name survive", keeps_dots_of_names);
	TEST("a key never leaves /proc/sys", refuses_escapes);
	TEST("the error names key and value", names_key_and_value);
	TEST("an endless key is refused", refuses_long_keys);
	return test_done();
}
