/* SPDX-License-Identifier: MIT */
/* The control groups as a container sees them: mounts of type cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/cgroup_hierarchy.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

/* One hierarchy to be shown below the target; for v2 the only one, as is. */
struct view_part {
	char *name; /* of the directory */
	char *options; /* mount(2); NULL: cgroup2 */
	int bind; /* detached clone of the own directory, or -1 */
};

struct cgroup_view {
	enum cgroup_mode mode;
	struct view_part *parts;
	size_t n;
};

/* Without a cgroup namespace only the own directory may be seen. */
static int clone_own(const char *mount, int dir, const char *path)
{
	char full[PATH_MAX];
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int fd;

	if (mount) {
		snprintf(full, sizeof(full), "%s%s", mount, path);
		fd = sys_open_tree(AT_FDCWD, full, flags);
	} else {
		fd = sys_open_tree(dir, "", flags | AT_EMPTY_PATH);
	}
	return fd < 0 ? fail(errno, "clone cgroup %s", path) : fd;
}

static int add_part(struct cgroup_view *v, const char *name,
		    const char *options)
{
	struct view_part *p = &v->parts[v->n++];

	*p = (struct view_part){.name = strdup(name),
				.options = options ? strdup(options) : NULL,
				.bind = -1};
	return p->name && (!options || p->options) ? 0
						   : fail(ENOMEM, "cgroup");
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int fill(const struct cgroup *cg, bool has_ns, struct cgroup_view *v)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < cg->n_v1; i++) {
		r = add_part(v, last_name(cg->v1[i].mount),
			     cg->v1[i].options);
		if (r == 0 && !has_ns)
			r = v->parts[v->n - 1].bind = clone_own(
				cg->v1[i].mount, -1, cg->path);
	}
	if (r >= 0 && cg->dir >= 0) {
		r = add_part(v, "unified", NULL);
		if (r == 0 && !has_ns)
			r = v->parts[v->n - 1].bind =
				clone_own(NULL, cg->dir, cg->path);
	}
	return r < 0 ? r : 0;
}

int cgroup_view_open(const struct cgroup *cg, bool has_cgroup_ns,
		     struct cgroup_view **out)
{
	struct cgroup_view *v = calloc(1, sizeof(*v));

	if (v)
		v->parts = calloc(cg->n_v1 + 1, sizeof(*v->parts));
	if (!v || !v->parts) {
		free(v);
		return fail(ENOMEM, "cgroup");
	}
	v->mode = cg->mode;

	int r = fill(cg, has_cgroup_ns, v);

	if (r < 0) {
		cgroup_view_close(v);
		return r;
	}
	*out = v;
	return 0;
}

void cgroup_view_close(struct cgroup_view *view)
{
	if (!view)
		return;
	for (size_t i = 0; i < view->n; i++) {
		free(view->parts[i].name);
		free(view->parts[i].options);
		cleanup_fd(&view->parts[i].bind);
	}
	free(view->parts);
	free(view);
}

/* A detached mount of a new instance of a file system. */
static int new_mount(const char *type, const char *mode, unsigned attr)
{
	_cleanup_fd_ int fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	int mnt;

	if (fs < 0 ||
	    (mode &&
	     sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode) < 0) ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return fail(errno, "open a %s", type);
	mnt = sys_fsmount(fs, FSMOUNT_CLOEXEC, attr);
	return mnt < 0 ? fail(errno, "mount a %s", type) : mnt;
}

static int show_bind(const struct view_part *p, int target, unsigned attr)
{
	struct mount_attr a = {.attr_set = attr};

	if (sys_mount_setattr(p->bind, 0, &a) < 0 ||
	    sys_move_mount(p->bind, target) < 0)
		return fail(errno, "attach cgroup %s", p->name);
	return 0;
}

static int show_v2(const struct view_part *p, int target, unsigned attr)
{
	_cleanup_fd_ int mnt = -1;

	if (p->bind >= 0)
		return show_bind(p, target, attr);
	mnt = new_mount("cgroup2", NULL, attr);
	if (mnt < 0)
		return mnt;
	if (sys_move_mount(mnt, target) < 0)
		return fail(errno, "attach cgroup2");
	return 0;
}

/* MOUNT_ATTR_* as the flags of mount(2). */
static unsigned long mount_flags(unsigned attr)
{
	return (attr & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0) |
	       (attr & MOUNT_ATTR_NOSUID ? MS_NOSUID : 0) |
	       (attr & MOUNT_ATTR_NODEV ? MS_NODEV : 0) |
	       (attr & MOUNT_ATTR_NOEXEC ? MS_NOEXEC : 0);
}

/*
 * The working directory is the root of our own new tmpfs: nobody else has
 * been in there, so that a name is as good as an fd, at a third of the calls.
 */
static int show_v1(const struct view_part *p, unsigned attr)
{
	if (mkdir(p->name, 0755) < 0)
		return fail(errno, "make %s", p->name);
	if (p->bind >= 0) {
		_cleanup_fd_ int at =
			open(p->name, O_PATH | O_DIRECTORY | O_CLOEXEC);

		return at < 0 ? fail(errno, "open %s", p->name)
			      : show_bind(p, at, attr);
	}
	if (sys_mount("cgroup", p->name, p->options ? "cgroup" : "cgroup2",
		      mount_flags(attr), p->options) < 0)
		return fail(errno, "mount cgroup %s", p->name);
	return 0;
}

/* cpu → cpu,cpuacct: each controller under its own name. */
static int link_names(const struct view_part *p)
{
	_cleanup_free_ char *copy = strdup(p->name);
	char *save;

	if (!copy)
		return fail(ENOMEM, "cgroup");
	if (!strchr(copy, ','))
		return 0;
	for (char *c = strtok_r(copy, ",", &save); c;
	     c = strtok_r(NULL, ",", &save))
		if (symlink(p->name, c) < 0 && errno != EEXIST)
			return fail(errno, "link cgroup %s", c);
	return 0;
}

static int show_all_v1(const struct cgroup_view *view, int target,
		       unsigned attr)
{
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_fd_ int tmpfs = new_mount(
		"tmpfs", "0755", attr & ~(unsigned)MOUNT_ATTR_RDONLY);
	int r = 0;

	if (tmpfs < 0)
		return tmpfs;
	if (sys_move_mount(tmpfs, target) < 0 || fchdir(tmpfs) < 0)
		return fail(errno, "attach a tmpfs");
	for (size_t i = 0; r == 0 && i < view->n; i++) {
		r = show_v1(&view->parts[i], attr);
		if (r == 0)
			r = link_names(&view->parts[i]);
	}
	if (chdir("/") < 0 && r == 0)
		r = fail(errno, "enter /");
	if (r == 0 && (attr & MOUNT_ATTR_RDONLY) &&
	    sys_mount_setattr(tmpfs, 0, &ro) < 0)
		r = fail(errno, "make the tmpfs read-only");
	return r;
}

int cgroup_view_mount(const struct cgroup_view *view, int target,
		      unsigned attr)
{
	if (view->mode == CGROUP_V1)
		return show_all_v1(view, target, attr);
	return view->n ? show_v2(&view->parts[0], target, attr) : 0;
}
