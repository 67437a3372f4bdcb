/* SPDX-License-Identifier: MIT */
/* Finding the program, and the working directory below the root. */
#include "isolate/exec.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

static char dir[] = "/tmp/test_exec.XXXXXX";

static void put(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fchmod(fd, mode) == 0);
	close(fd);
}

/* A tree of its own for each test, gone with its mount namespace. */
static void make_tree(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		SKIP("the right to make a mount namespace");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("tmpfs", dir, "tmpfs", 0, NULL) == 0);
	CHECK(chdir(dir) == 0);
	CHECK(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0);
	CHECK(mkdir("a/dir", 0755) == 0);
	put("a/plain", 0644);
	put("b/plain", 0755);
	put("a/only", 0644);
	put("b/prog", 0755);
	put("here", 0755);
	CHECK(chdir("/") == 0);
}

static char *find(const char *name, const char *path)
{
	char *args[] = {(char *)name, NULL};
	char *env[] = {"XPATH=/wrong", (char *)path, NULL};
	const struct spec_process p = {.args = args, .env = env, .cwd = dir};

	errno = 0;
	return exec_find(&p);
}

static void check_found(const char *name, const char *path, const char *want)
{
	_cleanup_free_ char *have = find(name, path);

	CHECK_STR(have, want);
}

static void check_missing(const char *name, const char *path, int err,
			  const char *text)
{
	char *have = find(name, path);

	CHECK(!have);
	CHECK_INT(errno, err);
	CHECK_HAS(fail_text(), text);
}

#define AB "PATH=/nowhere:a:b"

static void searches_path(void)
{
	make_tree();
	check_found("prog", AB, "b/prog");
	/* What cannot be run does not hide what can. */
	check_found("plain", AB, "b/plain");
	/* An empty component is the working directory: in front, at the end,
	 * in the middle, and alone. */
	check_found("here", "PATH=:a", "./here");
	check_found("here", "PATH=a:", "./here");
	check_found("here", "PATH=a::b", "./here");
	check_found("here", "PATH=", "./here");
}

static void searches_default_path(void)
{
	make_tree();
	_cleanup_free_ char *sh = find("sh", NULL);
	CHECK(sh && sh[0] == '/');
	CHECK_HAS(sh, "/bin/sh");
}

static void takes_paths(void)
{
	make_tree();
	check_found("./b/prog", AB, "./b/prog");
	check_found("b/prog", AB, "b/prog");
	check_found("/bin/sh", AB, "/bin/sh");
}

static void words_for_engines(void)
{
	make_tree();
	check_missing("nix", AB, ENOENT,
		      "exec \"nix\": executable file not found in $PATH: "
		      "no such file or directory");
	check_missing("", AB, ENOENT, "not found in $PATH");
	check_missing("only", AB, EACCES, "permission denied");
	check_missing("/no/such", AB, ENOENT, "no such file or directory");
	check_missing("/tmp", AB, EISDIR, "is a directory");
	check_missing("./a/only", AB, EACCES, "permission denied");
	/* A directory in PATH is no program. */
	check_missing("dir", AB, ENOENT, "not found in $PATH");
}

static void makes_cwd(void)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	make_tree();
	CHECK(asprintf(&path, "%s/new/deep", dir) > 0);
	CHECK_INT(exec_chdir(path, true), 0);
	CHECK(stat(path, &st) == 0 && S_ISDIR(st.st_mode));

	_cleanup_free_ char *now = getcwd(NULL, 0);
	CHECK_STR(now, path);
}

static void refuses_files(void)
{
	_cleanup_free_ char *path = NULL;

	make_tree();
	CHECK(asprintf(&path, "%s/here", dir) > 0);
	CHECK_INT(exec_chdir(path, true), -ENOTDIR);
	CHECK_HAS(fail_text(), path);
}

/* CVE-2024-21626: a leaked fd of a host directory, entered by its magic link.
 */
static void refuses_outside(void)
{
	make_tree();
	int leaked = open("/usr", O_PATH | O_DIRECTORY);
	char cwd[64];

	snprintf(cwd, sizeof(cwd), "/proc/self/fd/%d", leaked);
	CHECK(leaked >= 0 && chdir(dir) == 0 && mkdir("proc", 0755) == 0);
	CHECK(mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) == 0);
	CHECK(chroot(".") == 0 && chdir("/") == 0);
	CHECK(exec_chdir(cwd, true) < 0);
	CHECK_HAS(fail_text(), "outside of the container's root");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	TEST("PATH is searched as execvp does, from cwd", searches_path);
	TEST("without PATH there is a default", searches_default_path);
	TEST("a name with a slash is taken as it is", takes_paths);
	TEST("what cannot be run is told in known words", words_for_engines);
	TEST("a missing working directory is made", makes_cwd);
	TEST("a file is no working directory", refuses_files);
	TEST("a directory outside the root is refused", refuses_outside);
	rmdir(dir);
	return test_done();
}
