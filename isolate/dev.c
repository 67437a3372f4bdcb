/* SPDX-License-Identifier: MIT */
/* /dev of a container: default and listed device nodes, links, the console. */
#include "isolate/dev.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "isolate/isolate.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/path.h"

/* config-linux.md, "Default Devices" */
static const struct spec_device defaults[] = {
	{"/dev/null", S_IFCHR, 1, 3, 0666, 0, 0},
	{"/dev/zero", S_IFCHR, 1, 5, 0666, 0, 0},
	{"/dev/full", S_IFCHR, 1, 7, 0666, 0, 0},
	{"/dev/random", S_IFCHR, 1, 8, 0666, 0, 0},
	{"/dev/urandom", S_IFCHR, 1, 9, 0666, 0, 0},
	{"/dev/tty", S_IFCHR, 5, 0, 0666, 0, 0},
};

/* runtime-linux.md, "Dev symbolic links" */
static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"core", "/proc/kcore"},
	{"ptmx", "pts/ptmx"},
};

/* Whether fd is the device that d says. */
static bool is_device(int fd, const struct spec_device *d)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == d->type &&
	       (d->type == S_IFIFO ||
		st.st_rdev == makedev(d->major, d->minor));
}

/* In a user namespace mknod(2) is refused: the host's node is bound. */
static int bind_node(int dir, const char *name, const struct spec_device *d)
{
	_cleanup_fd_ int clone = -1, target = -1;
	_cleanup_fd_ int made = openat(
		dir, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	clone = sys_open_tree(AT_FDCWD, d->path,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (clone < 0)
		return fail(errno, "open the host's %s", d->path);
	if (!is_device(clone, d))
		return fail_plain(EINVAL, "the host's %s is not %u:%u",
				  d->path, d->major, d->minor);
	target = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0 || sys_move_mount(clone, target) < 0)
		return fail(errno, "bind %s", d->path);
	return 0;
}

/* Something is there already: the device itself is fine, else refused. */
static int verify_node(int dir, const char *name, const struct spec_device *d)
{
	_cleanup_fd_ int fd = openat(dir, name,
				     O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return fail(errno, "open %s", d->path);
	if (!is_device(fd, d))
		return fail_plain(EEXIST,
				  "%s exists and is not device %u:%u", d->path,
				  d->major, d->minor);
	return 0;
}

static int make_node(int dir, const char *name, const struct spec_device *d)
{
	dev_t dev = d->type == S_IFIFO ? 0 : makedev(d->major, d->minor);

	if (mknodat(dir, name, d->type | d->mode, dev) < 0) {
		if (errno == EEXIST)
			return verify_node(dir, name, d);
		if (errno == EPERM)
			return bind_node(dir, name, d);
		return fail(errno, "make device %s", d->path);
	}
	if ((d->uid || d->gid) &&
	    fchownat(dir, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(errno, "give device %s to %u:%u", d->path, d->uid,
			    d->gid);
	return 0;
}

/* The directory in which path's last component is; *name: that component. */
static int open_parent(int root, const char *path, const char **name)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= sizeof(dir) || path_has_dotdot(path))
		return fail(EINVAL, "device %s", path);
	memcpy(dir, path, len);
	dir[len] = '\0';
	*name = slash ? slash + 1 : path;

	_cleanup_fd_ int fd = path_open_nolinks(root, dir,
						O_PATH | O_DIRECTORY);
	if (fd == -ENOENT) {
		/* Made link by link inside; then seen to be without links. */
		cleanup_fd(&fd);
		fd = path_mkdir_in(root, dir, 0755);
		if (fd < 0)
			return fd;
		cleanup_fd(&fd);
		fd = path_open_nolinks(root, dir, O_PATH | O_DIRECTORY);
	}
	if (fd == -ELOOP)
		return fail_plain(ELOOP,
				  "device %s: a symbolic link is in the way",
				  path);
	return fd < 0 ? fail(-fd, "device %s", path) : take_fd(&fd);
}

static bool is_listed(const struct spec_linux *l, const char *path)
{
	for (size_t i = 0; i < l->n_devices; i++)
		if (strcmp(l->devices[i].path, path) == 0)
			return true;
	return false;
}

static int make_defaults(const struct spec_linux *l, int dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		const struct spec_device *d = &defaults[i];
		int r = is_listed(l, d->path)
				? 0
				: make_node(dev, d->path + strlen("/dev/"), d);

		if (r < 0)
			return r;
	}
	return 0;
}

static int make_listed(const struct spec_linux *l, int root)
{
	for (size_t i = 0; i < l->n_devices; i++) {
		const char *name;
		_cleanup_fd_ int dir =
			open_parent(root, l->devices[i].path, &name);

		if (dir < 0)
			return dir;

		int r = make_node(dir, name, &l->devices[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int make_links(int dev)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0 &&
		    errno != EEXIST)
			return fail(errno, "make link /dev/%s", links[i].name);
	return 0;
}

static bool is_bound(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].kind == SPEC_MOUNT_BIND &&
		    strcmp(spec->mounts[i].destination, "/dev") == 0)
			return true;
	return false;
}

/* An image may ship /dev as a link to a directory of the host. */
static int open_dev(int root)
{
	int fd = path_open_nolinks(root, "dev", O_PATH | O_DIRECTORY);

	if (fd == -ENOENT)
		fd = path_mkdir_in(root, "dev", 0755);
	if (fd == -ELOOP || fd == -ENOTDIR)
		return fail_plain(-fd, "/dev is not a directory (a symbolic "
				       "link?)");
	return fd < 0 ? fail(-fd, "open /dev") : fd;
}

int dev_create(const struct isolate *iso, int root)
{
	const struct spec_linux *l = &iso->spec->linux_;
	mode_t old;
	int r;

	if (is_bound(iso->spec))
		return 0;

	_cleanup_fd_ int dev = open_dev(root);

	if (dev < 0)
		return dev;
	old = umask(0);
	r = make_defaults(l, dev);
	if (r == 0)
		r = make_listed(l, root);
	if (r == 0)
		r = make_links(dev);
	umask(old);
	return r;
}

int dev_bind_console(int root, int slave)
{
	_cleanup_fd_ int dev = open_dev(root);
	_cleanup_fd_ int clone = -1, target = -1;

	if (dev < 0)
		return dev;

	_cleanup_fd_ int made =
		openat(dev, "console",
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);

	if (made < 0 && errno != EEXIST)
		return fail(errno, "make /dev/console");
	target = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	clone = sys_open_tree(slave, "",
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				      AT_EMPTY_PATH);
	if (target < 0 || clone < 0)
		return fail(errno, "bind the terminal on /dev/console");

	struct stat st;

	if (fstat(target, &st) < 0 || S_ISLNK(st.st_mode) ||
	    S_ISDIR(st.st_mode))
		return fail_plain(ELOOP, "/dev/console is not a file");
	if (sys_move_mount(clone, target) < 0)
		return fail(errno, "bind the terminal on /dev/console");
	return 0;
}
