/* SPDX-License-Identifier: MIT */
/* maskedPaths and readonlyPaths. */
#include "isolate/mask.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "isolate/isolate.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/path.h"

/* An empty directory that nobody can write; cloned once for each mask. */
static int empty_directory(void)
{
	_cleanup_fd_ int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mnt = -1;

	if (fs >= 0 &&
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", "1") == 0 &&
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555") == 0 &&
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
		mnt = sys_fsmount(fs, FSMOUNT_CLOEXEC,
				  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					  MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return mnt < 0 ? fail(errno, "make an empty directory") : mnt;
}

/*
 * The host's null device, seen in our copy of the host's mounts: "/" is the
 * host's until the pivot. Never the container's (CVE-2025-31133).
 */
static int open_null(void)
{
	struct stat st;
	_cleanup_fd_ int fd = open("/dev/null", O_PATH | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(errno, "open the host's /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return fail_plain(EINVAL,
				  "the host's /dev/null is not the null device");
	return take_fd(&fd);
}

/*
 * Covers target with a clone of the mount at cover. A detached mount itself
 * can be attached, and from then on be cloned.
 */
static int put_cover(int cover, bool attach_itself, int target)
{
	_cleanup_fd_ int clone = -1;

	if (attach_itself)
		return sys_move_mount(cover, target) < 0
			       ? fail(errno, "cover it")
			       : 0;
	clone = sys_open_tree(cover, "",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				      AT_EMPTY_PATH);
	if (clone < 0 || sys_move_mount(clone, target) < 0)
		return fail(errno, "cover it");
	return 0;
}

/*
 * Opens what is to be hidden. A link on the way could make the mask land
 * elsewhere and leave the thing itself bare, so none is followed.
 */
static int open_target(int root, const char *path)
{
	int fd = path_open_nolinks(root, path, O_PATH);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -ENOENT;
	if (fd == -ELOOP)
		return fail_plain(ELOOP, "%s: a symbolic link is in the way",
				  path);
	return fd < 0 ? fail(-fd, "%s", path) : fd;
}

/* What masks are made of; made when first needed. */
struct covers {
	int null; /* for files */
	int empty; /* for directories */
	bool attached; /* `empty` is in use as a mount itself */
};

static int cover_one(struct covers *c, int target)
{
	struct stat st;

	if (fstat(target, &st) < 0)
		return fail(errno, "stat");
	if (!S_ISDIR(st.st_mode)) {
		if (c->null < 0 && (c->null = open_null()) < 0)
			return c->null;
		return put_cover(c->null, false, target);
	}
	if (c->empty < 0 && (c->empty = empty_directory()) < 0)
		return c->empty;

	int r = put_cover(c->empty, !c->attached, target);

	c->attached = true;
	return r;
}

int mask_paths(const struct isolate *iso, int root)
{
	struct covers covers = {.null = -1, .empty = -1};
	int r = 0;

	for (char **p = iso->spec->linux_.masked_paths; r == 0 && p && *p;
	     p++) {
		_cleanup_fd_ int target = open_target(root, *p);

		if (target == -ENOENT)
			continue;
		r = target < 0 ? target : cover_one(&covers, target);
		if (r < 0)
			fail_in(r, "mask %s", *p);
	}
	cleanup_fd(&covers.null);
	cleanup_fd(&covers.empty);
	return r;
}

static int make_readonly(int root, const char *path)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_fd_ int target = open_target(root, path);
	_cleanup_fd_ int clone = -1;

	if (target == -ENOENT)
		return 0;
	if (target < 0)
		return target;
	clone = sys_open_tree(target, "",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				      AT_EMPTY_PATH | AT_RECURSIVE);
	if (clone < 0 || sys_mount_setattr(clone, AT_RECURSIVE, &attr) < 0 ||
	    sys_move_mount(clone, target) < 0)
		return fail(errno, "make %s read-only", path);
	return 0;
}

int mask_readonly_paths(const struct isolate *iso, int root)
{
	for (char **p = iso->spec->linux_.readonly_paths; p && *p; p++) {
		int r = make_readonly(root, *p);

		if (r < 0)
			return r;
	}
	return 0;
}
