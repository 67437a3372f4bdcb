/* SPDX-License-Identifier: MIT */
/* Tests of isolate/dev.c: nodes, links and the console in hostile images. */
#include "isolate/dev.h"
#include "isolate/tty.h"
#include "tests/unit/sandbox.h"
#include "tests/unit/test.h"

static bool is_node(const char *path, unsigned major, unsigned minor,
		    mode_t mode)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(major, minor) &&
	       (st.st_mode & 07777) == mode;
}

static bool links_to(const char *path, const char *target)
{
	char got[256] = "";

	return readlink(path, got, sizeof(got) - 1) > 0 &&
	       strcmp(got, target) == 0;
}

static void add_dev(struct box *b)
{
	add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/dev/");
}

static void default_body(struct box *b)
{
	add_dev(b);
	umask(077);
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == 0);
	NEED(umask(022) == 077);
	NEED(is_node(at(b, "root/dev/null"), 1, 3, 0666));
	NEED(is_node(at(b, "root/dev/zero"), 1, 5, 0666));
	NEED(is_node(at(b, "root/dev/full"), 1, 7, 0666));
	NEED(is_node(at(b, "root/dev/random"), 1, 8, 0666));
	NEED(is_node(at(b, "root/dev/urandom"), 1, 9, 0666));
	NEED(is_node(at(b, "root/dev/tty"), 5, 0, 0666));
	NEED(links_to(at(b, "root/dev/fd"), "/proc/self/fd"));
	NEED(links_to(at(b, "root/dev/stdin"), "/proc/self/fd/0"));
	NEED(links_to(at(b, "root/dev/stdout"), "/proc/self/fd/1"));
	NEED(links_to(at(b, "root/dev/stderr"), "/proc/self/fd/2"));
	NEED(links_to(at(b, "root/dev/ptmx"), "pts/ptmx"));
	NEED(exists("/proc/kcore") ==
	     links_to(at(b, "root/dev/core"), "/proc/kcore"));
}

static void listed_body(struct box *b)
{
	static struct spec_device devices[] = {
		{"/dev/net/tun", S_IFCHR, 10, 200, 0620, 5, 6},
		{"/dev/pipe", S_IFIFO, 0, 0, 0600, 0, 0},
		{"/srv/dev/zero", S_IFCHR, 1, 5, 0644, 7, 0},
		{"/dev/null", S_IFCHR, 1, 3, 0666, 0, 0},
		{"/dev/mine", S_IFCHR, 1, 3, 0600, 8, 9},
	};
	struct stat st;

	add_dev(b);
	b->spec.linux_.devices = devices;
	b->spec.linux_.n_devices = ARRAY_SIZE(devices);
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == 0);
	NEED(is_node(at(b, "root/dev/net/tun"), 10, 200, 0620));
	NEED(stat(at(b, "root/dev/net/tun"), &st) == 0 && st.st_uid == 5 &&
	     st.st_gid == 6);
	NEED(stat(at(b, "root/dev/pipe"), &st) == 0 && S_ISFIFO(st.st_mode));
	NEED(is_node(at(b, "root/srv/dev/zero"), 1, 5, 0644));
	NEED(stat(at(b, "root/dev/mine"), &st) == 0 && st.st_uid == 8 &&
	     st.st_gid == 9);
}

static void no_mount_body(struct box *b)
{
	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(symlink("/somewhere", at(b, "root/dev/ptmx")) == 0);
	NEED(put(at(b, "root/dev/stdin"), "image's"));
	NEED(mknod(at(b, "root/dev/null"), S_IFCHR | 0600, makedev(1, 3)) ==
	     0);
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == 0);
	NEED(is_node(at(b, "root/dev/null"), 1, 3, 0600));
	NEED(is_node(at(b, "root/dev/zero"), 1, 5, 0666));
	NEED(links_to(at(b, "root/dev/ptmx"), "pts/ptmx"));
	NEED(holds(at(b, "root/dev/stdin"), "image's"));
}

static void bound_body(struct box *b)
{
	NEED(mkdir(at(b, "host/dev"), 0755) == 0);
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/dev")), "/dev");
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == 0);
	NEED(rmdir(at(b, "host/dev")) == 0 || errno == EBUSY);
	NEED(!exists(at(b, "host/dev/null")));
	NEED(!exists(at(b, "host/dev/ptmx")));
}

static void dev_link_body(struct box *b)
{
	NEED(symlink(at(b, "host"), at(b, "root/dev")) == 0);
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == -ELOOP);
	NEED(SAID("/dev is a symbolic link"));
	NEED(!exists(at(b, "host/null")) && !exists(at(b, "host/ptmx")));
}

static void inner_link_body(struct box *b)
{
	static struct spec_device tun = {"/dev/net/tun", S_IFCHR, 10, 200,
					 0666,		 0,	  0};

	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(mkdir(at(b, "root/other"), 0755) == 0);
	NEED(symlink("../other", at(b, "root/dev/net")) == 0);
	b->spec.linux_.devices = &tun;
	b->spec.linux_.n_devices = 1;
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == -ELOOP);
	NEED(SAID("device /dev/net/tun: /dev/net is a symbolic link"));
	NEED(!exists(at(b, "root/other/tun")));
}

static void fake_file_body(struct box *b)
{
	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(put(at(b, "root/dev/null"), "fake"));
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == -EEXIST);
	NEED(SAID("device /dev/null: it exists and is something else"));
}

static void fake_link_body(struct box *b)
{
	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(symlink("/dev/zero", at(b, "root/dev/null")) == 0);
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == -EEXIST);
}

