/* SPDX-License-Identifier: MIT */
/* Tests of lib/path.c: roots whose contents want to lead outside. */
#include "lib/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

/*
 * TOP/secret, TOP/host/, and TOP/root/ with in/file and links of all kinds.
 * Everything is made for one test and removed after it.
 */
static char top_path[] = "/tmp/bulkhead-test-path-XXXXXX";
static int top, root;

static const struct {
	const char *name, *target;
} links[] = {
	{"abs", "/in/file"},
	{"up", "../../../secret"},
	{"dirlink", "/in"},
	{"dangling", "/made"},
	{"loop", "loop"},
	{"hostdir", "../host"},
	{"magic", "/proc/self/cwd"},
	{"absup", "/../../secret"},
};

static void make_tree(void)
{
	top = open(top_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(openat(top, "secret", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	mkdirat(top, "host", 0755);
	mkdirat(top, "root", 0755);
	root = openat(top, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mkdirat(root, "in", 0755);
	close(openat(root, "in/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, root, links[i].name) < 0)
			exit(1);
}

static void remove_tree(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		unlinkat(root, links[i].name, 0);
	unlinkat(root, "in/file", 0);
	unlinkat(root, "in", AT_REMOVEDIR);
	close(root);
	unlinkat(top, "root", AT_REMOVEDIR);
	unlinkat(top, "host", AT_REMOVEDIR);
	unlinkat(top, "secret", 0);
	close(top);
	rmdir(top_path);
}

static bool same_file(int fd, int at, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(at, path, &b, 0) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* What a path leads to: 0 when to target below the root, or the error. */
static int leads_to(const char *path, const char *target)
{
	_cleanup_fd_ int fd = path_open_in(root, path, O_PATH);

	if (fd < 0)
		return fd;
	return same_file(fd, root, target) ? 0 : 1;
}

static bool exists(int at, const char *path)
{
	return faccessat(at, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void opening(void)
{
	CHECK_INT(leads_to("in/file", "in/file"), 0);
	CHECK_INT(leads_to("/in/file", "in/file"), 0);
	CHECK_INT(leads_to("abs", "in/file"), 0);
	CHECK_INT(leads_to("dirlink/file", "in/file"), 0);
	CHECK_INT(leads_to("../../in/file", "in/file"), 0);
	CHECK_INT(leads_to("in/../../../in/file", "in/file"), 0);
	CHECK_INT(leads_to("", "."), 0);
	CHECK_INT(leads_to("/", "."), 0);
	CHECK_INT(leads_to("..", "."), 0);
	CHECK_INT(leads_to("up", ""), -ENOENT);
	CHECK_INT(leads_to("absup", ""), -ENOENT);
	CHECK_INT(leads_to("../secret", ""), -ENOENT);
	CHECK_INT(leads_to("hostdir", ""), -ENOENT);
	CHECK_INT(leads_to("loop", ""), -ELOOP);
}

static void close_on_exec(void)
{
	_cleanup_fd_ int fd = path_open_in(root, "in/file", O_RDONLY);

	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

/* A root with a real procfs in it: its links lead out by themselves. */
static void magic_links(void)
{
	_cleanup_fd_ int host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK_INT(path_open_in(host, "proc/self/cwd", O_PATH), -ELOOP);
	CHECK_INT(path_open_in(host, "proc/self/fd/0", O_PATH), -ELOOP);
	CHECK_INT(path_open_in(host, "proc/self/root/etc", O_PATH), -ELOOP);
}

static void no_links(void)
{
	_cleanup_fd_ int fd = path_open_nolinks(root, "in/file", O_PATH);

	CHECK(fd >= 0);
	CHECK_INT(path_open_nolinks(root, "abs", O_PATH), -ELOOP);
	CHECK_INT(path_open_nolinks(root, "dirlink/file", O_PATH), -ELOOP);
}

static void making_dirs(void)
{
	_cleanup_fd_ int a = path_mkdir_in(root, "/in/a/b//c/", 0700);
	struct stat st;

	CHECK(a >= 0 && same_file(a, root, "in/a/b/c"));
	CHECK_INT(fstatat(root, "in/a", &st, 0), 0);
	CHECK_INT(st.st_mode & 0777, 0700);

	_cleanup_fd_ int again = path_mkdir_in(root, "in/a/b/c", 0755);

	CHECK(again >= 0 && same_file(again, root, "in/a/b/c"));

	_cleanup_fd_ int through = path_mkdir_in(root, "dirlink/a/d", 0755);

	CHECK(through >= 0 && same_file(through, root, "in/a/d"));
	unlinkat(root, "in/a/d", AT_REMOVEDIR);
	unlinkat(root, "in/a/b/c", AT_REMOVEDIR);
	unlinkat(root, "in/a/b", AT_REMOVEDIR);
	unlinkat(root, "in/a", AT_REMOVEDIR);
}

static void hostile_dirs(void)
{
	CHECK_INT(path_mkdir_in(root, "in/file/x", 0755), -ENOTDIR);
	CHECK_INT(path_mkdir_in(root, "in/new/../../../x", 0755), -EINVAL);
	CHECK_INT(path_mkdir_in(root, "loop/x", 0755), -ELOOP);
	CHECK_INT(path_mkdir_in(root, "dangling/x", 0755), -ENOENT);
	CHECK_HAS(fail_text(), "make directory dangling");
	CHECK(!exists(root, "made") && !exists(root, "in/new"));
	CHECK(path_mkdir_in(root, "hostdir/x", 0755) < 0);
	CHECK(!exists(top, "host/x"));
	CHECK(path_mkdir_in(root, "up/x", 0755) < 0);
}

static void making_files(void)
{
	_cleanup_fd_ int made = path_mkfile_in(root, "in/sub/new");
	struct stat st;

	CHECK(made >= 0 && same_file(made, root, "in/sub/new"));
	CHECK(fstat(made, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size);

	_cleanup_fd_ int there = path_mkfile_in(root, "abs");

	CHECK(there >= 0 && same_file(there, root, "in/file"));
	unlinkat(root, "in/sub/new", 0);
	unlinkat(root, "in/sub", AT_REMOVEDIR);
}

static void hostile_files(void)
{
	CHECK_INT(path_mkfile_in(root, "dangling"), -EEXIST);
	CHECK(!exists(root, "made"));
	CHECK_INT(path_mkfile_in(root, "up"), -EEXIST);
	CHECK(path_mkfile_in(root, "hostdir/f") < 0);
	CHECK(!exists(top, "host/f"));
	CHECK_INT(path_mkfile_in(root, "new/"), -EINVAL);
	CHECK_INT(path_mkfile_in(root, "new/../x"), -EINVAL);
}

static void host_dirs(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/x/y/z", top_path);
	CHECK_INT(path_mkdirs(path, 0700), 0);
	CHECK_INT(path_mkdirs(path, 0700), 0);
	CHECK(exists(top, "x/y/z"));
	snprintf(path, sizeof(path), "%s/secret/x", top_path);
	CHECK_INT(path_mkdirs(path, 0700), -ENOTDIR);
	unlinkat(top, "x/y/z", AT_REMOVEDIR);
	unlinkat(top, "x/y", AT_REMOVEDIR);
	unlinkat(top, "x", AT_REMOVEDIR);
}

int main(void)
{
	if (!mkdtemp(top_path))
		return 1;
	make_tree();
	TEST("no path or link leads out of the root", opening);
	TEST("what is opened does not survive exec", close_on_exec);
	TEST("links of procfs are not followed", magic_links);
	TEST("where no link is allowed, none is followed", no_links);
	TEST("missing directories are made, links inside the root followed",
	     making_dirs);
	TEST("no directory is made through a link that leads nowhere or out",
	     hostile_dirs);
	TEST("a missing file is made with its directories", making_files);
	TEST("no file is made through a link that leads nowhere or out",
	     hostile_files);
	TEST("directories of the host are made like mkdir -p", host_dirs);
	TEST("only whole components are dot-dot")
	{
		CHECK(path_has_dotdot(".."));
		CHECK(path_has_dotdot("/a/../b"));
		CHECK(path_has_dotdot("a//.."));
		CHECK(!path_has_dotdot("..."));
		CHECK(!path_has_dotdot("/a/..b/c.."));
		CHECK(!path_has_dotdot(""));
	}
	TEST("the file system of an fd is told by its magic number")
	{
		_cleanup_fd_ int fd = open("/proc", O_PATH | O_CLOEXEC);

		CHECK(path_is_on(fd, PROC_SUPER_MAGIC));
		CHECK(!path_is_on(fd, TMPFS_MAGIC));
		CHECK(!path_is_on(-1, PROC_SUPER_MAGIC));
	}
	remove_tree();
	return test_done();
}
