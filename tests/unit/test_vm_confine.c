/* SPDX-License-Identifier: MIT */
/* What is left to a thread of the VMM whose code somebody else has written. */
#include "runtime/vm_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

static const enum vm_thread kinds[] = {VM_THREAD_IO, VM_THREAD_VCPU,
				       VM_THREAD_FS, VM_THREAD_AGENT};

static void confine(enum vm_thread kind)
{
	/* The jail's doing. */
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);

	int r = vm_confine(kind, NULL);

	if (r < 0)
		printf("# %s\n", fail_text());
	CHECK_INT(r, 0);
}

/* In a child: a jail of its own, and what lies beside it. */
struct jail {
	int outside; /* a directory with "file" */
};

static void enter_jail(struct jail *j)
{
	if (geteuid() != 0)
		SKIP("root");
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("tmpfs", "/tmp", "tmpfs", 0, NULL) == 0);
	CHECK(chdir("/tmp") == 0);
	CHECK(mkdir("outside", 0700) == 0 && mkdir("root", 0700) == 0);
	close(creat("outside/file", 0600));
	close(creat("root/file", 0600));
	j->outside = open("outside", O_PATH | O_DIRECTORY);
	CHECK(j->outside >= 0);
	CHECK(chroot("root") == 0 && chdir("/") == 0);
}

static void runs_nothing(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			char *args[] = {"true", NULL};

			confine(kinds[i]);
			execve("/bin/true", args, NULL);
			if (errno != EPERM)
				_exit(1);
			if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
				_exit(2);
			if (ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0)
				_exit(3);
			if (syscall(SYS_fork) >= 0)
				_exit(4);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK_INT(status, 0);
	}
}

static void opens_nothing(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i] == VM_THREAD_FS)
			continue;

		pid_t pid = fork();
		int status;

		if (pid == 0) {
			confine(kinds[i]);
			if (open("/etc/passwd", O_RDONLY) >= 0 ||
			    errno != EPERM)
				_exit(1);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK_INT(status, 0);
	}
}

static void has_no_capability(void)
{
	char text[8192];
	int status = open("/proc/thread-self/status", O_RDONLY);

	CHECK(status >= 0);
	confine(VM_THREAD_VCPU);

	ssize_t n = read(status, text, sizeof(text) - 1);

	CHECK(n > 0);
	text[n] = '\0';
	CHECK(strstr(text, "CapPrm:\t0000000000000000"));
	CHECK(strstr(text, "CapEff:\t0000000000000000"));
	_exit(0); /* what a sanitizer does at exit(3) is not allowed either */
}

/* By the filter alone the file server could: it has openat(2). */
static void stays_in_its_tree(void)
{
	struct jail j;

	if (syscall(SYS_landlock_create_ruleset, NULL, 0,
		    LANDLOCK_CREATE_RULESET_VERSION) < 2)
		SKIP("Landlock");
	enter_jail(&j);
	CHECK(openat(j.outside, "file", O_RDONLY) >= 0);
	confine(VM_THREAD_FS);
	CHECK(open("/file", O_RDWR) >= 0);
	CHECK(openat(AT_FDCWD, "/new", O_CREAT | O_RDWR, 0600) >= 0);
	CHECK(renameat(AT_FDCWD, "/new", AT_FDCWD, "/newer") == 0);
	CHECK(unlinkat(AT_FDCWD, "/newer", 0) == 0);
	CHECK_INT(openat(j.outside, "file", O_RDONLY), -1);
	CHECK_INT(errno, EACCES);
	CHECK_INT(unlinkat(j.outside, "file", 0), -1);
	CHECK_INT(errno, EACCES);
	_exit(0);
}

int main(void)
{
	TEST("no thread runs a program, makes a socket, a process or a tracer",
	     runs_nothing);
	TEST("none but the file server's opens a file", opens_nothing);
	TEST("a vCPU's thread has no capability", has_no_capability);
	TEST("the file server's stays in the exported tree, with an fd of "
	     "another directory, too",
	     stays_in_its_tree);
	return test_done();
}