static void readonly_body(struct box *b)
{
	int master, slave;

	add_dev(b);
	b->mounts[0].attr_set = MOUNT_ATTR_RDONLY;
	add_mount(b, SPEC_MOUNT_FS, "devpts", "devpts", "/dev/pts");
	b->process.terminal = true;
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == 0);
	NEED(is_node(at(b, "root/dev/null"), 1, 3, 0666));
	NEED(!put(at(b, "root/dev/new"), "") && errno == EROFS);
	NEED(tty_open(b->root, 0, 0, &master, &slave) == 0);
	NEED(dev_bind_console(b->root, slave) == 0);
}

/* Enters a user namespace of one id as a container's child does. */
static void enter_user_ns(struct box *b)
{
	int host = b->iso.proc;
	_cleanup_fd_ int uid = openat(host, "self/uid_map", O_WRONLY);

	(void)uid;
	NEED(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);

	_cleanup_fd_ int deny = openat(host, "self/setgroups", O_WRONLY);
	_cleanup_fd_ int uids = openat(host, "self/uid_map", O_WRONLY);
	_cleanup_fd_ int gids = openat(host, "self/gid_map", O_WRONLY);

	NEED(write(deny, "deny", 4) == 4);
	NEED(write(uids, "0 0 1", 5) == 5);
	NEED(write(gids, "0 0 1", 5) == 5);
}

static void user_ns_body(struct box *b)
{
	add_dev(b);
	NEED(mount_sources_open(&b->spec, b->sources) == 0);
	b->iso.rootfs = rootfs_clone(at(b, "root"));
	enter_user_ns(b);
	b->spec.linux_.new_namespaces = 1u << SPEC_NS_USER;
	b->root = rootfs_attach(&b->iso);
	NEED(b->root >= 0);
	NEED(mount_all(&b->iso, b->root) == 0);
	NEED(dev_create(&b->iso, b->root) == 0);
	NEED(is_node(at(b, "root/dev/null"), 1, 3, 0666));
	NEED(is_node(at(b, "root/dev/tty"), 5, 0, 0666));
	NEED(put(at(b, "root/dev/null"), "gone"));
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(is_node("/dev/zero", 1, 5, 0666));
}

/* The namespace is one that we are in already: only mknod(2) tells. */
static void inside_user_ns_body(struct box *b)
{
	add_dev(b);
	enter_user_ns(b);
	NEED(box_mount(b) == 0);
	NEED(dev_create(&b->iso, b->root) == 0);
	NEED(put(at(b, "root/dev/null"), "gone"));
}

/* -- The console ---------------------------------------------------------- */

static int open_pty(struct box *b, int *slave)
{
	int master = -1;

	add_mount(b, SPEC_MOUNT_FS, "devpts", "devpts", "/dev/pts");
	NEED(box_mount(b) == 0);
	NEED(tty_open(b->root, 24, 80, &master, slave) == 0);
	return master;
}

static void console_body(struct box *b)
{
	int slave = -1;
	struct stat a, c;

	add_dev(b);
	open_pty(b, &slave);
	NEED(dev_bind_console(b->root, slave) == 0);
	NEED(fstat(slave, &a) == 0 &&
	     stat(at(b, "root/dev/console"), &c) == 0);
	NEED(a.st_rdev == c.st_rdev && a.st_ino == c.st_ino);
}

static void console_link_body(struct box *b)
{
	int slave = -1;

	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(symlink(at(b, "host/made"), at(b, "root/dev/console")) == 0);
	open_pty(b, &slave);
	NEED(dev_bind_console(b->root, slave) == -ELOOP);
	NEED(SAID("/dev/console is a symbolic link"));
	NEED(!exists(at(b, "host/made")) && !exists(at(b, "root/tmp")));
}

static void console_directory_body(struct box *b)
{
	int slave = -1;

	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(mkdir(at(b, "root/dev/console"), 0755) == 0);
	open_pty(b, &slave);
	NEED(dev_bind_console(b->root, slave) < 0);
}

int main(void)
{
	if (geteuid() != 0) {
		TEST("devices") {
			SKIP("needs root");
		}
		return test_done();
	}
	TEST("default devices and links are made whatever the umask is")
		CHECK(sandbox(default_body, 0));
	TEST("listed devices are made, in other directories too")
		CHECK(sandbox(listed_body, 0));
	TEST("without a mount on /dev the image's directory is used")
		CHECK(sandbox(no_mount_body, 0));
	TEST("nothing is made in a /dev that is bound")
		CHECK(sandbox(bound_body, 0));
	TEST("a /dev that is a link to the host is refused")
		CHECK(sandbox(dev_link_body, 0));
	TEST("a link below /dev does not lead a device elsewhere")
		CHECK(sandbox(inner_link_body, 0));
	TEST("a file that pretends to be /dev/null is refused")
		CHECK(sandbox(fake_file_body, 0));
	TEST("a link that pretends to be /dev/null is refused")
		CHECK(sandbox(fake_link_body, 0));
	TEST("a read-only /dev gets its nodes and its console first")
		CHECK(sandbox(readonly_body, 0));
	TEST("in a new user namespace the host's nodes are bound")
		CHECK(sandbox(user_ns_body, 0));
	TEST("where mknod is refused the host's nodes are bound")
		CHECK(sandbox(inside_user_ns_body, 0));
	TEST("the console is the terminal's slave")
		CHECK(sandbox(console_body, 0));
	TEST("a console that is a link is refused, and nothing is made")
		CHECK(sandbox(console_link_body, 0));
	TEST("a console that is a directory is refused")
		CHECK(sandbox(console_directory_body, 0));
	return test_done();
}
