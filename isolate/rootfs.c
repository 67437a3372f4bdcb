/* SPDX-License-Identifier: MIT */
/* The root file system: propagation, attaching, pivot, read-only. */
#include "isolate/rootfs.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/isolate.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define MOUNTINFO_MAX_BYTES (64 << 20)

int rootfs_clone(const char *path)
{
	_cleanup_fd_ int fd = sys_open_tree(
		AT_FDCWD, path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(errno, "root file system %s", path);
	if (!S_ISDIR(st.st_mode))
		return fail(ENOTDIR, "root file system %s", path);
	return take_fd(&fd);
}

static bool is_host_shared(const struct isolate *iso)
{
	return iso->spec->linux_.rootfs_propagation & MS_SHARED;
}

/* What the mounts copied from the host become, if they do not stay shared. */
static unsigned long cut_of(const struct isolate *iso)
{
	/* Unbindable comes at the end: it would forbid binds of our own. */
	return iso->spec->linux_.rootfs_propagation &
			       (MS_PRIVATE | MS_UNBINDABLE)
		       ? MS_PRIVATE
		       : MS_SLAVE;
}

static int set_propagation(int fd, unsigned flags, unsigned long type)
{
	struct mount_attr attr = {.propagation = type};

	return sys_mount_setattr(fd, flags, &attr) < 0 ? -errno : 0;
}

/*
 * Makes the mount that holds path private, where "/" was left
 * shared: pivot_root(2) refuses a shared one, and the host would see the root
 * attached. Only the top of a mount takes the change; "/" is one.
 */
static int unshare_holder(const char *path)
{
	_cleanup_fd_ int at = open(path, O_PATH | O_CLOEXEC);
	struct stat here, above;
	int r;

	while (at >= 0 && (r = set_propagation(at, 0, MS_PRIVATE)) == -EINVAL) {
		int up = openat(at, "..", O_PATH | O_CLOEXEC);
		bool is_top = up < 0 || fstat(at, &here) < 0 ||
			      fstat(up, &above) < 0 ||
			      (here.st_ino == above.st_ino &&
			       here.st_dev == above.st_dev);

		close(at);
		at = up;
		if (is_top)
			break;
	}
	if (at < 0)
		return fail(errno, "find the mount of the root");
	return r < 0 ? fail(-r, "make the mount that holds the root private")
		     : 0;
}

static int cut_failed(void)
{
	int r = fail(errno, "cut the propagation of /");

	return r == -EINVAL ? fail_hint(r, "/ is no mount point: is this a "
					   "chroot?")
			    : r;
}

int rootfs_attach(const struct isolate *iso)
{
	unsigned long cut = cut_of(iso);
	_cleanup_fd_ int own = -1;
	int root = iso->rootfs;
	int r;

	if (!is_host_shared(iso) &&
	    sys_mount(NULL, "/", NULL, MS_REC | cut, NULL) < 0)
		return cut_failed();
	if (root < 0 && (root = own = rootfs_clone(iso->rootfs_path)) < 0)
		return root;
	/* Cloned before the cut, or with "/" shared: it is cut by itself. */
	r = set_propagation(root, AT_RECURSIVE, cut);
	if (r < 0)
		return fail(-r, "cut the propagation of the root");
	if (is_host_shared(iso) && (r = unshare_holder(iso->rootfs_path)) < 0)
		return r;
	if (sys_move_mount_path(root, iso->rootfs_path) < 0)
		return fail(errno, "attach the root at %s", iso->rootfs_path);
	own = -1;
	return root;
}

static int make_readonly(int root)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (sys_mount_setattr(root, 0, &attr) < 0)
		return fail(errno, "make the root read-only");
	return 0;
}

/*
 * The old root lands on top of the new one, in the same place, and is the one
 * that umount2(".") then finds. Where its mounts are peers of the host's they
 * are cut off first: the host's would be unmounted with them.
 */
