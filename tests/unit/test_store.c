/* SPDX-License-Identifier: MIT */
/* Tests of runtime/store.c. */
#include "runtime/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

static char root[] = "/tmp/bulkhead-test-store-XXXXXX";
static struct store store;

static void ids(void)
{
	static const char *const good[] = {"a", "Z9",  "_",     "+x",
					   "-", "a.b", "x_+.-y"};
	static const char *const bad[] = {"",         ".",   "..",  ".a",
					  "a/b",      "/a",  "a/",  "a b",
					  "a\nb",     "a:b", "a\\", "a\x7f",
					  "\xc3\xa4", "a*",  "~",   "a\x1b[m"};
	char longest[257];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_INT(store_check_id(good[i]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(store_check_id(bad[i]), -EINVAL);
	memset(longest, 'x', 256);
	longest[256] = '\0';
	CHECK_INT(store_check_id(longest), -EINVAL);
	CHECK_HAS(fail_text(), "longer than 255 bytes");
	longest[255] = '\0';
	CHECK_INT(store_check_id(longest), 0);
}

static bool exists(const char *name)
{
	struct stat st;

	return fstatat(store.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void opened(void)
{
	struct store s = {.fd = -1}, again = {.fd = -1};
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/deep/er", root);
	umask(0);
	CHECK_INT(store_open(path, &s), 0);
	CHECK_INT(fstat(s.fd, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0700);
	CHECK_STR(s.path, path);
	CHECK_INT(store_open(path, &again), 0);
	CHECK(fcntl(again.fd, F_GETFD) & FD_CLOEXEC);
	store_close(&s);
	store_close(&s);
	store_close(&again);
	CHECK_INT(s.fd, -1);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/deep", root);
	rmdir(path);
}

static void not_a_directory(void)
{
	struct store s = {.fd = -1};
	char path[64];

	snprintf(path, sizeof(path), "%s/file", root);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	CHECK_INT(store_open(path, &s), -ENOTDIR);
	CHECK_HAS(fail_text(), path);
	store_close(&s);
	strcat(path, "/x");
	CHECK(store_open(path, &s) < 0);
	CHECK_HAS(fail_text(), "state directory");
	store_close(&s);
	unlinkat(store.fd, "file", 0);
}

/* The state directory of one who names none; /run is the test's own. */
static void check_default(const char *user, const char *want)
{
	struct store s = {.fd = -1};

	setenv("XDG_RUNTIME_DIR", root, 1);
	unsetenv("USER");
	if (user)
		setenv("USER", user, 1);
	CHECK_INT(store_open(NULL, &s), 0);
	CHECK_STR(s.path, want);
	store_close(&s);
}

static void default_place(void)
{
	char own[64];
	_cleanup_fd_ int map = -1;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("test", "/run", "tmpfs", 0, NULL) < 0) {
		SKIP("the right to mount");
		return;
	}
	snprintf(own, sizeof(own), "%s/bulkhead", root);
	check_default("root", "/run/bulkhead");
	check_default(NULL, "/run/bulkhead");
	check_default("someone", "/run/bulkhead");
	/* Root of an engine's user namespace. */
	CHECK_INT(unshare(CLONE_NEWUSER), 0);
	map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	CHECK_INT(write(map, "0 0 1", 5), 5);
	check_default(NULL, own);
	check_default("someone", own);
	check_default("root", "/run/bulkhead");
	unsetenv("XDG_RUNTIME_DIR");
	CHECK_INT(rmdir(own), 0);
}

static void life(void)
{
	_cleanup_fd_ int lock = -1;
	int second = -1;
	_cleanup_fd_ int dir = store_add(&store, "web", &lock);
	struct stat st;

	CHECK(dir >= 0 && lock >= 0);
	CHECK_INT(fstat(dir, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0700);
	CHECK_INT(store_add(&store, "web", &second), -EEXIST);
	CHECK_STR(fail_text(), "container \"web\" exists already");

	_cleanup_fd_ int found = store_find(&store, "web");

	CHECK(found >= 0);
	CHECK_INT(mkdirat(dir, "notify", 0700), 0);
	CHECK_INT(symlinkat("/etc/passwd", dir, "notify/link"), 0);
	CHECK_INT(symlinkat("/etc", dir, "tree"), 0);
	close(openat(dir, "record", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	CHECK_INT(store_remove(&store, "web"), 0);
	CHECK(!exists("web"));
	CHECK_INT(access("/etc/passwd", F_OK), 0);
	CHECK_INT(store_remove(&store, "web"), 0);
	CHECK_INT(store_find(&store, "web"), -ENOENT);
	CHECK_STR(fail_text(), "container \"web\" does not exist");
	/* Whoever had opened it before sees that it is gone. */
	CHECK_INT(store_lock(found), -ENOENT);
	CHECK_STR(fail_text(), "the container was deleted");
}

static void bad_ids(void)
{
	int lock = -1;

	mkdirat(store.fd, "victim", 0700);
	CHECK_INT(store_find(&store, "../victim"), -EINVAL);
	CHECK_INT(store_find(&store, "victim/."), -EINVAL);
	CHECK_INT(store_remove(&store, "."), -EINVAL);
	CHECK_INT(store_remove(&store, ".."), -EINVAL);
	CHECK_INT(store_remove(&store, ".seccomp"), -EINVAL);
	/* What store_add() makes it can open again, so it makes nothing. */
	CHECK_INT(store_add(&store, "no such id", &lock), -EINVAL);
	CHECK(!exists("no such id"));
	CHECK_INT(store_add(&store, "../escaped", &lock), -EINVAL);
	CHECK(!exists("../escaped"));
	CHECK_INT(lock, -1);
	CHECK(exists("victim"));
	unlinkat(store.fd, "victim", AT_REMOVEDIR);
}

/* A link in the place of a container is not followed. */
static void links(void)
{
	mkdirat(store.fd, "real", 0700);
	CHECK_INT(symlinkat("real", store.fd, "link"), 0);
	CHECK(store_find(&store, "link") < 0);
	CHECK(store_remove(&store, "link") < 0);
	CHECK(exists("link") && exists("real"));
	unlinkat(store.fd, "link", 0);
	unlinkat(store.fd, "real", AT_REMOVEDIR);
}

/* Whether another process gets the lock without waiting. */
static bool is_free(int lock)
{
	struct flock f = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fcntl(lock, F_SETLK, &f) < 0);
	waitpid(pid, &status, 0);
	return status == 0;
}

static void locks(void)
{
	int lock = -1;
	_cleanup_fd_ int dir = store_add(&store, "locked", &lock);
	_cleanup_fd_ int other = openat(dir, "lock", O_RDWR | O_CLOEXEC);

	CHECK(lock >= 0 && other >= 0);
	CHECK(fcntl(lock, F_GETFD) & FD_CLOEXEC);
	CHECK(!is_free(other));
	close(lock);
	CHECK(is_free(other));
	lock = store_lock(dir);
	CHECK(lock >= 0);
	CHECK(!is_free(other));
	close(lock);
	store_remove(&store, "locked");
}

/* Who waits for the lock of what is deleted meanwhile is told so. */
static void deleted_meanwhile(void)
{
	int lock = -1, status = 0, started[2];
	_cleanup_fd_ int dir = store_add(&store, "gone", &lock);
	char byte;

	CHECK(dir >= 0 && pipe(started) == 0);

	pid_t pid = fork();

	if (pid == 0) {
		if (write(started[1], "x", 1) != 1)
			_exit(2);
		_exit(store_lock(dir) == -ENOENT ? 0 : 1);
	}
	CHECK_INT(read(started[0], &byte, 1), 1);
	CHECK_INT(store_remove(&store, "gone"), 0);
	close(lock);
	waitpid(pid, &status, 0);
	CHECK_INT(status, 0);
}

static void lists(void)
{
	static const char *const names[] = {"b", "a", "c.1", "B", "_"};
	char **list = NULL;

	CHECK_INT(store_list(&store, &list), 0);
	CHECK(list && !list[0]);
	free(list);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		mkdirat(store.fd, names[i], 0700);
	/* Neither what is hidden nor what is no directory. */
	mkdirat(store.fd, ".seccomp", 0700);
	close(openat(store.fd, "file", O_WRONLY | O_CREAT, 0600));
	CHECK_INT(symlinkat("a", store.fd, "link"), 0);
	CHECK_INT(store_list(&store, &list), 5);
	CHECK_STR(list[0], "B");
	CHECK_STR(list[1], "_");
	CHECK_STR(list[2], "a");
	CHECK_STR(list[3], "b");
	CHECK_STR(list[4], "c.1");
	CHECK(!list[5]);
	free(list);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(store.fd, names[i], AT_REMOVEDIR);
	unlinkat(store.fd, ".seccomp", AT_REMOVEDIR);
	unlinkat(store.fd, "file", 0);
	unlinkat(store.fd, "link", 0);
}

/* Names that no container has are not taken for containers. */
static void foreign_names(void)
{
	char **list = NULL;

	mkdirat(store.fd, "good", 0700);
	mkdirat(store.fd, "not\nan id", 0700);
	mkdirat(store.fd, "\x1b[31m", 0700);
	CHECK_INT(store_list(&store, &list), 1);
	CHECK_STR(list[0], "good");
	free(list);
	unlinkat(store.fd, "good", AT_REMOVEDIR);
	unlinkat(store.fd, "not\nan id", AT_REMOVEDIR);
	unlinkat(store.fd, "\x1b[31m", AT_REMOVEDIR);
}

int main(void)
{
	if (!mkdtemp(root) || store_open(root, &store) < 0) {
		printf("Bail out! no directory for tests\n");
		return 1;
	}
	TEST("an id is letters, digits and \"_+.-\", at most 255 bytes", ids);
	TEST("the state directory is made, closed to others, when missing",
	     opened);
	TEST("root's state is in /run, that of others below XDG_RUNTIME_DIR",
	     default_place);
	TEST("a file in the place of the state directory is named",
	     not_a_directory);
	TEST("a container is added once, found, and removed with all in it",
	     life);
	TEST("an id that is none reaches no file", bad_ids);
	TEST("a link in the place of a container is refused", links);
	TEST("a lock ends when its fd is closed, and not before", locks);
	TEST("a container that is deleted while one waits for it is gone",
	     deleted_meanwhile);
	TEST("the list is sorted and holds directories only", lists);
	TEST("a directory whose name is no id is left out of the list",
	     foreign_names);
	store_close(&store);
	if (rmdir(root) < 0)
		printf("# left in %s: %m\n", root);
	return test_done();
}
