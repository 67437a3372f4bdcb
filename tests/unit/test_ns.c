/* SPDX-License-Identifier: MIT */
/* Namespaces: those that are joined are what they are said to be. */
#include "isolate/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

static void flags_of_new(void)
{
	struct spec_linux l = {.new_namespaces = (1u << SPEC_NS_KINDS) - 1};

	CHECK_INT(ns_clone_flags(&l),
		  CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET |
			  CLONE_NEWPID | CLONE_NEWTIME | CLONE_NEWNS);
	/* Offsets are for a namespace in which nobody is. */
	l.boottime.has = true;
	CHECK(!(ns_clone_flags(&l) & CLONE_NEWTIME));
	l.new_namespaces = 1u << SPEC_NS_PID;
	CHECK_INT(ns_clone_flags(&l), CLONE_NEWPID);
	CHECK_INT(ns_flag(SPEC_NS_CGROUP), CLONE_NEWCGROUP);
}

static void opens_each_kind(void)
{
	static const char *const names[] = {"user", "cgroup", "ipc",  "uts",
					    "net",  "pid",    "time", "mnt"};
	char paths[SPEC_NS_KINDS][32];
	struct spec_linux l = {};
	int fds[SPEC_NS_KINDS] = {};

	for (int i = 0; i < SPEC_NS_KINDS; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/proc/self/ns/%s",
			 names[i]);
		l.ns_paths[i] = paths[i];
	}
	CHECK_INT(ns_open_paths(&l, fds), 0);
	for (int i = 0; i < SPEC_NS_KINDS; i++)
		CHECK(fds[i] > 2 && (fcntl(fds[i], F_GETFD) & FD_CLOEXEC));
	int one = fds[0];
	ns_close(fds);
	CHECK(fcntl(one, F_GETFD) < 0 && errno == EBADF);
	CHECK_INT(fds[0], -1);
}

static void absent_is_minus_one(void)
{
	const struct spec_linux l = {};
	int fds[SPEC_NS_KINDS] = {};

	CHECK_INT(ns_open_paths(&l, fds), 0);
	for (int i = 0; i < SPEC_NS_KINDS; i++)
		CHECK_INT(fds[i], -1);
}

static void refuses_another_kind(void)
{
	static const char *const wrong[] = {"/proc/self/ns/net", "/dev/null",
					    "/proc/version", "/"};
	int fds[SPEC_NS_KINDS];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct spec_linux l = {};

		l.ns_paths[SPEC_NS_UTS] = wrong[i];
		CHECK_INT(ns_open_paths(&l, fds), -EINVAL);
		CHECK_HAS(fail_text(), wrong[i]);
		CHECK_HAS(fail_text(), "is not a uts namespace");
		ns_close(fds);
	}
}

/* Whoever names a fifo as a namespace must not hold up the runtime. */
static void does_not_wait_for_a_fifo(void)
{
	char dir[] = "/tmp/test_ns.XXXXXX";
	char path[64];
	struct spec_linux l = {};
	int fds[SPEC_NS_KINDS];

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	int made = mkfifo(path, 0600);
	l.ns_paths[SPEC_NS_NET] = path;
	int r = ns_open_paths(&l, fds);
	unlink(path);
	rmdir(dir);
	CHECK_INT(made, 0);
	CHECK_INT(r, -EINVAL);
}

static void joins_and_names(void)
{
	const struct spec spec = {.hostname = "inside", .domainname = "dom"};
	int fds[SPEC_NS_KINDS] = {-1, -1, -1, -1, -1, -1, -1, -1};
	struct utsname u, before;

	CHECK(uname(&before) == 0);
	fds[SPEC_NS_UTS] = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	CHECK(fds[SPEC_NS_UTS] >= 0);
	if (unshare(CLONE_NEWUTS) < 0)
		SKIP("the right to make namespaces");
	CHECK_INT(ns_set_names(&spec), 0);
	CHECK(uname(&u) == 0);
	CHECK_STR(u.nodename, "inside");
	CHECK_STR(u.domainname, "dom");
	CHECK_INT(ns_join(fds), 0);
	CHECK(uname(&u) == 0);
	CHECK_STR(u.nodename, before.nodename);
}

static void names_what_failed(void)
{
	int fds[SPEC_NS_KINDS] = {-1, -1, -1, -1, -1, -1, -1, -1};

	fds[SPEC_NS_IPC] = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	CHECK_INT(ns_join(fds), -EINVAL);
	CHECK_HAS(fail_text(), "ipc namespace");
}

int main(void)
{
	TEST("clone makes all but cgroup, and time with offsets", flags_of_new);
	TEST("a namespace of each kind is opened", opens_each_kind);
	TEST("a kind without path is -1", absent_is_minus_one);
	TEST("what is no such namespace is refused", refuses_another_kind);
	TEST("a fifo is refused without waiting", does_not_wait_for_a_fifo);
	TEST("a namespace is joined and named", joins_and_names);
	TEST("the namespace that cannot be joined is named", names_what_failed);
	return test_done();
}
