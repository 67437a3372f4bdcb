/* SPDX-License-Identifier: MIT */
/* tmpcopyup: a new tmpfs begins with what it hides. */
#include "isolate/mount_copyup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

#define DEPTH_MAX   200 /* each level holds three fds */
#define CHUNK_BYTES (1 << 20)

/* One directory on both sides. */
struct level {
	int from, to;
	unsigned depth;
};

static int copy_level(const struct level *l);

/* Owner first: chown(2) takes set-id bits away. */
static int keep_attributes(int fd, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};

	if (fchown(fd, st->st_uid, st->st_gid) < 0 ||
	    fchmod(fd, st->st_mode & 07777) < 0 || futimens(fd, times) < 0)
		return -errno;
	return 0;
}

static int copy_file(const struct level *l, const char *name,
		     const struct stat *st)
{
	struct stat opened;
	_cleanup_fd_ int in = openat(
		l->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_fd_ int out = -1;
	ssize_t n;

	if (in < 0 || fstat(in, &opened) < 0)
		return -errno;
	if (!S_ISREG(opened.st_mode))
		return -EAGAIN; /* swapped since it was looked at */
	out = openat(l->to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		     0600);
	if (out < 0)
		return -errno;
	do {
		n = sendfile(out, in, NULL, CHUNK_BYTES);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : keep_attributes(out, st);
}

/* Links, device nodes, fifos, sockets: one call makes the whole of them. */
static int copy_special(const struct level *l, const char *name,
			const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	char target[PATH_MAX];

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(l->from, name, target, sizeof(target));

		if (n < 0 || n == sizeof(target))
			return n < 0 ? -errno : -ENAMETOOLONG;
		target[n] = '\0';
		if (symlinkat(target, l->to, name) < 0)
			return -errno;
	} else if (mknodat(l->to, name, st->st_mode, st->st_rdev) < 0) {
		/* A user namespace can have no device nodes of its own. */
		return errno == EPERM ? 0 : -errno;
	}
	if (fchownat(l->to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) <
		    0 ||
	    utimensat(l->to, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) &&
	    fchmodat(l->to, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	return 0;
}

static int copy_directory(const struct level *l, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	_cleanup_fd_ int from = sys_openat2(l->from, name, &how);
	_cleanup_fd_ int to = -1;

	if (from < 0 || mkdirat(l->to, name, 0700) < 0)
		return -errno;
	to = openat(l->to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return -errno;
	return copy_level(&(struct level){from, to, l->depth + 1});
}

static int copy_entry(const struct level *l, const char *name, dev_t dev)
{
	struct stat st;
	int r;

	if (fstatat(l->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(errno, "%s", name);
	if (st.st_dev != dev)
		return 0; /* a mount of its own */
	if (S_ISREG(st.st_mode))
		r = copy_file(l, name, &st);
	else if (S_ISDIR(st.st_mode))
		r = copy_directory(l, name);
	else
		r = copy_special(l, name, &st);
	/* A level below that failed has said so. */
	if (r < 0)
		return *fail_text() ? fail_in(r, "%s", name)
				    : fail(-r, "%s", name);
	return 0;
}

static int copy_entries(const struct level *l, DIR *entries, dev_t dev)
{
	const struct dirent *e;

	while (errno = 0, (e = readdir(entries))) {
		int r;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = copy_entry(l, e->d_name, dev);
		if (r < 0)
			return r;
	}
	return errno ? fail(errno, "read directory") : 0;
}

static int copy_level(const struct level *l)
{
	struct stat st;
	int own = fcntl(l->from, F_DUPFD_CLOEXEC, 0);
	DIR *entries = own < 0 ? NULL : fdopendir(own);
	int r;

	if (!entries) {
		r = -errno;
		cleanup_fd(&own);
		return fail(-r, "open directory");
	}
	if (l->depth > DEPTH_MAX)
		r = fail_plain(ELOOP, "more than %d directories deep",
			       DEPTH_MAX);
	else if (fstat(l->from, &st) < 0)
		r = fail(errno, "stat");
	else
		r = copy_entries(l, entries, st.st_dev);
	closedir(entries);
	/* Last, for the copying changes the times. The root's are set by the
	 * mount's options. */
	if (r == 0 && l->depth > 0 && (r = keep_attributes(l->to, &st)) < 0)
		fail(-r, "set attributes");
	return r;
}

int mount_copy_up(int from, int to)
{
	_cleanup_fd_ int in =
		openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int out =
		openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	fail_clear();
	if (in < 0 || out < 0)
		return fail(errno, "open");
	return copy_level(&(struct level){in, out, 0});
}
