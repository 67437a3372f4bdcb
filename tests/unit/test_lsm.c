/* SPDX-License-Identifier: MIT */
/* LSM labels: written where they work, refused where they do not. */
#include "isolate/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

static int proc_fd(void)
{
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static bool is_active(const char *path)
{
	char c = 'N';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, &c, 1) != 1)
		c = 'N';
	close(fd);
	return c != 'N';
}

static void none_asked(void)
{
	const struct spec_process p = {.apparmor_profile = "",
				       .selinux_label = ""};
	const struct spec_process nothing = {};

	/* No file is opened: a bad fd does not matter. */
	CHECK_INT(lsm_apply(&nothing, -1), 0);
	CHECK_INT(lsm_apply(&p, -1), 0);
}

static void unconfined_is_always_fine(void)
{
	const struct spec_process p = {.apparmor_profile = "unconfined"};

	CHECK_INT(lsm_apply(&p, proc_fd()), 0);
}

/* A directory in the file's place: any error but "there is no module". */
static void unconfined_that_fails(void)
{
	char dir[] = "/tmp/test_lsm.XXXXXX";
	const struct spec_process p = {.apparmor_profile = "unconfined"};

	CHECK(mkdtemp(dir));
	int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	mkdirat(root, "self", 0755);
	mkdirat(root, "self/attr", 0755);
	mkdirat(root, "self/attr/exec", 0755);

	int r = lsm_apply(&p, root);

	unlinkat(root, "self/attr/exec", AT_REMOVEDIR);
	unlinkat(root, "self/attr", AT_REMOVEDIR);
	unlinkat(root, "self", AT_REMOVEDIR);
	rmdir(dir);
	CHECK_INT(r, -EISDIR);
	CHECK_HAS(fail_text(), "unconfined");
}

static void apparmor_unknown(void)
{
	const struct spec_process p = {.apparmor_profile = "no-such-profile"};

	CHECK(lsm_apply(&p, proc_fd()) < 0);
	CHECK_HAS(fail_text(), "no-such-profile");
	CHECK_HAS(fail_text(), "/proc/self/attr/");
}

static void selinux_inactive(void)
{
	const struct spec_process p = {.selinux_label = "a_u:b_r:c_t:s0"};

	if (is_active("/sys/fs/selinux/enforce"))
		SKIP("a kernel without SELinux");
	CHECK(lsm_apply(&p, proc_fd()) < 0);
	CHECK_HAS(fail_text(), "a_u:b_r:c_t:s0");
	CHECK_HAS(fail_text(), "/proc/self/attr/");
}

/* A file by that name in a made-up directory, to see what is written. */
static void writes_both_forms(void)
{
	char dir[] = "/tmp/test_lsm.XXXXXX";
	char text[64] = "";
	const struct spec_process aa = {.apparmor_profile = "prof"};
	const struct spec_process se = {.selinux_label = "u:r:t:s0"};

	CHECK(mkdtemp(dir));
	int root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	mkdirat(root, "self", 0755);
	mkdirat(root, "self/attr", 0755);
	close(openat(root, "self/attr/exec", O_CREAT | O_WRONLY, 0600));

	/* Kernels before 5.8 have no attr/apparmor. */
	int r1 = lsm_apply(&aa, root);
	int fd = openat(root, "self/attr/exec", O_RDWR);
	ssize_t n1 = read(fd, text, sizeof(text) - 1);
	int cut = ftruncate(fd, 0);
	int r2 = lsm_apply(&se, root);
	char label[64] = "";
	ssize_t n2 = pread(fd, label, sizeof(label) - 1, 0);

	unlinkat(root, "self/attr/exec", 0);
	unlinkat(root, "self/attr", AT_REMOVEDIR);
	unlinkat(root, "self", AT_REMOVEDIR);
	rmdir(dir);
	CHECK(r1 == 0 && r2 == 0 && cut == 0);
	CHECK_INT(n1, 9);
	CHECK_STR(text, "exec prof");
	CHECK_INT(n2, 8);
	CHECK_STR(label, "u:r:t:s0");
}

int main(void)
{
	TEST("no label touches nothing", none_asked);
	TEST("unconfined needs no module", unconfined_is_always_fine);
	TEST("unconfined that cannot be written is an error",
	     unconfined_that_fails);
	TEST("a profile that cannot be had is named", apparmor_unknown);
	TEST("a label without SELinux is an error", selinux_inactive);
	TEST("each module gets its own form", writes_both_forms);
	return test_done();
}
