/* SPDX-License-Identifier: MIT */
/* Tests of isolate/mount_copyup.c. */
#include "isolate/mount_copyup.h"

#include "tests/unit/sandbox.h"
#include "tests/unit/test.h"

/* Copies host/ into root/ of the box. */
static int copy(struct box *b)
{
	_cleanup_fd_ int from = open(at(b, "host"), O_PATH | O_CLOEXEC);
	_cleanup_fd_ int to = open(at(b, "root"), O_PATH | O_CLOEXEC);

	return mount_copy_up(from, to);
}

static bool is_same(struct box *b, const char *name)
{
	struct stat x, y;

	return lstat(at(b, "host%s", name), &x) == 0 &&
	       lstat(at(b, "root%s", name), &y) == 0 &&
	       x.st_mode == y.st_mode && x.st_uid == y.st_uid &&
	       x.st_gid == y.st_gid && x.st_rdev == y.st_rdev &&
	       x.st_size == y.st_size && x.st_mtim.tv_sec == y.st_mtim.tv_sec &&
	       x.st_mtim.tv_nsec == y.st_mtim.tv_nsec && x.st_ino != y.st_ino;
}

static void all_kinds(struct box *b)
{
	static const struct timespec old[2] = {{1000, 5}, {2000, 7}};
	static const char *const names[] = {"/d", "/d/f", "/link", "/null",
					    "/fifo"};

	NEED(mkdir(at(b, "host/d"), 0750) == 0);
	NEED(put(at(b, "host/d/f"), "contents"));
	NEED(chown(at(b, "host/d/f"), 11, 12) == 0);
	NEED(chmod(at(b, "host/d/f"), 06711) == 0);
	NEED(symlink("/etc/../d", at(b, "host/link")) == 0);
	NEED(lchown(at(b, "host/link"), 13, 14) == 0);
	NEED(mknod(at(b, "host/null"), S_IFCHR | 0606, makedev(1, 3)) == 0);
	NEED(mknod(at(b, "host/fifo"), S_IFIFO | 0640, 0) == 0);
	for (size_t i = ARRAY_SIZE(names); i-- > 0;)
		NEED(utimensat(AT_FDCWD, at(b, "host%s", names[i]), old,
			       AT_SYMLINK_NOFOLLOW) == 0);
	NEED(copy(b) == 0);
	NEED(holds(at(b, "root/d/f"), "contents"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		NEED(is_same(b, names[i]) || !printf("# %s\n", names[i]));
}

static void big_and_sparse(struct box *b)
{
	struct stat st;
	int fd = open(at(b, "host/big"), O_RDWR | O_CREAT, 0600);

	NEED(pwrite(fd, "end", 3, (5 << 20) + 17) == 3);
	NEED(copy(b) == 0);
	NEED(stat(at(b, "root/big"), &st) == 0 &&
	     st.st_size == (5 << 20) + 20);
}

static void other_mounts(struct box *b)
{
	NEED(mkdir(at(b, "host/sub"), 0755) == 0);
	NEED(sys_mount("sub", at(b, "host/sub"), "tmpfs", 0, NULL) == 0);
	NEED(put(at(b, "host/sub/f"), ""));
	NEED(copy(b) == 0);
	NEED(!exists(at(b, "root/sub/f")));
}

static void too_deep(struct box *b)
{
	NEED(chdir(at(b, "host")) == 0);
	for (int i = 0; i < 300; i++)
		NEED(mkdir("d", 0755) == 0 && chdir("d") == 0);
	NEED(chdir("/") == 0);
	NEED(copy(b) == -ELOOP);
	NEED(SAID("directories deep"));
}

static void names_failure(struct box *b)
{
	NEED(mkdir(at(b, "host/d"), 0755) == 0);
	NEED(put(at(b, "host/d/f"), ""));
	NEED(mkdir(at(b, "root/d"), 0755) == 0);
	NEED(copy(b) == -EEXIST);
	NEED(strcmp(fail_text(), "d: File exists") == 0);
}

int main(void)
{
	if (geteuid() != 0) {
		TEST("copying up") {
			SKIP("needs root");
		}
		return test_done();
	}
	TEST("all kinds of files keep mode, owner and times")
		CHECK(sandbox(all_kinds, 0));
	TEST("a file larger than one call copies is copied whole")
		CHECK(sandbox(big_and_sparse, 0));
	TEST("what is mounted below is not entered")
		CHECK(sandbox(other_mounts, 0));
	TEST("a bottomless tree is refused")
		CHECK(sandbox(too_deep, 0));
	TEST("what could not be copied is named")
		CHECK(sandbox(names_failure, 0));
	return test_done();
}
