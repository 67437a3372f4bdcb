/* SPDX-License-Identifier: MIT */
/* maskedPaths and readonlyPaths. */
#include "isolate/mask.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "isolate/isolate.h"
#include "isolate/scratch.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/path.h"

#define CLONE_FLAGS (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)

/*
 * A thing to cover paths with. The first path is covered by the mount itself,
 * the others by clones of it: older kernels clone only what is attached.
 */
struct cover {
	int (*make)(void);
	int mnt; /* -1: not made yet */
};

struct masking {
	struct cover file, dir;
	struct scratch fds; /* of single paths */
};

/* An empty directory that nobody can write: one superblock for all masks. */
static int make_empty(void)
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
 * The host's null device, which is at /dev/null until the pivot. Never the
 * container's: that one may be a link (CVE-2025-31133).
 */
static int clone_null(void)
{
	struct stat st;
	_cleanup_fd_ int fd = sys_open_tree(AT_FDCWD, "/dev/null",
					    CLONE_FLAGS | AT_SYMLINK_NOFOLLOW);

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(errno, "open the host's /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return fail_plain(
			EINVAL, "the host's /dev/null is not the null device");
	return take_fd(&fd);
}

static int put_on(struct masking *w, struct cover *c, int target)
{
	int mnt;

	if (c->mnt < 0) {
		mnt = c->mnt = c->make();
		if (mnt < 0)
			return mnt;
	} else {
		mnt = scratch_keep(
			&w->fds,
			sys_open_tree(c->mnt, "", CLONE_FLAGS | AT_EMPTY_PATH));
	}
	if (mnt < 0 || sys_move_mount(mnt, target) < 0)
		return fail(errno, "cover it");
	return 0;
}

/*
 * Opens what is to be changed. A link on the way could make that land
 * elsewhere and leave the thing itself bare, so none is followed. Returns
 * -ENOENT, without text, when there is nothing that the container could see.
 */
static int open_path(int root, const char *path, struct scratch *s)
{
	int fd = scratch_keep(s, path_open_nolinks(root, path, O_PATH));

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES)
		return -ENOENT;
	if (fd == -ELOOP)
		return fail_plain(ELOOP, "it is a symbolic link, or below one");
	return fail(-fd, "open it");
}

static int mask_one(struct masking *w, int root, const char *path)
{
	struct stat st;

	scratch_reserve(&w->fds, 2);

	int target = open_path(root, path, &w->fds);

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	if (fstat(target, &st) < 0)
		return fail(errno, "stat");
	return put_on(w, S_ISDIR(st.st_mode) ? &w->dir : &w->file, target);
}

int mask_paths(const struct isolate *iso, int root)
{
	struct masking w = {
		.file = {.make = clone_null, .mnt = -1},
		.dir = {.make = make_empty, .mnt = -1},
	};
	int r = 0;

	for (char **p = iso->spec->linux_.masked_paths; r == 0 && *p; p++) {
		r = mask_one(&w, root, *p);
		if (r < 0)
			fail_in(r, "mask %s", *p);
	}
	/* The numbers of all lie side by side. */
	scratch_reserve(&w.fds, 2);
	scratch_keep(&w.fds, w.file.mnt);
	scratch_keep(&w.fds, w.dir.mnt);
	scratch_close(&w.fds);
	return r;
}

static int make_readonly(int root, const char *path, struct scratch *s)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int target = open_path(root, path, s);

	if (target < 0)
		return target == -ENOENT ? 0 : target;

	int clone = scratch_keep(
		s, sys_open_tree(target, "",
				 CLONE_FLAGS | AT_EMPTY_PATH | AT_RECURSIVE));

	if (clone < 0 || sys_mount_setattr(clone, AT_RECURSIVE, &attr) < 0 ||
	    sys_move_mount(clone, target) < 0)
		return fail(errno, "cover it with a read-only bind");
	return 0;
}

int mask_readonly_paths(const struct isolate *iso, int root)
{
	struct scratch scratch = {};
	int r = 0;

	for (char **p = iso->spec->linux_.readonly_paths; r == 0 && *p; p++) {
		scratch_reserve(&scratch, 2);
		r = make_readonly(root, *p, &scratch);
		if (r < 0)
			fail_in(r, "make %s read-only", *p);
	}
	scratch_close(&scratch);
	return r;
}
