/* SPDX-License-Identifier: MIT */
/* Tests of isolate/target.c. */
#include "isolate/target.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"
#include "tests/unit/test.h"

static const char *cleaned(const char *path)
{
	static struct target_path out;

	return target_clean(path, &out) == 0 ? out.text : NULL;
}

static void cleans(void)
{
	CHECK_STR(cleaned("/proc"), "proc");
	CHECK_STR(cleaned("proc/"), "proc");
	CHECK_STR(cleaned("//a///b/./c/"), "a/b/c");
	CHECK_STR(cleaned("/a/../proc"), "proc");
	CHECK_STR(cleaned("/a/b/../../../../etc"), "etc");
	CHECK_STR(cleaned("/a/..b/.c"), "a/..b/.c");
	CHECK_STR(cleaned("/"), "");
	CHECK_STR(cleaned(""), "");
	CHECK_STR(cleaned(".."), "");
	CHECK_STR(cleaned("/ab/cd/.."), "ab");
}

static void refuses_long(void)
{
	struct target_path out;
	char *path = malloc(3 * PATH_MAX);

	CHECK(path);
	for (int i = 0; i < PATH_MAX; i++)
		memcpy(path + 2 * i, "/a", 3);
	CHECK_INT(target_clean(path, &out), -ENAMETOOLONG);
	/* What is long only as it is written is fine. */
	for (int i = 0; i < PATH_MAX; i++)
		memcpy(path + 2 * i, "/.", 3);
	CHECK_INT(target_clean(path, &out), 0);
	CHECK_STR(out.text, "");
	free(path);
}

static void compares(void)
{
	struct target_path p = {"proc/sys"}, other = {"process"};

	CHECK(target_is_in(&p, "proc") && target_is_in(&p, "proc/sys"));
	CHECK(!target_is_in(&other, "proc"));
	CHECK(target_is(&p, "proc/sys") && !target_is(&p, "proc"));
}

/* -- Opening, in a directory of the test's own ---------------------------- */

static char dir[] = "/tmp/target-XXXXXX";

static int open_in(const char *path, enum target_want want, bool no_links)
{
	_cleanup_fd_ int root = open(dir, O_PATH | O_CLOEXEC);
	struct target_path p;
	int r = target_clean(path, &p);
	char before[PATH_MAX];

	strcpy(before, p.text);
	if (r == 0)
		r = target_open(root, &p, want, no_links);
	CHECK_STR(p.text, before);
	return r;
}

static mode_t mode_of(const char *path)
{
	_cleanup_fd_ int root = open(dir, O_PATH | O_CLOEXEC);
	struct stat st;

	return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0
								 : st.st_mode;
}

