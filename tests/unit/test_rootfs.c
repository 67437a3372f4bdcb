/* SPDX-License-Identifier: MIT */
/* Tests of isolate/rootfs.c: attaching, pivot, read-only, propagation. */
#include "tests/unit/sandbox.h"
#include "tests/unit/test.h"

/* Whether the mount at point has this in its line of mountinfo. */
static bool mount_says(const struct box *b, const char *point, const char *what)
{
	char line[1024], key[300];
	bool says = false;
	int fd = openat(b->iso.proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *f = fdopen(fd, "r");

	snprintf(key, sizeof(key), " %s ", point);
	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, key))
			says = strstr(line, what) != NULL;
	if (f)
		fclose(f);
	return says;
}

static int count_mounts(const struct box *b)
{
	char line[1024];
	int n = 0;
	int fd = openat(b->iso.proc, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *f = fdopen(fd, "r");

	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return n;
}

static void plain_body(struct box *b)
{
	int host;

	NEED(put(at(b, "root/here"), "root"));
	add_mount(b, SPEC_MOUNT_FS, "proc", "proc", "/proc");
	NEED(box_mount_apart(b, &host) == 0);
	NEED(b->root == b->iso.rootfs);
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(holds("/here", "root") && holds("here", "root"));
	NEED(!exists(b->dir));
	NEED(count_mounts(b) == 2); /* "/" and /proc; the host's are gone */
	NEED(put("/new", "") && !exists("/../../etc/passwd"));
}

static void readonly_body(struct box *b)
{
	struct spec_mount *m;
	int host;

	m = add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/rw");
	(void)m;
	b->spec.root_readonly = true;
	NEED(box_mount_apart(b, &host) == 0);
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(!put("/new", "") && errno == EROFS);
	NEED(put("/rw/new", ""));
	NEED(setns(host, CLONE_NEWNS) == 0);
	NEED(put(at(b, "root/new"), ""));
}

static void own_mounts_body(struct box *b)
{
	int host;

	NEED(mkdir(at(b, "root/sub"), 0755) == 0);
	NEED(sys_mount("sub", at(b, "root/sub"), "tmpfs", 0, NULL) == 0);
	NEED(put(at(b, "root/sub/f"), "sub"));
	NEED(box_mount_apart(b, &host) == 0);
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(holds("/sub/f", "sub"));
}

static void child_clones_body(struct box *b)
{
	NEED(put(at(b, "root/here"), "root"));
	NEED(unshare(CLONE_NEWNS) == 0);
	b->root = rootfs_attach(&b->iso);
	NEED(b->root >= 0);
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(holds("/here", "root"));
}

static void slash_body(struct box *b)
{
	NEED(put(at(b, "here"), "box"));
	b->iso.rootfs = rootfs_clone("/");
	b->iso.rootfs_path = "/";
	NEED(unshare(CLONE_NEWNS) == 0);
	b->root = rootfs_attach(&b->iso);
	NEED(b->root >= 0);
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(holds(at(b, "here"), "box"));
}

/*
 * Everything of the "host", which is the sandbox, is shared: whatever goes
 * wrong in the child's namespace is seen here.
 */
static void shared_host(struct box *b, unsigned long wanted, bool no_pivot)
{
	int before, host;

	NEED(sys_mount("proc", "/proc", "proc", 0, NULL) == 0);
	NEED(sys_mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0);
	before = count_mounts(b);
	add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/t");
	b->spec.linux_.rootfs_propagation = wanted;
	b->iso.no_pivot = no_pivot;
	NEED(box_mount_apart(b, &host) == 0);
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(mount_says(b, "/", " shared:") == !!(wanted & MS_SHARED));
	NEED(setns(host, CLONE_NEWNS) == 0);
	NEED(count_mounts(b) == before);
	NEED(exists("/proc/self"));
	NEED(!exists(at(b, "root/t/x")));
}

static void shared_body(struct box *b)
{
	shared_host(b, MS_SHARED | MS_REC, false);
}

static void slave_body(struct box *b)
{
	shared_host(b, 0, false);
}

static void private_body(struct box *b)
{
	shared_host(b, MS_PRIVATE | MS_REC, false);
}

static void unbindable_body(struct box *b)
{
	shared_host(b, MS_UNBINDABLE, false);
}

static void no_pivot_body(struct box *b)
{
	shared_host(b, 0, true);
}

static void no_pivot_shared_body(struct box *b)
{
	shared_host(b, MS_SHARED | MS_REC, true);
}

static void no_pivot_hides_body(struct box *b)
{
	int host;

	NEED(put(at(b, "root/here"), "root"));
	add_mount(b, SPEC_MOUNT_FS, "proc", "proc", "/proc");
	b->iso.no_pivot = true;
	NEED(box_mount_apart(b, &host) == 0);
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(holds("/here", "root"));
	NEED(exists("/proc/self"));
	/* Out of the chroot as one with CAP_SYS_CHROOT can. */
	NEED(mkdir("/jail", 0755) == 0);

	int top = open("/", O_PATH | O_DIRECTORY);

	NEED(chroot("/jail") == 0 && fchdir(top) == 0);
	for (int i = 0; i < 64; i++)
		NEED(chdir("..") == 0);
	NEED(chroot(".") == 0);
	NEED(!exists("/proc/1/status") || holds("/here", "root"));
}

static void file_body(struct box *b)
{
	NEED(put(at(b, "file"), ""));
	NEED(rootfs_clone(at(b, "file")) == -ENOTDIR);
	NEED(rootfs_clone(at(b, "missing")) == -ENOENT);
	NEED(SAID("root file system /tmp/box-"));
}

int main(void)
{
	if (geteuid() != 0) {
		TEST("root file systems") {
			SKIP("needs root");
		}
		return test_done();
	}
	TEST("the root becomes / and nothing of the host is left")
		CHECK(sandbox(plain_body, 0));
	TEST("a read-only root is read-only, its mounts and the host's are not")
		CHECK(sandbox(readonly_body, 0));
	TEST("mounts inside the root come along")
		CHECK(sandbox(own_mounts_body, 0));
	TEST("without a clone by the parent the child makes it")
		CHECK(sandbox(child_clones_body, 0));
	TEST("the host's / can be the root")
		CHECK(sandbox(slash_body, 0));
	TEST("a shared root is shared inside, and the host's mounts stay")
		CHECK(sandbox(shared_body, 0));
	TEST("the host's mounts stay where propagation is not given")
		CHECK(sandbox(slave_body, 0));
	TEST("the host's mounts stay where the root is private")
		CHECK(sandbox(private_body, 0));
	TEST("the host's mounts stay where the root is unbindable")
		CHECK(sandbox(unbindable_body, 0));
	TEST("the host's mounts stay without pivot_root")
		CHECK(sandbox(no_pivot_body, 0));
	TEST("the host's mounts stay without pivot_root and with a shared root")
		CHECK(sandbox(no_pivot_shared_body, 0));
	TEST("without pivot_root the host's procfs is gone from below")
		CHECK(sandbox(no_pivot_hides_body, 0));
	TEST("a root that is no directory, or missing, is named")
		CHECK(sandbox(file_body, 0));
	return test_done();
}
