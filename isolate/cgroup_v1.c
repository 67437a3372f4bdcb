/* SPDX-License-Identifier: MIT */
/* The hierarchies of cgroup v1, and where v2 is on a hybrid machine. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define MOUNTINFO_MAX_BYTES (16 << 20)
#define CPUSET_MAX_BYTES    (1 << 16)

static const char *const controller_names[CGROUP_CONTROLLERS] = {
	[CGROUP_CPU] = "cpu",           [CGROUP_CPUACCT] = "cpuacct",
	[CGROUP_CPUSET] = "cpuset",     [CGROUP_MEMORY] = "memory",
	[CGROUP_DEVICES] = "devices",   [CGROUP_FREEZER] = "freezer",
	[CGROUP_BLKIO] = "blkio",       [CGROUP_PIDS] = "pids",
	[CGROUP_HUGETLB] = "hugetlb",   [CGROUP_NET_CLS] = "net_cls",
	[CGROUP_NET_PRIO] = "net_prio", [CGROUP_PERF_EVENT] = "perf_event",
	[CGROUP_RDMA] = "rdma",         [CGROUP_MISC] = "misc",
};

const char *cgroup_v1_name(enum cgroup_controller controller)
{
	return controller_names[controller];
}

const struct hierarchy *cgroup_v1_with(const struct cgroup *cg,
				       enum cgroup_controller controller)
{
	for (size_t i = 0; i < cg->n_v1; i++)
		if (cg->v1[i].controllers & 1U << controller)
			return &cg->v1[i];
	return NULL;
}

/* -- Finding -------------------------------------------------------------- */

/* What a line of mountinfo says, cut in place. */
struct mount_line {
	uint64_t id;
	const char *point, *type;
	char *options; /* of the file system */
};

/* Undoes mountinfo's \040 for a blank and the like. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
		    s[3]) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
				       (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* "ID PARENT DEV ROOT POINT OPTIONS [TAGS…] - TYPE SOURCE FS_OPTIONS" */
static bool parse_line(char *line, struct mount_line *m)
{
	char *rest = strstr(line, " - ");
	char *save = NULL, *point = NULL;

	if (!rest)
		return false;
	*rest = '\0';
	rest += 3;
	for (int i = 0; i < 5; i++)
		point = strtok_r(i ? NULL : line, " ", &save);
	m->id = strtoull(line, NULL, 10);
	m->point = point;
	m->type = strtok_r(rest, " ", &save);
	strtok_r(NULL, " ", &save);
	m->options = strtok_r(NULL, " ", &save);
	if (!m->point || !m->type || !m->options)
		return false;
	unescape(point);
	return true;
}

static void parse_options(struct arena *a, char *options, struct hierarchy *h)
{
	char *save = NULL;

	for (char *o = strtok_r(options, ",", &save); o;
	     o = strtok_r(NULL, ",", &save)) {
		if (strncmp(o, "name=", 5) == 0)
			h->name = arena_strdup(a, o + 5);
		for (int i = 0; i < CGROUP_CONTROLLERS; i++)
			if (strcmp(o, controller_names[i]) == 0)
				h->controllers |= 1U << i;
	}
}

/* Puts our cgroup into the hierarchy mounted at point. */
static int place(struct cgroup *cg, struct hierarchy *h, const char *point)
{
	const char *slash = strrchr(point, '/');

	h->root = AT_FDCWD;
	h->root_len = strlen(point);
	h->label = arena_strdup(&cg->arena, slash ? slash + 1 : point);
	h->dir = arena_printf(&cg->arena, "%s%s", point, cg->path);
	if (!h->label || !h->dir)
		return fail(ENOMEM, "hierarchies");
	if (strlen(h->dir) >= PATH_MAX - NAME_MAX)
		return fail(ENAMETOOLONG, "%s", cg->path);
	return 0;
}

/* The first mount of a hierarchy counts; later ones are binds of it. */
static bool is_known(const struct cgroup *cg, const struct hierarchy *h)
{
	for (size_t i = 0; i < cg->n_v1; i++) {
		const char *name = cg->v1[i].name;

		if (h->controllers & cg->v1[i].controllers ||
		    (h->name && name && strcmp(h->name, name) == 0))
			return true;
	}
	return false;
}

