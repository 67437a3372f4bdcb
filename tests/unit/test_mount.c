/* SPDX-License-Identifier: MIT */
/* Tests of isolate/mount.c: all kinds of mounts, good and hostile. */
#include <linux/magic.h>
#include <sys/prctl.h>
#include <sys/vfs.h>

#include "tests/unit/sandbox.h"
#include "tests/unit/test.h"

static bool is_magic(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

static struct spec_fs_option dev_options[] = {{"mode", "755"},
					      {"size", "65536k"}};
static struct spec_fs_option pts_options[] = {{"newinstance", NULL},
					      {"ptmxmode", "0666"},
					      {"mode", "0620"}};

static void usual(struct box *b)
{
	struct spec_mount *m;

	add_mount(b, SPEC_MOUNT_FS, "proc", "proc", "/proc");
	m = add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/dev");
	m->options = dev_options;
	m->n_options = 2;
	m->attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME;
	m->attr_clear = MOUNT_ATTR__ATIME;
	m = add_mount(b, SPEC_MOUNT_FS, "devpts", "devpts", "/dev/pts");
	m->options = pts_options;
	m->n_options = 3;
	add_mount(b, SPEC_MOUNT_FS, "tmpfs", "shm", "/dev/shm");
	add_mount(b, SPEC_MOUNT_FS, "mqueue", "mqueue", "/dev/mqueue");
	m = add_mount(b, SPEC_MOUNT_FS, "sysfs", "sysfs", "/sys");
	m->attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC;
}

static void usual_body(struct box *b)
{
	struct statfs fs;

	usual(b);
	NEED(box_mount(b) == 0);
	NEED(is_magic(at(b, "root/proc"), PROC_SUPER_MAGIC));
	NEED(is_magic(at(b, "root/dev"), TMPFS_MAGIC));
	NEED(is_magic(at(b, "root/dev/pts"), DEVPTS_SUPER_MAGIC));
	NEED(is_magic(at(b, "root/dev/shm"), TMPFS_MAGIC));
	NEED(is_magic(at(b, "root/sys"), SYSFS_MAGIC));
	NEED(exists(at(b, "root/proc/1/status")));
	NEED(statfs(at(b, "root/sys"), &fs) == 0 &&
	     (fs.f_flags & MS_RDONLY) && (fs.f_flags & MS_NOEXEC));
	NEED(statfs(at(b, "root/dev"), &fs) == 0 && (fs.f_flags & MS_NOSUID));
}

static void bind_body(struct box *b)
{
	struct spec_mount *m;

	NEED(mkdir(at(b, "host/dir"), 0755) == 0);
	NEED(put(at(b, "host/dir/x"), "x") && put(at(b, "host/file"), "f"));
	m = add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/dir")),
		      "/made/for/dir");
	m->recursive = true;
	m->attr_set = MOUNT_ATTR_RDONLY;
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/file")),
		  "also/made/../file");
	NEED(box_mount(b) == 0);
	NEED(holds(at(b, "root/made/for/dir/x"), "x"));
	NEED(!put(at(b, "root/made/for/dir/y"), "y") && errno == EROFS);
	NEED(put(at(b, "host/dir/y"), "y"));
	NEED(holds(at(b, "root/also/file"), "f"));
}

static void missing_body(struct box *b)
{
	add_mount(b, SPEC_MOUNT_BIND, "", "/does/not/exist", "/x");
	NEED(box_mount(b) == -ENOENT);
	NEED(SAID("mount /does/not/exist on /x: open source: No such file"));
}

static void recursive_body(struct box *b)
{
	struct spec_mount *m;

	NEED(mkdir(at(b, "host/sub"), 0755) == 0);
	NEED(sys_mount("sub", at(b, "host/sub"), "tmpfs", 0, NULL) == 0);
	m = add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host")), "/ro");
	m->recursive = true;
	m->rec_attr_set = MOUNT_ATTR_RDONLY;
	m = add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host")), "/top");
	m->recursive = true;
	m->attr_set = MOUNT_ATTR_RDONLY;
	NEED(box_mount(b) == 0);
	NEED(!put(at(b, "root/ro/sub/x"), "x") && errno == EROFS);
	NEED(!put(at(b, "root/top/x"), "x") && errno == EROFS);
	NEED(put(at(b, "root/top/sub/x"), "x"));
}

