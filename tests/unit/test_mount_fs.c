/* SPDX-License-Identifier: MIT */
/* Tests of isolate/mount_fs.c: file systems, their options and superblocks. */
#include "isolate/mount_fs.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include "tests/unit/sandbox.h"
#include "tests/unit/test.h"

static bool is_magic(const char *path, long magic)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == magic;
}

static void option_body(struct box *b)
{
	static struct spec_fs_option wrong[] = {{"foo", NULL}};
	struct spec_mount *m =
		add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/x");

	m->options = wrong;
	m->n_options = 1;
	NEED(box_mount(b) == -EINVAL);
	NEED(SAID("mount tmpfs on /x: option \"foo\": Invalid argument"));
	NEED(SAID("Unknown parameter 'foo'"));
}

static void unknown_body(struct box *b)
{
	add_mount(b, SPEC_MOUNT_FS, "nonsensefs", "none", "/x");
	NEED(box_mount(b) == -ENODEV);
	NEED(SAID("mount nonsensefs on /x: the kernel knows no file system "
		  "\"nonsensefs\""));
}

static void attrs_body(struct box *b)
{
	static struct spec_fs_option size[] = {{"size", "8192"}};
	struct spec_mount *m;
	struct statfs fs;

	add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/t");
	m = add_mount(b, SPEC_MOUNT_ATTRS, "", "", "/t");
	m->attr_set = MOUNT_ATTR_NOEXEC;
	m->options = size;
	m->n_options = 1;
	NEED(box_mount(b) == 0);
	NEED(statfs(at(b, "root/t"), &fs) == 0);
	NEED(fs.f_flags & MS_NOEXEC);
	NEED(fs.f_blocks * (unsigned long)fs.f_bsize == 8192);
}

static void mode_body(struct box *b)
{
	struct stat st;

	NEED(mkdir(at(b, "root/tmp"), 0755) == 0);
	NEED(chmod(at(b, "root/tmp"), 01777) == 0);
	add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/tmp");
	NEED(box_mount(b) == 0);
	NEED(stat(at(b, "root/tmp"), &st) == 0 &&
	     (st.st_mode & 07777) == 01777);
}

static void copy_up_body(struct box *b)
{
	struct spec_mount *m =
		add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/var");
	struct stat st;

	NEED(mkdir(at(b, "root/var"), 0755) == 0);
	NEED(put(at(b, "root/var/f"), "below"));
	NEED(chown(at(b, "root/var"), 21, 22) == 0);
	NEED(chmod(at(b, "root/var"), 02751) == 0);
	m->copy_up = true;
	m->attr_set = MOUNT_ATTR_RDONLY;
	m->sb_flags = MS_RDONLY;
	NEED(box_mount(b) == 0);
	NEED(is_magic(at(b, "root/var"), TMPFS_MAGIC));
	NEED(holds(at(b, "root/var/f"), "below"));
	NEED(!put(at(b, "root/var/g"), "") && errno == EROFS);
	NEED(stat(at(b, "root/var"), &st) == 0 && st.st_uid == 21 &&
	     st.st_gid == 22 && (st.st_mode & 07777) == 02751);
}

static void own_mode_body(struct box *b)
{
	static struct spec_fs_option options[] = {{"mode", "0700"},
						  {"uid", "5"}};
	struct spec_mount *m =
		add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/var");
	struct stat st;

	NEED(mkdir(at(b, "root/var"), 0755) == 0);
	NEED(put(at(b, "root/var/f"), "below"));
	m->copy_up = true;
	m->options = options;
	m->n_options = 2;
	NEED(box_mount(b) == 0);
	NEED(holds(at(b, "root/var/f"), "below"));
	NEED(stat(at(b, "root/var"), &st) == 0 && st.st_uid == 5 &&
	     (st.st_mode & 07777) == 0700);
}

static void superblock_body(struct box *b)
{
	struct spec_mount *m =
		add_mount(b, SPEC_MOUNT_FS, "tmpfs", "mine", "/x");
	struct statfs fs;

	m->sb_flags = MS_SYNCHRONOUS | MS_DIRSYNC | MS_RDONLY;
	NEED(box_mount(b) == 0);
	NEED(statfs(at(b, "root/x"), &fs) == 0);
	NEED((fs.f_flags & MS_SYNCHRONOUS) && (fs.f_flags & MS_RDONLY));
}

static void long_body(struct box *b)
{
	static char value[400];
	static struct spec_fs_option size = {"size", value};
	struct spec_mount *m =
		add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/x");

	memset(value, '1', sizeof(value) - 1);
	m->options = &size;
	m->n_options = 1;
	NEED(box_mount(b) == -EINVAL);
	NEED(SAID("longer than 255 bytes"));
}

static void label_body(struct box *b)
{
	add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/x");
	b->spec.linux_.mount_label = "system_u:object_r:container_file_t:s0";
	NEED(box_mount(b) == 0);
}

int main(void)
{
	if (geteuid() != 0) {
		TEST("file systems") {
			SKIP("needs root");
		}
		return test_done();
	}
	TEST("a wrong option is named, with the kernel's own words")
		CHECK(sandbox(option_body, 0));
	TEST("an unknown file system is named")
		CHECK(sandbox(unknown_body, 0));
	TEST("a remount changes attributes and options of what is there")
		CHECK(sandbox(attrs_body, 0));
	TEST("a tmpfs takes over the mode of the directory below")
		CHECK(sandbox(mode_body, 0));
	TEST("tmpcopyup fills a tmpfs before it becomes read-only")
		CHECK(sandbox(copy_up_body, 0));
	TEST("tmpcopyup leaves mode and owner to options that are given")
		CHECK(sandbox(own_mode_body, 0));
	TEST("flags of the superblock are set")
		CHECK(sandbox(superblock_body, 0));
	TEST("a value that is too long for the kernel is told")
		CHECK(sandbox(long_body, 0));
	if (access("/sys/fs/selinux/enforce", F_OK) < 0)
		TEST("without SELinux a mount label is left out")
			CHECK(sandbox(label_body, 0));
	return test_done();
}