static int pivot(const struct isolate *iso, int root)
{
	_cleanup_fd_ int old = -1;
	int r;

	if (is_host_shared(iso)) {
		old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (old < 0)
			return fail(errno, "open /");
	}
	if (fchdir(root) < 0)
		return fail(errno, "enter the root");
	if (sys_pivot_root(".", ".") < 0)
		return fail(errno, "pivot_root");
	if (old >= 0 && (r = set_propagation(old, AT_RECURSIVE, MS_SLAVE)) < 0)
		return fail(-r, "cut the propagation of the old root");
	/* "." is the new root already, which now is "/". */
	if (sys_umount2(".", MNT_DETACH) < 0)
		return fail(errno, "detach the old root");
	return 0;
}

/* -- Without pivot_root --------------------------------------------------- */

/* A line of mountinfo, cut into the fields that matter here. */
struct mount_line {
	char *point; /* unescaped */
	const char *type;
};

/* The kernel writes space, tab, newline and backslash as \ooo. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		*to = *s;
		if (s[0] != '\\' || !s[1] || !s[2] || !s[3])
			continue;
		*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
			     (s[3] - '0'));
		s += 3;
	}
	*to = '\0';
}

/* id parent major:minor root POINT options … - TYPE source superoptions */
static bool parse_line(char *line, struct mount_line *out)
{
	char *type = strstr(line, " - ");
	char *save = NULL;

	if (!type)
		return false;
	*type = '\0';
	out->type = type + 3;
	type[3 + strcspn(type + 3, " ")] = '\0';
	out->point = strtok_r(line, " ", &save);
	for (int i = 0; out->point && i < 4; i++)
		out->point = strtok_r(NULL, " ", &save);
	if (out->point)
		unescape(out->point);
	return out->point;
}

static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 &&
	       (path[n] == '/' || path[n] == '\0');
}

/* Locked by a user namespace it cannot go away, but it can be covered. */
static int hide_one(const struct mount_line *l)
{
	if (strcmp(l->type, "proc") != 0 && strcmp(l->type, "sysfs") != 0)
		return 0;
	if (sys_umount2(l->point, MNT_DETACH) == 0 || errno == ENOENT)
		return 0;
	if ((errno == EINVAL || errno == EPERM) &&
	    sys_mount("tmpfs", l->point, "tmpfs", MS_RDONLY, NULL) == 0)
		return 0;
	return fail(errno, "hide the host's %s", l->point);
}

/* Hides the host's procfs and sysfs, wherever they are mounted. */
static int hide_all(const struct isolate *iso)
{
	_cleanup_(buf_fini)
	struct buf text = {};
	char *save = NULL;
	int r = fd_read_file(iso->proc, "self/mountinfo", &text,
			     MOUNTINFO_MAX_BYTES);

	if (r < 0)
		return r;
	for (char *line = strtok_r(text.data, "\n", &save); line && r == 0;
	     line = strtok_r(NULL, "\n", &save)) {
		struct mount_line l;

		if (parse_line(line, &l) &&
		    !is_below(l.point, iso->rootfs_path))
			r = hide_one(&l);
	}
	return r;
}

/*
 * For a host root that cannot be pivoted away (a ramfs). The host's mounts
 * stay in the namespace, below the root, where one who gets there must not
 * find its procfs and sysfs; nor may these serve as the proof of visibility
 * by which a user namespace may mount its own.
 */
static int move_root(const struct isolate *iso, int root)
{
	int r;

	/* The host's would go as well. One by one is no way: a mount below
	 * another has no path. So shared binds are cut off, too. */
	if (is_host_shared(iso) &&
	    sys_mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fail(errno, "cut the propagation of /");
	r = hide_all(iso);
	if (r < 0)
		return r;
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
		r = iso->no_pivot ? move_root(iso, root) : pivot(iso, root);
	/* Private or slave it is since the cut, and mounts that the spec made
	 * otherwise stay so. */
	if (r == 0 && (wanted & (MS_SHARED | MS_UNBINDABLE)) &&
	    sys_mount(NULL, "/", NULL, wanted, NULL) < 0)
		r = fail(errno, "set the propagation of /");
	return r;
}