static void proc_link_body(struct box *b)
{
	NEED(symlink("elsewhere", at(b, "root/proc")) == 0);
	NEED(mkdir(at(b, "root/elsewhere"), 0755) == 0);
	add_mount(b, SPEC_MOUNT_FS, "proc", "proc", "/proc");
	NEED(box_mount(b) == -ELOOP);
	NEED(SAID("mount proc on /proc: /proc is a symbolic link"));
	NEED(!is_magic(at(b, "root/elsewhere"), PROC_SUPER_MAGIC));
}

static void sys_link_body(struct box *b)
{
	NEED(symlink("/etc", at(b, "root/sys")) == 0);
	add_mount(b, SPEC_MOUNT_BIND, "", "/sys", "/sys");
	b->mounts[0].recursive = true;
	NEED(box_mount(b) == -ELOOP);
	NEED(SAID("/sys is a symbolic link"));
}

static void proc_elsewhere_body(struct box *b)
{
	add_mount(b, SPEC_MOUNT_FS, "proc", "proc", "/my/proc");
	NEED(box_mount(b) == 0);
	NEED(is_magic(at(b, "root/my/proc"), PROC_SUPER_MAGIC));
}

static void inside_proc_body(struct box *b)
{
	NEED(put(at(b, "host/f"), "mine"));
	add_mount(b, SPEC_MOUNT_FS, "proc", "proc", "/proc");
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")),
		  "/x/../proc//uptime");
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")),
		  "/proc/./sys/kernel/core_pattern");
	NEED(box_mount(b) == -EPERM);
	NEED(SAID("core_pattern: it is inside /proc"));
	NEED(holds(at(b, "root/proc/uptime"), "mine"));
}

static void fake_proc_body(struct box *b)
{
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host")), "/proc/");
	NEED(box_mount(b) == -EPERM);
	NEED(SAID("only a procfs can be mounted there"));
}

static void sub_proc_body(struct box *b)
{
	add_mount(b, SPEC_MOUNT_BIND, "", "/proc/sys", "/proc");
	NEED(box_mount(b) == -EPERM);
}

static void real_proc_body(struct box *b)
{
	add_mount(b, SPEC_MOUNT_BIND, "", "/proc", "/proc");
	b->mounts[0].recursive = true;
	NEED(box_mount(b) == 0);
	NEED(is_magic(at(b, "root/proc"), PROC_SUPER_MAGIC));
}

static void link_to_proc_body(struct box *b)
{
	NEED(put(at(b, "host/f"), "mine"));
	NEED(symlink("/proc/self/attr/exec", at(b, "root/l")) == 0);
	NEED(symlink("proc", at(b, "root/p")) == 0);
	add_mount(b, SPEC_MOUNT_FS, "proc", "proc", "/proc");
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")),
		  "/p/sys/kernel/core_pattern");
	NEED(box_mount(b) == -EPERM);
	NEED(SAID("leads into /proc"));
	b->mounts[1].destination = "/l";
	b->iso.rootfs = -1;
	NEED(mount_all(&b->iso, b->root) == -EPERM);
	NEED(SAID("leads into /proc"));
}

static void dotdot_body(struct box *b)
{
	NEED(mkdir(at(b, "root/etc"), 0755) == 0);
	NEED(symlink("../../../../../..", at(b, "root/up")) == 0);
	NEED(put(at(b, "host/f"), "mine"));
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")),
		  "/../../../etc/f");
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")), "/up/g");
	NEED(box_mount(b) == 0);
	NEED(holds(at(b, "root/etc/f"), "mine"));
	NEED(holds(at(b, "root/g"), "mine"));
	NEED(!exists(at(b, "g")) && !exists("/g"));
}

static void absolute_link_body(struct box *b)
{
	NEED(put(at(b, "host/f"), "mine"));
	NEED(put(at(b, "host/victim"), "victim"));
	NEED(symlink(at(b, "host"), at(b, "root/link")) == 0);
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")),
		  "/link/victim");
	NEED(box_mount(b) < 0);
	NEED(holds(at(b, "host/victim"), "victim"));
}

static void dangling_body(struct box *b)
{
	NEED(put(at(b, "host/f"), "mine"));
	NEED(symlink(at(b, "host/made"), at(b, "root/link")) == 0);
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")), "/link");
	NEED(box_mount(b) == 0);
	NEED(!exists(at(b, "host/made")));
	NEED(holds(at(b, "root%s", at(b, "host/made")), "mine"));
}

