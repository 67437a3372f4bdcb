/* SPDX-License-Identifier: MIT */
/* Paths that never leave a root directory, whatever the root contains. */
#include "lib/path.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

static int open_beneath(int root, const char *path, int flags, uint64_t more)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | more,
	};
	int fd;

	/* EAGAIN: a rename somewhere raced with a ".."; just try again. */
	do {
		fd = sys_openat2(root, *path ? path : ".", &how);
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd < 0 ? -errno : fd;
}

int path_open_in(int root, const char *path, int flags)
{
	return open_beneath(root, path, flags, 0);
}

int path_open_nolinks(int root, const char *path, int flags)
{
	return open_beneath(root, path, flags, RESOLVE_NO_SYMLINKS);
}

/*
 * The deepest directory of path that exists. *made: how many bytes of path
 * lead there. Looked for from the right: mostly only the last one is missing.
 */
static int open_deepest(int root, const char *path, uint64_t more, size_t *made)
{
	char prefix[PATH_MAX];
	size_t end = strlen(path);
	int fd = -ENOENT;

	while (fd == -ENOENT && end) {
		while (end && path[end - 1] == '/')
			end--;
		while (end && path[end - 1] != '/')
			end--;
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		fd = open_beneath(root, prefix, O_PATH | O_DIRECTORY, more);
	}
	*made = end;
	return fd;
}

/*
 * Each part that is made is opened with its parent as the root: a link that
 * someone puts in its place leads nowhere else.
 */
static int make_directories(int root, const char *path, uint64_t more,
			    mode_t mode)
{
	char name[NAME_MAX + 1];
	size_t at;
	_cleanup_fd_ int fd = open_deepest(root, path, more, &at);

	while (fd >= 0) {
		at += strspn(path + at, "/");

		size_t n = strcspn(path + at, "/");

		if (n == 0)
			return take_fd(&fd);
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path + at, n);
		name[n] = '\0';
		if (mkdirat(fd, name, mode) < 0 && errno != EEXIST)
			return -errno;

		int next = open_beneath(fd, name, O_PATH | O_DIRECTORY, more);

		cleanup_fd(&fd);
		fd = next;
		at += n;
	}
	return fd;
}

static int mkdir_beneath(int root, const char *path, uint64_t more, mode_t mode)
{
	int fd = open_beneath(root, path, O_PATH | O_DIRECTORY, more);

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return fail(-fd, "open directory %s", path);
	if (strlen(path) >= PATH_MAX)
		return fail(ENAMETOOLONG, "make directory %s", path);
	if (path_has_dotdot(path))
		return fail(EINVAL, "make directory %s", path);
	fd = make_directories(root, path, more, mode);
	return fd < 0 ? fail(-fd, "make directory %s", path) : fd;
}

int path_mkdir_in(int root, const char *path, mode_t mode)
{
	return mkdir_beneath(root, path, 0, mode);
}

int path_mkdir_nolinks(int root, const char *path, mode_t mode)
{
	return mkdir_beneath(root, path, RESOLVE_NO_SYMLINKS, mode);
}

int path_mkfile_in(int root, const char *path)
{
	int fd = path_open_in(root, path, O_PATH);

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT)
		return fail(-fd, "open %s", path);

	size_t len = strlen(path);
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;

	if (len >= PATH_MAX || !*last || path_has_dotdot(path))
		return fail(EINVAL, "make file %s", path);

	char dir[PATH_MAX];

	memcpy(dir, path, last - path);
	dir[last - path] = '\0';
	_cleanup_fd_ int parent = path_mkdir_in(root, dir, 0755);
	if (parent < 0)
		return parent;
	_cleanup_fd_ int made = openat(
		parent, last, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (made < 0)
		return fail(errno, "make file %s", path);
	/* No O_PATH reopening by name: O_WRONLY fds are mount targets too. */
	return take_fd(&made);
}

int path_mkdirs(const char *path, mode_t mode)
{
	char prefix[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(prefix))
		return fail(ENAMETOOLONG, "make directory %s", path);
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return fail(errno, "make directory %s", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = '\0';
		if (mkdir(prefix, mode) < 0 && errno != EEXIST)
			return fail(errno, "make directory %s", prefix);
	}
	return 0;
}

bool path_has_dotdot(const char *path)
{
	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return true;
		p += n;
		p += strspn(p, "/");
	}
	return false;
}

bool path_is_on(int fd, uint64_t magic)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (uint64_t)fs.f_type == magic;
}