static void makes(void)
{
	umask(022);
	CHECK(open_in("a/b/c", TARGET_DIRECTORY, true) >= 0);
	CHECK(open_in("a/b/d/file", TARGET_FILE, true) >= 0);
	CHECK_INT(mode_of("a/b/c"), S_IFDIR | 0755);
	CHECK_INT(mode_of("a/b/d/file"), S_IFREG | 0644);

	int fd = open_in("a/b/d/file", TARGET_FILE, false);

	CHECK_INT(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	CHECK_INT(open_in("a/x", TARGET_EXISTING, true), -ENOENT);
	CHECK_HAS(fail_text(), "open /a/x");
	CHECK_INT(open_in("a/b/d/file/x", TARGET_DIRECTORY, true), -ENOTDIR);
	CHECK_HAS(fail_text(), "make /a/b/d/file/x");
	CHECK_INT(open_in("a/b/d/file", TARGET_DIRECTORY, true), -ENOTDIR);
}

static void refuses_links(void)
{
	_cleanup_fd_ int root = open(dir, O_PATH | O_CLOEXEC);

	CHECK_INT(mkdirat(root, "real", 0755), 0);
	CHECK_INT(symlinkat("real", root, "link"), 0);
	CHECK_INT(symlinkat("nowhere", root, "dangling"), 0);
	CHECK_INT(open_in("link", TARGET_DIRECTORY, true), -ELOOP);
	CHECK_INT(open_in("link/x/y", TARGET_DIRECTORY, true), -ELOOP);
	CHECK_HAS(fail_text(), "/link/x/y is a symbolic link, or below one");
	CHECK_INT(open_in("dangling", TARGET_FILE, true), -ELOOP);
	CHECK_INT(mode_of("real/x"), 0);
	CHECK_INT(mode_of("nowhere"), 0);
}

static void follows_links(void)
{
	CHECK(open_in("link/x/y", TARGET_DIRECTORY, false) >= 0);
	CHECK_INT(mode_of("real/x/y"), S_IFDIR | 0755);
	CHECK_INT(open_in("dangling", TARGET_EXISTING, false), -ENOENT);
	CHECK_INT(mode_of("nowhere"), 0);

	int fd = open_in("link/made", TARGET_FILE, false);

	CHECK_INT(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
}

/* As with /etc/resolv.conf -> ../run/systemd/resolve/stub-resolv.conf. */
static void makes_behind_links(void)
{
	_cleanup_fd_ int root = open(dir, O_PATH | O_CLOEXEC);

	CHECK(open_in("etc", TARGET_DIRECTORY, true) >= 0);
	CHECK_INT(symlinkat("../run/./x/file", root, "etc/one"), 0);
	CHECK_INT(symlinkat("/run/y/file", root, "etc/two"), 0);
	CHECK_INT(symlinkat("two", root, "etc/three"), 0);
	CHECK_INT(symlinkat("../../../../../../made", root, "etc/up"), 0);
	CHECK(open_in("etc/one", TARGET_FILE, false) >= 0);
	CHECK_INT(mode_of("run/x/file"), S_IFREG | 0644);
	CHECK(open_in("etc/three", TARGET_FILE, false) >= 0);
	CHECK_INT(mode_of("run/y/file"), S_IFREG | 0644);
	CHECK(open_in("etc/up", TARGET_DIRECTORY, false) >= 0);
	CHECK_INT(mode_of("made"), S_IFDIR | 0755);
	CHECK(access("/made", F_OK) < 0);
	CHECK_INT(mode_of("etc/one") & S_IFMT, S_IFLNK);
}

static void ends_loops(void)
{
	_cleanup_fd_ int root = open(dir, O_PATH | O_CLOEXEC);

	CHECK_INT(symlinkat("b", root, "a_loop"), 0);
	CHECK_INT(symlinkat("a_loop", root, "b"), 0);
	CHECK_INT(open_in("a_loop", TARGET_FILE, false), -ELOOP);
	for (int i = 0; i < 20; i++) {
		char name[32], to[32];

		snprintf(name, sizeof(name), "chain%d", i);
		snprintf(to, sizeof(to), "chain%d", i + 1);
		CHECK_INT(symlinkat(to, root, name), 0);
	}
	CHECK_INT(open_in("chain0", TARGET_FILE, false), -ENOENT);
	CHECK_INT(mode_of("chain20"), 0);
	CHECK(open_in("chain15", TARGET_FILE, false) >= 0);
	CHECK_INT(mode_of("chain20"), S_IFREG | 0644);
}

static void spots_dev(void)
{
	struct spec_mount m = {.destination = "//dev/./"};

	CHECK(target_is_dev(&m));
	m.destination = "/dev/pts";
	CHECK(!target_is_dev(&m));
}

int main(void)
{
	TEST("a destination loses all that does not lead on", cleans);
	TEST("a destination that is too long is refused", refuses_long);
	TEST("paths compare by whole components", compares);
	umask(0022); /* the modes that are looked at are less this */
	if (!mkdtemp(dir))
		return 1;
	TEST("what is missing is made, as directory or file", makes);
	TEST("a strict target takes no link, and makes nothing behind one",
	     refuses_links);
	TEST("another target follows links inside the root", follows_links);
	TEST("what a dangling link points to is made inside the root",
	     makes_behind_links);
	TEST("links in a circle or a long row are refused", ends_loops);
	TEST("/dev is known however it is written", spots_dev);
	if (fork() == 0)
		execlp("rm", "rm", "-r", dir, NULL);
	wait(NULL);
	return test_done();
}
