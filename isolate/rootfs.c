/* SPDX-License-Identifier: MIT */
/* The root file system: propagation, attaching, pivot, read-only. */
#include "isolate/rootfs.h"

#include <fcntl.h>
#include <unistd.h>

#include "isolate/isolate.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

#define UMOUNT_DETACH 2 /* MNT_DETACH of <sys/mount.h> */

int rootfs_clone(const char *path)
{
	int fd = sys_open_tree(AT_FDCWD, path,
			       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				       AT_RECURSIVE);

	return fd < 0 ? fail(errno, "root file system %s", path) : fd;
}

static int cut_propagation(unsigned long wanted)
{
	unsigned long flags = wanted ? wanted | MS_REC : MS_REC | MS_SLAVE;

	/* "unbindable" would forbid our own binds; it comes at the end. */
	if (flags & MS_UNBINDABLE)
		flags = MS_REC | MS_PRIVATE;
	if (sys_mount(NULL, "/", NULL, flags, NULL) < 0)
		return fail(errno, "set the propagation of /");
	return 0;
}

/*
 * pivot_root(2) wants neither the new root nor the mount above it shared;
 * what the spec says of propagation is set on the new "/" at the end.
 */
static int make_private(int fd, unsigned flags)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};

	if (sys_mount_setattr(fd, flags, &attr) < 0)
		return fail(errno, "make the root's mount private");
	return 0;
}

/* Makes the mount that holds path private, where "/" was left shared. */
static int unshare_parent(const char *path)
{
	_cleanup_fd_ int at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return fail(errno, "open %s", path);
	/* Fails with EINVAL below a mount's top; then its top is "/". */
	if (make_private(at, 0) == 0)
		return 0;
	if (sys_mount(NULL, "/", NULL, MS_PRIVATE, NULL) < 0)
		return fail(errno, "make / private");
	return 0;
}

int rootfs_attach(const struct isolate *iso)
{
	unsigned long wanted = iso->spec->linux_.rootfs_propagation;
	_cleanup_fd_ int root = -1;
	int r = cut_propagation(wanted);

	if (r == 0 && (wanted & MS_SHARED))
		r = unshare_parent(iso->rootfs_path);
	if (r < 0)
		return r;
	/* A copy for us: the parent's fd is borrowed. The tree was cloned
	 * before the cut; it is cut by itself. */
	root = fcntl(iso->rootfs, F_DUPFD_CLOEXEC, 3);
	if (root < 0)
		return fail(errno, "root file system");
	if (!(wanted & MS_SHARED)) {
		struct mount_attr attr = {
			.propagation = wanted & MS_PRIVATE ? MS_PRIVATE
							   : MS_SLAVE};

		if (sys_mount_setattr(root, AT_RECURSIVE, &attr) < 0)
			return fail(errno, "cut the root's propagation");
	}
	r = make_private(root, 0);
	if (r < 0)
		return r;
	if (syscall(SYS_move_mount, root, "", AT_FDCWD, iso->rootfs_path,
		    MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(errno, "attach the root at %s", iso->rootfs_path);
	return take_fd(&root);
}

static int make_readonly(int root)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (sys_mount_setattr(root, 0, &attr) < 0)
		return fail(errno, "make the root read-only");
	return 0;
}

static int pivot(int root)
{
	if (fchdir(root) < 0)
		return fail(errno, "enter the root");
	/* The old root lands on top of the new one, in the same place, and
	 * is then the one that "." names. */
	if (sys_pivot_root(".", ".") < 0)
		return fail(errno, "pivot_root");
	if (sys_umount2(".", UMOUNT_DETACH) < 0)
		return fail(errno, "detach the old root");
	return chdir("/") < 0 ? fail(errno, "enter the root") : 0;
}

/*
 * For a host root that cannot be pivoted (a ramfs). The host's procfs and
 * sysfs stay in the namespace, below the root; they must not serve as the
 * proof of visibility by which a user namespace may mount its own.
 */
static int move_root(int root)
{
	static const char *const hidden[] = {"/proc", "/sys"};

	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (sys_umount2(hidden[i], UMOUNT_DETACH) < 0 &&
		    errno != EINVAL && errno != ENOENT &&
		    sys_mount("tmpfs", hidden[i], "tmpfs", 0, NULL) < 0)
			return fail(errno, "cover the host's %s", hidden[i]);
	if (fchdir(root) < 0)
		return fail(errno, "enter the root");
	if (sys_mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return fail(errno, "move the root to /");
	if (chroot(".") < 0 || chdir("/") < 0)
		return fail(errno, "chroot");
	return 0;
}

int rootfs_enter(const struct isolate *iso, int root)
{
	unsigned long wanted = iso->spec->linux_.rootfs_propagation;
	int r = iso->spec->root_readonly ? make_readonly(root) : 0;

	if (r == 0)
		r = iso->no_pivot ? move_root(root) : pivot(root);
	if (r == 0 && wanted &&
	    sys_mount(NULL, "/", NULL, wanted, NULL) < 0)
		r = fail(errno, "set the propagation of /");
	return r;
}