static void kinds_body(struct box *b)
{
	NEED(put(at(b, "root/file"), ""));
	NEED(mkdir(at(b, "root/dir"), 0755) == 0);
	NEED(put(at(b, "host/f"), "mine"));
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")), "/dir");
	NEED(box_mount(b) < 0);
	NEED(SAID("a file on a file"));
	add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/file");
	NEED(mount_all(&b->iso, b->root) < 0);
}

static void root_body(struct box *b)
{
	add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/x/..");
	NEED(box_mount(b) == -EINVAL);
	NEED(SAID("the root itself cannot be covered"));
}

/* -- Propagation ---------------------------------------------------------- */

static void share_host(struct box *b)
{
	NEED(mkdir(at(b, "host/v"), 0755) == 0);
	NEED(mkdir(at(b, "host/v/d"), 0755) == 0);
	NEED(sys_mount(NULL, b->dir, NULL, MS_SHARED, NULL) == 0);
}

static void probe(struct box *b, const char *on)
{
	char path[256];

	NEED(sys_mount("probe", on, "tmpfs", 0, NULL) == 0);
	snprintf(path, sizeof(path), "%s/probe", on);
	NEED(put(path, ""));
}

static void add_shared(struct box *b)
{
	struct spec_mount *m = add_mount(b, SPEC_MOUNT_BIND, "",
					 strdup(at(b, "host/v")), "/v");

	m->propagation[0] = MS_SHARED | MS_REC;
	m->n_propagation = 1;
}

static void cut_body(struct box *b)
{
	int host;

	share_host(b);
	add_shared(b);
	NEED(box_mount_apart(b, &host) == 0);
	probe(b, at(b, "root/v/d"));
	NEED(setns(host, CLONE_NEWNS) == 0);
	NEED(!exists(at(b, "host/v/d/probe")));
	NEED(!exists(at(b, "root/v")) || !exists(at(b, "root/v/d")));
}

static void shared_body(struct box *b)
{
	int host;

	share_host(b);
	add_shared(b);
	b->spec.linux_.rootfs_propagation = MS_SHARED | MS_REC;
	NEED(box_mount_apart(b, &host) == 0);
	probe(b, at(b, "root/v/d"));
	NEED(setns(host, CLONE_NEWNS) == 0);
	NEED(exists(at(b, "host/v/d/probe")));
	/* The bind itself is no business of the host's. */
	NEED(!exists(at(b, "root/v/d")));
}

static void slave_body(struct box *b)
{
	int host;
	_cleanup_fd_ int ours = -1;

	share_host(b);
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/v")), "/v");
	NEED(box_mount_apart(b, &host) == 0);
	ours = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	NEED(setns(host, CLONE_NEWNS) == 0);
	probe(b, at(b, "host/v/d"));
	NEED(setns(ours, CLONE_NEWNS) == 0);
	NEED(exists(at(b, "root/v/d/probe")));
}

/* -- Without rights ------------------------------------------------------- */

static void write_map(const struct box *b, const char *file, const char *text)
{
	char path[32];

	snprintf(path, sizeof(path), "self/%s", file);

	_cleanup_fd_ int fd = openat(b->iso.proc, path, O_WRONLY);

	if (write(fd, text, strlen(text)) < 0)
		perror(file);
}

