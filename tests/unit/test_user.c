/* SPDX-License-Identifier: MIT */
/* User, groups and the home directory. */
#include "isolate/user.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>

#include "lib/fail.h"
#include "lib/cleanup.h"
#include "tests/unit/test.h"

static void need_root(void)
{
	if (geteuid() != 0)
		SKIP("root");
}

static void sets_all_ids(void)
{
	gid_t more[] = {7, 8};
	const struct spec_user user = {.uid = 1001,
				       .gid = 1002,
				       .additional_gids = more,
				       .n_additional_gids = 2};
	uid_t ids[3];
	gid_t groups[8];

	need_root();
	CHECK_INT(user_apply(&user), 0);
	CHECK(getresuid(&ids[0], &ids[1], &ids[2]) == 0);
	CHECK(ids[0] == 1001 && ids[1] == 1001 && ids[2] == 1001);
	CHECK(getresgid(&ids[0], &ids[1], &ids[2]) == 0);
	CHECK(ids[0] == 1002 && ids[1] == 1002 && ids[2] == 1002);
	CHECK_INT(getgroups(8, groups), 2);
	CHECK(groups[0] == 7 && groups[1] == 8);
	CHECK(setuid(0) < 0);
}

static void drops_groups(void)
{
	const struct spec_user user = {.uid = 1001, .gid = 1001};
	gid_t some[] = {4, 5};

	need_root();
	CHECK(setgroups(2, some) == 0);
	CHECK_INT(user_apply(&user), 0);
	CHECK_INT(getgroups(0, NULL), 0);
}

static void names_what_failed(void)
{
	gid_t one = 5;
	const struct spec_user root = {};
	const struct spec_user groups = {
		.uid = 1001, .additional_gids = &one, .n_additional_gids = 1};

	need_root();
	CHECK(setresuid(1001, 1001, 1001) == 0);
	CHECK_INT(user_apply(&groups), -EPERM);
	CHECK_HAS(fail_text(), "supplementary groups");
	CHECK_INT(user_apply(&root), -EPERM);
	CHECK_HAS(fail_text(), "uid 0");
}

/* -- Home ----------------------------------------------------------------- */

static char root_path[] = "/tmp/test_user.XXXXXX";

static int make_root(const char *passwd, size_t len)
{
	int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK(root >= 0);
	if (mkdirat(root, "etc", 0755) < 0)
		CHECK(errno == EEXIST);
	unlinkat(root, "etc/passwd", 0);
	if (!passwd)
		return root;

	int fd = openat(root, "etc/passwd", O_WRONLY | O_CREAT | O_EXCL, 0644);

	CHECK(fd >= 0 && write(fd, passwd, len) == (ssize_t)len);
	close(fd);
	return root;
}

static void check_home(const char *passwd, uid_t uid, const char *want)
{
	int root = make_root(passwd, passwd ? strlen(passwd) : 0);
	char *home = user_home(root, uid);

	CHECK_STR(home, want);
	free(home);
	close(root);
}

static void finds_home(void)
{
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
				     "a:x:1000:1000::/home/a:/bin/sh\n"
				     "last:x:7:7::/last";

	check_home(passwd, 0, "/root");
	check_home(passwd, 1000, "/home/a");
	check_home(passwd, 7, "/last");
	check_home(passwd, 8, "/");
	check_home("", 0, "/");
	check_home(NULL, 0, "/");
}

static void only_whole_decimal(void)
{
	check_home("a:x:0x3e8:0::/bad:\n", 1000, "/");
	check_home("a:x:1000x:0::/bad:\n", 1000, "/");
	check_home("a:x: 1000:0::/bad:\n", 1000, "/");
	check_home("a:x:+1000:0::/bad:\n", 1000, "/");
	check_home("a:x:-1:0::/bad:\n", (uid_t)-1, "/");
	check_home("a:x::0::/bad:\n", 0, "/");
	check_home("1000:x:5:0::/bad:\n", 1000, "/");
	/* 2^32 + 1000 and beyond 64 bits */
	check_home("a:x:4294968296:0::/bad:\n", 1000, "/");
	check_home("a:x:99999999999999999999999:0::/bad:\n", (uid_t)-1, "/");
}

static void skips_malformed(void)
{
	check_home("a:x:1000\n:::::\n\na:x:1000:1:g:rel:\n"
		   "b:x:1000:1:g:/good:/bin/sh\n",
		   1000, "/good");
}

static void stays_inside(void)
{
	int root = make_root(NULL, 0);

	/* Of the host's own passwd, uid 0 has /root. */
	CHECK(symlinkat("../../../../../../../etc/passwd", root,
			"etc/passwd") == 0);
	_cleanup_free_ char *home = user_home(root, 0);
	CHECK_STR(home, "/");
	unlinkat(root, "etc/passwd", 0);

	/* A fifo would block who opens it. */
	CHECK(mkfifoat(root, "etc/passwd", 0644) == 0);
	_cleanup_free_ char *none = user_home(root, 0);
	CHECK_STR(none, "/");
	close(root);
}

static void bounds_size(void)
{
	size_t n = (1 << 20) + 64;
	char *text = malloc(n);

	CHECK(text);
	memset(text, '\n', n);
	memcpy(text, "root:x:0:0::/root:\n", 19);
	int root = make_root(text, n);
	free(text);
	_cleanup_free_ char *home = user_home(root, 0);
	CHECK_STR(home, "/");
	close(root);
}

int main(void)
{
	TEST("all four ids and the groups are set", sets_all_ids);
	TEST("groups of the caller are dropped", drops_groups);
	TEST("the error names what was refused", names_what_failed);
	if (!mkdtemp(root_path))
		return 1;
	TEST("the home of a uid is found", finds_home);
	TEST("only whole decimal uids count", only_whole_decimal);
	TEST("malformed lines are skipped", skips_malformed);
	TEST("links and fifos do not lead outside", stays_inside);
	TEST("a passwd without end is not read", bounds_size);

	int root = make_root(NULL, 0);

	unlinkat(root, "etc", AT_REMOVEDIR);
	close(root);
	rmdir(root_path);
	return test_done();
}
