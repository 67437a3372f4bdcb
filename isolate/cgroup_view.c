/* SPDX-License-Identifier: MIT */
/* The control groups as a container sees them: mounts of type cgroup. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

/* One hierarchy of the view. */
struct view_part {
	const char *label;    /* name of its directory */
	const char *options;  /* for mount(2); NULL: cgroup2 */
	unsigned controllers; /* v1: to be linked to label */
	int own; /* detached clone of the container's own directory; -1: there
		    is a cgroup namespace, which makes it the root */
};

struct cgroup_view {
	struct arena arena; /* owns parts and strings */
	bool is_v2;         /* one part, on the target itself */
	struct view_part *parts;
	size_t n_parts;
};

/* -- Parent --------------------------------------------------------------- */

/* What mount(2) wants to hear for the hierarchy; NULL: out of memory. */
static const char *mount_options(struct arena *a, const struct hierarchy *h)
{
	struct buf b = {};

	if (h->name)
		buf_printf(&b, "none,name=%s", h->name);
	for (int i = 0; !h->name && i < CGROUP_CONTROLLERS; i++)
		if (h->controllers & 1U << i)
			buf_printf(&b, "%s%s", b.len ? "," : "",
				   cgroup_v1_name(i));

	const char *options = b.failed ? NULL : arena_strdup(a, buf_str(&b));

	buf_fini(&b);
	return options;
}

static int add_part(struct cgroup_view *v, const struct hierarchy *h,
		    bool is_v1, bool has_ns)
{
	struct view_part *p = &v->parts[v->n_parts++];

	p->own = -1;
	p->controllers = h->controllers;
	p->label = arena_strdup(&v->arena, h->label);
	p->options = is_v1 ? mount_options(&v->arena, h) : NULL;
	if (!p->label || (is_v1 && !p->options))
		return fail(ENOMEM, "view");
	if (has_ns)
		return 0;
	p->own = sys_open_tree(h->root, h->dir,
			       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return p->own < 0 ? fail(errno, "view: clone %s", h->dir) : 0;
}

int cgroup_view_open(const struct cgroup *cg, bool has_cgroup_ns,
		     struct cgroup_view **out)
{
	struct cgroup_view *v = calloc(1, sizeof(*v));
	int r = 0;

	if (!v)
		return fail(ENOMEM, "view");
	v->is_v2 = cg->mode == CGROUP_V2;
	v->parts = arena_array(&v->arena, cg->n_v1 + 1, sizeof(*v->parts));
	if (!v->parts)
		r = fail(ENOMEM, "view");
	for (size_t i = 0; r == 0 && i < cg->n_v1; i++)
		r = add_part(v, &cg->v1[i], true, has_cgroup_ns);
	/* A v2 hierarchy that is mounted nowhere is not shown either. */
	if (r == 0 && cg->v2.dir && cg->v2_root < 0)
		r = add_part(v, &cg->v2, false, has_cgroup_ns);
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
	for (size_t i = 0; i < view->n_parts; i++)
		cleanup_fd(&view->parts[i].own);
	arena_fini(&view->arena);
	free(view);
}

/* -- Child ---------------------------------------------------------------- */

/* A detached mount of a file system; fd or -errno with text. */
static int new_mount(const char *type, const char *mode, unsigned attr)
{
	_cleanup_fd_ int fs = sys_fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0 ||
	    (mode && sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode) < 0) ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return fail(errno, "view: new %s", type);

	int fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, attr);
	return fd < 0 ? fail(errno, "view: new %s", type) : fd;
}

static int attach(int mount, int target, const char *what)
{
	if (sys_move_mount(mount, target) < 0)
		return fail(errno, "view: mount %s", what);
	return 0;
}

/* Puts the container's own directory on target. */
static int attach_own(const struct view_part *p, int target, unsigned attr)
{
	struct mount_attr a = {.attr_set = attr};

	if (sys_mount_setattr(p->own, 0, &a) < 0)
		return fail(errno, "view: attributes of %s", p->label);
	return attach(p->own, target, p->label);
}

static int mount_v2(const struct view_part *p, int target, unsigned attr)
{
	if (p->own >= 0)
		return attach_own(p, target, attr);

	_cleanup_fd_ int mount = new_mount("cgroup2", NULL, attr);
	return mount < 0 ? mount : attach(mount, target, "cgroup2");
}

/* MOUNT_ATTR_* as the flags of mount(2), whose default is relatime. */
static unsigned long mount_flags(unsigned attr)
{
	unsigned atime = attr & MOUNT_ATTR__ATIME;

	return (attr & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0) |
	       (attr & MOUNT_ATTR_NOSUID ? MS_NOSUID : 0) |
	       (attr & MOUNT_ATTR_NODEV ? MS_NODEV : 0) |
	       (attr & MOUNT_ATTR_NOEXEC ? MS_NOEXEC : 0) |
	       (attr & MOUNT_ATTR_NODIRATIME ? MS_NODIRATIME : 0) |
	       (attr & MOUNT_ATTR_NOSYMFOLLOW ? MS_NOSYMFOLLOW : 0) |
	       (atime == MOUNT_ATTR_NOATIME ? MS_NOATIME : 0) |
	       (atime == MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME : 0);
}

/*
 * The working directory is the root of the new tmpfs, which nobody else has
 * been in: names are safe here, and cost a third of the calls of fds.
 */
static int mount_part(const struct view_part *p, unsigned attr)
{
	if (mkdirat(AT_FDCWD, p->label, 0755) < 0)
		return fail(errno, "view: mkdir %s", p->label);
	if (p->own >= 0) {
		_cleanup_fd_ int at = openat(AT_FDCWD, p->label,
					     O_PATH | O_DIRECTORY | O_CLOEXEC);

		return at < 0 ? fail(errno, "view: open %s", p->label)
			      : attach_own(p, at, attr);
	}
	if (sys_mount("cgroup", p->label, p->options ? "cgroup" : "cgroup2",
		      mount_flags(attr), p->options) < 0)
		return fail(errno, "view: mount %s", p->label);
	return 0;
}

/* cpu → cpu,cpuacct: a controller is found by its own name. */
static int link_controllers(const struct view_part *p)
{
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *name = cgroup_v1_name(i);

		if (p->controllers & 1U << i && strcmp(name, p->label) != 0 &&
		    symlinkat(p->label, AT_FDCWD, name) < 0)
			return fail(errno, "view: link %s", name);
	}
	return 0;
}

static int mount_v1(const struct cgroup_view *view, int target, unsigned attr)
{
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_fd_ int tmpfs =
		new_mount("tmpfs", "755", attr & ~(unsigned)MOUNT_ATTR_RDONLY);

	if (tmpfs < 0)
		return tmpfs;

	int r = attach(tmpfs, target, "tmpfs");
	if (r == 0 && fchdir(tmpfs) < 0)
		r = fail(errno, "view: enter the tmpfs");
	for (size_t i = 0; r == 0 && i < view->n_parts; i++) {
		r = mount_part(&view->parts[i], attr);
		if (r == 0)
			r = link_controllers(&view->parts[i]);
	}
	if (r == 0 && chdir("/") < 0)
		r = fail(errno, "view: enter /");
	if (r == 0 && attr & MOUNT_ATTR_RDONLY &&
	    sys_mount_setattr(tmpfs, 0, &ro) < 0)
		r = fail(errno, "view: make the tmpfs read-only");
	return r;
}

int cgroup_view_mount(const struct cgroup_view *view, int target, unsigned attr)
{
	if (view->is_v2)
		return mount_v2(&view->parts[0], target, attr);
	return mount_v1(view, target, attr);
}
