/* SPDX-License-Identifier: MIT */
/* Control groups version 1: the one place that knows its hierarchies. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/cgroup_hierarchy.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define MOUNTINFO_MAX_BYTES (64 << 20)
#define FILE_MAX_BYTES	    (1 << 20)

/* -- Finding -------------------------------------------------------------- */

/* Whether the comma-separated list holds word. */
static bool list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

/* Of a hierarchy's superblock options, those that name it for mount(2). */
static char *naming_options(char *options)
{
	static const char *const others[] = {"rw", "ro", "xattr",
					     "clone_children", "noprefix",
					     "cpuset_v2_mode"};
	_cleanup_(buf_fini) struct buf b = {};
	char *save;

	for (char *o = strtok_r(options, ",", &save); o;
	     o = strtok_r(NULL, ",", &save)) {
		bool names = strncmp(o, "release_agent=", 14) != 0;

		for (size_t i = 0; i < ARRAY_SIZE(others); i++)
			names = names && strcmp(o, others[i]) != 0;
		if (!names)
			continue;
		if (b.len)
			buf_puts(&b, ",");
		else if (strncmp(o, "name=", 5) == 0)
			buf_puts(&b, "none,");
		buf_puts(&b, o);
	}
	return b.failed ? NULL : strdup(buf_str(&b));
}

static int add_hierarchy(struct cgroup *cg, const char *mount, char *options)
{
	struct hierarchy *all =
		realloc(cg->v1, (cg->n_v1 + 1) * sizeof(*all));

	if (!all)
		return fail(ENOMEM, "cgroup");
	cg->v1 = all;
	all[cg->n_v1] = (struct hierarchy){.mount = strdup(mount),
					   .options = naming_options(options)};
	if (!all[cg->n_v1].mount || !all[cg->n_v1].options) {
		free(all[cg->n_v1].mount);
		free(all[cg->n_v1].options);
		return fail(ENOMEM, "cgroup");
	}
	cg->n_v1++;
	return 0;
}

/* The same hierarchy may be mounted twice; the first mount serves. */
static bool is_known(const struct cgroup *cg, const char *options)
{
	_cleanup_free_ char *copy = strdup(options);
	_cleanup_free_ char *names = copy ? naming_options(copy) : NULL;

	for (size_t i = 0; names && i < cg->n_v1; i++)
		if (strcmp(cg->v1[i].options, names) == 0)
			return true;
	return false;
}

/*
 * ID PARENT MAJ:MIN ROOT MOUNTPOINT OPTIONS … - TYPE SOURCE SUPEROPTIONS
 * (proc(5)). No space is in a mount point: the kernel writes \040.
 */
static int take_line(struct cgroup *cg, char *line)
{
	char *dash = strstr(line, " - ");
	char *fields[5], *tail[3];
	char *p = line, *q = dash ? dash + 3 : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (!(fields[i] = strsep(&p, " ")))
			return 0;
	for (size_t i = 0; i < ARRAY_SIZE(tail); i++)
		if (!(tail[i] = strsep(&q, " ")))
			return 0;
	if (strcmp(tail[0], "cgroup") == 0 && !is_known(cg, tail[2]))
		return add_hierarchy(cg, fields[4], tail[2]);
	if (strcmp(tail[0], "cgroup2") == 0 && cg->root < 0)
		cg->root = open(fields[4],
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

int cgroup_v1_find(struct cgroup *cg)
{
	_cleanup_(buf_fini) struct buf b = {};
	int r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", &b,
			     MOUNTINFO_MAX_BYTES);

	for (char *rest = b.data, *line;
	     r == 0 && (line = strsep(&rest, "\n"));)
		r = take_line(cg, line);
	if (r == 0 && cg->n_v1 == 0)
		r = fail_plain(ENOENT, "no cgroup hierarchy is mounted");
	return r;
}

void cgroup_v1_free(struct cgroup *cg)
{
	for (size_t i = 0; i < cg->n_v1; i++) {
		free(cg->v1[i].mount);
		free(cg->v1[i].options);
	}
	free(cg->v1);
}

/* -- Directories ---------------------------------------------------------- */

/* MOUNT/PATH/FILE; file NULL: the directory. -ENAMETOOLONG + text. */
static int path_of(const struct cgroup *cg, const struct hierarchy *h,
		   const char *file, char *out)
{
	int n = snprintf(out, PATH_MAX, "%s%s%s%s", h->mount, cg->path,
			 file ? "/" : "", file ? file : "");

	return n < PATH_MAX ? 0 : fail(ENAMETOOLONG, "cgroup %s", cg->path);
}

/* A task may only join a cpuset that has CPUs and memory nodes. */
static int fill_cpuset(const char *dir)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	char from[PATH_MAX + 32], to[PATH_MAX + 32];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(buf_fini) struct buf b = {};
		int r;

		snprintf(from, sizeof(from), "%s/../%s", dir, files[i]);
		snprintf(to, sizeof(to), "%s/%s", dir, files[i]);
		r = fd_read_file(AT_FDCWD, from, &b, FILE_MAX_BYTES);
		if (r == 0)
			r = fd_write_file(AT_FDCWD, to, buf_str(&b));
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_one(const struct hierarchy *h, const char *dir)
{
	if (mkdir(dir, 0755) < 0)
		return -errno;
	return list_has(h->options, "cpuset") ? fill_cpuset(dir) : 0;
}

static int has_tasks(const char *dir)
{
	char file[PATH_MAX + 32];
	char byte;

	snprintf(file, sizeof(file), "%s/tasks", dir);

	_cleanup_fd_ int fd = open(file, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &byte, 1) > 0;
}

static int make_dirs(const struct cgroup *cg, const struct hierarchy *h)
{
	char dir[PATH_MAX];
	int r = path_of(cg, h, NULL, dir);

	if (r < 0)
		return r;
	r = make_one(h, dir);
	if (r == -ENOENT) {
		/* Parents first, from the hierarchy's root downwards. */
		for (char *p = dir + strlen(h->mount) + 1;
		     (p = strchr(p, '/')); p++) {
			*p = '\0';
			r = make_one(h, dir);
			*p = '/';
			if (r < 0 && r != -EEXIST)
				break;
		}
		r = make_one(h, dir);
	}
	if (r == -EEXIST)
		r = has_tasks(dir) ? fail_plain(EBUSY, "cgroup %s is in use",
						dir)
				   : 0;
	else if (r < 0)
		r = fail(-r, "make cgroup %s", dir);
	return r;
}

int cgroup_v1_create(struct cgroup *cg)
{
	for (size_t i = 0; i < cg->n_v1; i++) {
		int r = make_dirs(cg, &cg->v1[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_v1_join(const struct cgroup *cg)
{
	char file[PATH_MAX];

	for (size_t i = 0; i < cg->n_v1; i++) {
		int r = path_of(cg, &cg->v1[i], "tasks", file);

		if (r == 0)
			r = fd_write_file(AT_FDCWD, file, "0");
		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_v1_remove(struct cgroup *cg)
{
	char dir[PATH_MAX];

	for (size_t i = 0; i < cg->n_v1; i++) {
		int r = path_of(cg, &cg->v1[i], NULL, dir);

		if (r == 0)
			r = cgroup_remove_tree(AT_FDCWD, dir);
		if (r < 0)
			return r;
	}
	return 0;
}
