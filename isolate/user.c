/* SPDX-License-Identifier: MIT */
/* User, groups, umask and home directory of the process. */
#include "isolate/user.h"

#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/path.h"

#define PASSWD_MAX_BYTES (1 << 20)

int user_apply(const struct spec_user *user)
{
	/* The calls of the kernel, not libc's: there is one thread. */
	if (syscall(SYS_setgroups, user->n_additional_gids,
		    user->additional_gids) < 0 &&
	    !(errno == EPERM && user->n_additional_gids == 0))
		return fail(errno, "set supplementary groups");
	if (syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0)
		return fail(errno, "set gid %u", user->gid);
	if (syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return fail(errno, "set uid %u", user->uid);
	return 0;
}

/*
 * A file on a disk stays whose it is: its new owner could open a stdin again
 * for writing, and would keep it. A device node belongs to all.
 */
static bool is_stream(int fd, mode_t mode)
{
	return S_ISFIFO(mode) || S_ISSOCK(mode) || (S_ISCHR(mode) && isatty(fd));
}

int user_own_stdio(uid_t uid)
{
	for (int fd = 0; uid && fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0 || st.st_uid == uid ||
		    !is_stream(fd, st.st_mode))
			continue;
		if (fchown(fd, uid, (gid_t)-1) < 0 && errno != EPERM &&
		    errno != EROFS && errno != EINVAL)
			return fail(errno, "give fd %d to uid %u", fd, uid);
	}
	return 0;
}

/* Cuts the next field, up to ':' or the end, off *line. */
static char *next_field(char **line)
{
	return strsep(line, ":");
}

/* The home of uid when this line is its: NAME:PW:UID:GID:GECOS:HOME:SHELL */
static char *home_of_line(char *line, uid_t uid)
{
	char *fields[6] = {};
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = next_field(&line);
	if (!fields[5] || fields[5][0] != '/' || !*fields[2] ||
	    fields[2][strspn(fields[2], "0123456789")])
		return NULL;
	errno = 0;

	unsigned long n = strtoul(fields[2], &end, 10);

	return errno == 0 && n == uid ? fields[5] : NULL;
}

static int read_passwd(int root, struct buf *b)
{
	struct stat st;
	_cleanup_fd_ int fd = root == AT_FDCWD
				      ? open("/etc/passwd",
					     O_RDONLY | O_NONBLOCK | O_CLOEXEC)
				      : path_open_in(root, "etc/passwd",
						     O_RDONLY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -ENOENT;
	return buf_read_fd(b, fd, PASSWD_MAX_BYTES);
}

char *user_home(int root, uid_t uid)
{
	_cleanup_(buf_fini) struct buf b = {};

	if (read_passwd(root, &b) < 0 || !b.data)
		return strdup("/");
	for (char *rest = b.data, *line; (line = strsep(&rest, "\n"));) {
		char *home = home_of_line(line, uid);

		if (home)
			return strdup(home);
	}
	return strdup("/");
}
