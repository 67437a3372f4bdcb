/* SPDX-License-Identifier: MIT */
/* tmpcopyup: a new tmpfs begins with what it hides. */
#include "isolate/mount_copyup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

#define DEPTH_MAX 128 /* each level holds three fds */

static int keep_attributes(int fd, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};

	if (fchown(fd, st->st_uid, st->st_gid) < 0 ||
	    fchmod(fd, st->st_mode & 07777) < 0 || futimens(fd, times) < 0)
		return -errno;
	return 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	_cleanup_fd_ int in =
		openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_fd_ int out =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	if (in < 0 || out < 0)
		return -errno;
	do {
		n = sendfile(out, in, NULL, 1 << 20);
	} while (n > 0);
	return n < 0 ? -errno : keep_attributes(out, st);
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0 ||
	    fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_entries(int from, int to, unsigned depth);

static int copy_directory(int from, int to, const char *name, unsigned depth)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					O_CLOEXEC,
			       .resolve = RESOLVE_NO_XDEV | RESOLVE_BENEATH};
	_cleanup_fd_ int in = sys_openat2(from, name, &how);
	_cleanup_fd_ int out = -1;
	struct stat st;

	if (in < 0)
		return errno == EXDEV ? 0 : -errno;
	if (mkdirat(to, name, 0700) < 0 || fstat(in, &st) < 0)
		return -errno;
	out = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out < 0)
		return -errno;

	int r = copy_entries(in, out, depth + 1);

	return r < 0 ? r : keep_attributes(out, &st);
}

static int copy_one(int from, int to, const char *name, unsigned depth)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG: return copy_file(from, to, name, &st);
	case S_IFLNK: return copy_link(from, to, name, &st);
	case S_IFDIR: return copy_directory(from, to, name, depth);
	default: return 0;
	}
}

static int copy_entries(int from, int to, unsigned depth)
{
	int own = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	int r = depth > DEPTH_MAX ? -ELOOP : 0;

	if (!d)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = copy_one(from, to, e->d_name, depth);
	closedir(d);
	return r;
}

int mount_copy_up(int from, int to)
{
	struct stat st;
	int r = copy_entries(from, to, 0);

	if (r == 0 && fstat(from, &st) < 0)
		r = -errno;
	if (r == 0) {
		_cleanup_fd_ int top =
			openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		r = top < 0 ? -errno : keep_attributes(top, &st);
	}
	return r < 0 ? fail(-r, "copy what the tmpfs hides") : 0;
}