static void unprivileged_body(struct box *b)
{
	NEED(put(at(b, "host/f"), "mine"));
	NEED(chown(at(b, "root"), 1234, 1234) == 0);
	NEED(chmod(b->dir, 0755) == 0);
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")), "/f");
	add_mount(b, SPEC_MOUNT_BIND, "", "/sys", "/sys")->recursive = true;
	NEED(setresgid(1234, 1234, 1234) == 0);
	NEED(setresuid(1234, 1234, 1234) == 0);
	NEED(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	NEED(mount_sources_open(&b->spec, b->sources) == 0);
	NEED(b->sources[0].fd == -1);
	NEED(rootfs_clone(at(b, "root")) == -EPERM);
	NEED(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	write_map(b, "setgroups", "deny");
	write_map(b, "uid_map", "0 1234 1");
	write_map(b, "gid_map", "0 1234 1");
	b->root = rootfs_attach(&b->iso);
	NEED(b->root >= 0);
	NEED(mount_all(&b->iso, b->root) == 0);
	NEED(holds(at(b, "root/f"), "mine"));
	NEED(is_magic(at(b, "root/sys"), SYSFS_MAGIC));
	NEED(rootfs_enter(&b->iso, b->root) == 0);
	NEED(holds("/f", "mine"));
}

/* A network namespace of the host's: its sysfs cannot be mounted anew. */
static void host_sys_body(struct box *b)
{
	struct spec_mount *m =
		add_mount(b, SPEC_MOUNT_FS, "sysfs", "sysfs", "/sys");
	struct statfs fs;

	m->attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID;
	NEED(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	write_map(b, "setgroups", "deny");
	write_map(b, "uid_map", "0 0 1");
	write_map(b, "gid_map", "0 0 1");
	NEED(box_mount(b) == 0);
	NEED(is_magic(at(b, "root/sys"), SYSFS_MAGIC));
	NEED(statfs(at(b, "root/sys"), &fs) == 0 && (fs.f_flags & MS_RDONLY) &&
	     (fs.f_flags & MS_NOSUID));
}

/* A target made for a file must not keep its mount busy with a writer. */
static void busy_body(struct box *b)
{
	struct spec_mount *m;

	NEED(put(at(b, "host/f"), "mine"));
	NEED(mkdir(at(b, "host/d"), 0755) == 0);
	NEED(symlink("d", at(b, "host/l")) == 0);
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host")), "/v");
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")), "/v/new");
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")), "/v/l/new");
	m = add_mount(b, SPEC_MOUNT_ATTRS, "", "", "/v");
	m->attr_set = MOUNT_ATTR_RDONLY;
	NEED(box_mount(b) == 0);
	NEED(!put(at(b, "root/v/x"), "") && errno == EROFS);
}

int main(void)
{
	if (geteuid() != 0) {
		TEST("mounts") {
			SKIP("needs root");
		}
		return test_done();
	}
	TEST("the usual mounts of a config are made, with their attributes")
		CHECK(sandbox(usual_body, CLONE_NEWNET));
	TEST("binds make their targets, and read-only is for them alone")
		CHECK(sandbox(bind_body, 0));
	TEST("a missing source is named with its destination")
		CHECK(sandbox(missing_body, 0));
	TEST("recursive attributes reach the mounts below, plain ones do not")
		CHECK(sandbox(recursive_body, 0));
	TEST("proc is not mounted through a symbolic link at /proc")
		CHECK(sandbox(proc_link_body, 0));
	TEST("nothing is bound through a symbolic link at /sys")
		CHECK(sandbox(sys_link_body, 0));
	TEST("a procfs elsewhere is fine")
		CHECK(sandbox(proc_elsewhere_body, 0));
	TEST("below /proc only harmless files can be covered")
		CHECK(sandbox(inside_proc_body, 0));
	TEST("an ordinary directory cannot be bound on /proc")
		CHECK(sandbox(fake_proc_body, 0));
	TEST("a part of a procfs cannot be bound on /proc")
		CHECK(sandbox(sub_proc_body, 0));
	TEST("a whole procfs can be bound on /proc")
		CHECK(sandbox(real_proc_body, 0));
	TEST("no link leads a mount into /proc")
		CHECK(sandbox(link_to_proc_body, 0));
	TEST("targets with .. and links upwards stay below the root")
		CHECK(sandbox(dotdot_body, 0));
	TEST("a link to a directory of the host does not lead there")
		CHECK(sandbox(absolute_link_body, 0));
	TEST("a link to what is missing on the host leads below the root")
		CHECK(sandbox(dangling_body, 0));
	TEST("a file on a directory is refused with a hint")
		CHECK(sandbox(kinds_body, 0));
	TEST("the root itself is not a target")
		CHECK(sandbox(root_body, 0));
	TEST("an rshared bind is cut off where the root is not shared")
		CHECK(sandbox(cut_body, 0));
	TEST("an rshared bind reaches the host where the root is shared")
		CHECK(sandbox(shared_body, 0));
	TEST("what the host mounts later reaches a bind")
		CHECK(sandbox(slave_body, 0));
	TEST("what the parent may not clone the child does in its namespaces")
		CHECK(sandbox(unprivileged_body, 0));
	TEST("where no sysfs can be made the host's is bound, with the flags")
		CHECK(sandbox(host_sys_body, 0));
	TEST("a mount in which targets were made can become read-only")
		CHECK(sandbox(busy_body, 0));
	return test_done();
}
