/* SPDX-License-Identifier: MIT */
/* Making, walking and removing a cgroup's directories in one hierarchy. */
#include "isolate/cgroup_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

#define PROCS_MAX_BYTES (64 << 20) /* of one cgroup.procs */

/* -- Making --------------------------------------------------------------- */

/* Makes the directory of the first len bytes of h->dir. 1: it was there. */
static int make_one(struct hierarchy *h, size_t len, cgroup_prepare *prepare)
{
	char cut = h->dir[len];
	int r;

	h->dir[len] = '\0';
	r = mkdirat(h->root, h->dir, 0755) < 0 ? -errno : 0;
	if (r == 0 && !h->made_len)
		h->made_len = len;
	if (r == -EEXIST)
		r = 1;
	else if (r < 0 && r != -ENOENT)
		fail(-r, "mkdir %s", h->dir);
	if (r >= 0 && prepare) {
		int p = prepare(h, h->dir, r == 0);

		r = p < 0 ? p : r;
	}
	h->dir[len] = cut;
	return r;
}

int cgroup_tree_make(struct hierarchy *h, cgroup_prepare *prepare)
{
	size_t len = strlen(h->dir);
	int r = make_one(h, len, prepare);

	if (r == -ENOENT) {
		/* A parent is missing: from the top. */
		for (size_t at = h->root_len; at < len;) {
			at += 1 + strcspn(h->dir + at + 1, "/");
			r = make_one(h, at, prepare);
			if (r < 0)
				break;
		}
		if (r == -ENOENT)
			return fail(ENOENT, "mkdir %s", h->dir);
	}
	if (r < 0)
		return r;
	h->had = r == 1;
	return 0;
}

void cgroup_tree_undo(struct hierarchy *h)
{
	char dir[PATH_MAX];

	if (!h->made_len)
		return;
	snprintf(dir, sizeof(dir), "%s", h->dir);
	for (size_t len = strlen(dir); len >= h->made_len;) {
		dir[len] = '\0';
		/* Not made yet, or another container's parent by now. */
		unlinkat(h->root, dir, AT_REMOVEDIR);
		while (len > 0 && dir[len] != '/')
			len--;
		if (!len)
			break;
	}
	h->made_len = 0;
}

/* -- Walking -------------------------------------------------------------- */

/*
 * What is inside was made by the container and may be nested deeper than any
 * path, stack or table of fds: one fd moves down by name and up by "..", and
 * the names still to visit are kept on the heap.
 */
struct walk_level {
	struct buf names; /* of sub-cgroups, each with its NUL */
	size_t at;        /* the one we are in, or are about to enter */
};

struct walk {
	struct walk_level *levels;
	size_t depth, room;
	int dir; /* where we are */
};

static void walk_fini(struct walk *w)
{
	for (size_t i = 0; i < w->depth; i++)
		buf_fini(&w->levels[i].names);
	free(w->levels);
	cleanup_fd(&w->dir);
}

static int list_children(int dir, struct buf *names)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		int r = -errno;

		cleanup_fd(&fd);
		return r;
	}
	while ((e = readdir(d)))
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			buf_put(names, e->d_name, strlen(e->d_name) + 1);
	closedir(d);
	return names->failed ? -ENOMEM : 0;
}

/* Begins a level for the directory that we are in. */
static int walk_push(struct walk *w)
{
	if (w->depth == w->room) {
		size_t room = w->room ? 2 * w->room : 16;
		struct walk_level *more =
			realloc(w->levels, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->levels = more;
		w->room = room;
	}
	w->levels[w->depth] = (struct walk_level){};

	int r = list_children(w->dir, &w->levels[w->depth].names);
	w->depth++;
	/* Removed while we looked: it has no children. */
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int walk_enter(struct walk *w, const char *name)
{
	int fd = openat(w->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(w->dir);
	w->dir = fd;
	return 0;
}

/*
 * Visits each directory below and including w->dir, children first. enter
 * is called inside a directory, leave inside its parent with its name; both
 * may be NULL and return 0 or -errno, which ends the walk.
 */
static int walk_run(struct walk *w, int (*enter)(int dir, void *arg),
		    int (*leave)(int parent, const char *name), void *arg)
{
	int r = enter ? enter(w->dir, arg) : 0;

	if (r == 0)
		r = walk_push(w);
	while (r == 0) {
		struct walk_level *l = &w->levels[w->depth - 1];

		if (l->at < l->names.len) {
			r = walk_enter(w, l->names.data + l->at);
			if (r == -ENOENT) { /* gone meanwhile */
				l->at += strlen(l->names.data + l->at) + 1;
				r = 0;
				continue;
			}
			if (r == 0 && enter)
				r = enter(w->dir, arg);
			if (r == 0)
				r = walk_push(w);
			continue;
		}
		buf_fini(&l->names);
		if (--w->depth == 0)
			break;
		r = walk_enter(w, "..");
		if (r < 0)
			break;
		l = &w->levels[w->depth - 1];
		if (leave)
			r = leave(w->dir, l->names.data + l->at);
		l->at += strlen(l->names.data + l->at) + 1;
	}
	return r;
}

static int walk_open(const struct hierarchy *h, struct walk *w)
{
	*w = (struct walk){.dir = openat(h->root, h->dir,
					 O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	return w->dir < 0 ? -errno : 0;
}

/* -- Removing ------------------------------------------------------------- */

static int remove_child(int parent, const char *name)
{
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int cgroup_tree_remove(const struct hierarchy *h)
{
	if (unlinkat(h->root, h->dir, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return fail(errno, "rmdir %s", h->dir);

	struct walk w;
	int r = walk_open(h, &w);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = walk_run(&w, NULL, remove_child, NULL);
	walk_fini(&w);
	if (r == 0 && unlinkat(h->root, h->dir, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		r = -errno;
	if (r < 0 && r != -EBUSY)
		return fail(-r, "remove %s", h->dir);
	return r;
}

/* -- Processes ------------------------------------------------------------ */

static int put_pids(int dir, void *arg)
{
	_cleanup_fd_ int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	struct buf *pids = arg;
	struct buf text = {};
	int r;

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -errno;
	r = buf_read_fd(&text, fd, PROCS_MAX_BYTES);
	for (const char *p = buf_str(&text); r == 0 && *p;) {
		char *end;
		pid_t pid = (pid_t)strtol(p, &end, 10);

		if (end == p)
			break;
		if (pid > 0) /* 0: of another pid namespace */
			buf_put(pids, &pid, sizeof(pid));
		p = end + strspn(end, "\n");
	}
	buf_fini(&text);
	/* EOPNOTSUPP: a threaded cgroup; its domain lists the processes. */
	return r == -ENODEV || r == -EOPNOTSUPP ? 0 : r;
}

int cgroup_tree_pids(const struct hierarchy *h, struct buf *pids)
{
	struct walk w;
	int r = walk_open(h, &w);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = walk_run(&w, put_pids, NULL, pids);
	walk_fini(&w);
	if (r == 0 && pids->failed)
		r = -ENOMEM;
	return r < 0 ? fail(-r, "list processes of %s", h->dir) : 0;
}
