/* SPDX-License-Identifier: MIT */
/* Removing a cgroup with all below it, however deep its owner nested it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "isolate/cgroup_hierarchy.h"
#include "lib/cleanup.h"

/*
 * Removes the leaves in dir. Returns 0 when no directory is left, 1 with the
 * name of one that has something in it, -errno. *any: there was one at all.
 */
static int remove_leaves(int dir, char *name, bool *any)
{
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);
	int r = 0;

	if (!d)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		*any = true;
		if (unlinkat(dir, e->d_name, AT_REMOVEDIR) == 0 ||
		    errno == ENOENT)
			continue;
		r = errno == EBUSY ? 1 : -errno;
		snprintf(name, NAME_MAX + 1, "%s", e->d_name);
	}
	closedir(d);
	return r;
}

/*
 * Empties the directory top without recursion: down into what is not empty,
 * up again when it is. One fd, whatever the depth.
 */
static int empty(int top)
{
	char name[NAME_MAX + 1];
	_cleanup_fd_ int at = fcntl(top, F_DUPFD_CLOEXEC, 3);
	unsigned depth = 0;
	bool came_down = false;

	while (at >= 0) {
		bool any = false;
		int r = remove_leaves(at, name, &any);

		if (r < 0)
			return r;
		/* Busy, and nothing below it: a process is in it. */
		if (r == 0 && came_down && !any)
			return -EBUSY;
		if (r == 0 && depth == 0)
			return 0;

		int next = openat(at, r ? name : "..",
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		close(at);
		at = next;
		depth += r ? 1 : -1u;
		came_down = r;
	}
	return -errno;
}

int cgroup_remove_tree(int dir, const char *name)
{
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;

	_cleanup_fd_ int top =
		openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (top < 0)
		return errno == ENOENT ? 0 : -errno;

	int r = empty(top);

	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}