/* Another mount lies on the point, or on a directory above. */
static bool is_hidden(const struct mount_line *m)
{
	struct statx st;

	if (statx(AT_FDCWD, m->point, AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) < 0)
		return true;
	/* Before Linux 5.8 nobody can tell. */
	return st.stx_mask & STATX_MNT_ID && st.stx_mnt_id != m->id;
}

static int take_line(struct cgroup *cg, char *line)
{
	struct mount_line m;
	struct hierarchy h = {};

	if (!parse_line(line, &m) || strncmp(m.type, "cgroup", 6) != 0 ||
	    is_hidden(&m))
		return 0;
	if (strcmp(m.type, "cgroup2") == 0 && !cg->v2.dir)
		return place(cg, &cg->v2, m.point);
	if (strcmp(m.type, "cgroup") != 0)
		return 0;
	parse_options(&cg->arena, m.options, &h);
	if ((!h.controllers && !h.name) || is_known(cg, &h))
		return 0;

	int r = place(cg, &h, m.point);
	if (r == 0)
		cg->v1[cg->n_v1++] = h;
	return r;
}

int cgroup_v1_find(struct cgroup *cg)
{
	struct buf text = {};
	size_t n_lines = 1;
	char *save = NULL;
	int r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", &text,
			     MOUNTINFO_MAX_BYTES);

	for (size_t i = 0; i < text.len; i++)
		n_lines += text.data[i] == '\n';
	if (r == 0) {
		cg->v1 = arena_array(&cg->arena, n_lines, sizeof(*cg->v1));
		if (!cg->v1)
			r = fail(ENOMEM, "hierarchies");
	}
	for (char *l = r < 0 ? NULL : strtok_r(text.data, "\n", &save);
	     r == 0 && l; l = strtok_r(NULL, "\n", &save))
		r = take_line(cg, l);
	buf_fini(&text);
	return r;
}

/* -- Making --------------------------------------------------------------- */

/* Reads a cpuset file of the first len bytes of dir. Length, -errno + text. */
static ssize_t read_cpuset(const struct hierarchy *h, const char *dir,
			   size_t len, const char *name,
			   char text[CPUSET_MAX_BYTES])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/%s", (int)len, dir, name);

	/* One call gives all of it: the kernel's buffer grows, not ours. */
	_cleanup_fd_ int fd = openat(h->root, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, CPUSET_MAX_BYTES - 1);
	if (n < 0)
		return fail(errno, "read %s", path);
	text[n] = '\0';
	return n < CPUSET_MAX_BYTES - 1 ? n : fail(EFBIG, "read %s", path);
}

/* Copies a cpuset file from the parent of dir when dir has nothing in it. */
static int inherit(const struct hierarchy *h, const char *dir, bool is_new,
		   const char *name)
{
	char text[CPUSET_MAX_BYTES], path[PATH_MAX];
	const char *slash = strrchr(dir, '/');
	ssize_t n = is_new ? 0 : read_cpuset(h, dir, strlen(dir), name, text);

	if (n < 0 || n > 1) /* more than a newline */
		return n < 0 ? (int)n : 0;
	n = read_cpuset(h, dir, slash - dir, name, text);
	if (n < 0)
		return (int)n;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return fd_write_file(h->root, path, text);
}

/* A cpuset without CPUs or memory nodes takes no process (cpuset(7)). */
static int prepare_cpuset(const struct hierarchy *h, const char *dir,
			  bool is_new)
{
	int r = inherit(h, dir, is_new, "cpuset.cpus");

	return r < 0 ? r : inherit(h, dir, is_new, "cpuset.mems");
}

int cgroup_v1_make(struct cgroup *cg)
{
	for (size_t i = 0; i < cg->n_v1; i++) {
		struct hierarchy *h = &cg->v1[i];
		bool is_cpuset = h->controllers & 1U << CGROUP_CPUSET;
		int r = cgroup_tree_make(h, is_cpuset ? prepare_cpuset : NULL);

		if (r < 0)
			return r;
	}
	return 0;
}
