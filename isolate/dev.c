/* SPDX-License-Identifier: MIT */
/* /dev of a container: default and listed device nodes, links, the console. */
#include "isolate/dev.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "isolate/isolate.h"
#include "isolate/scratch.h"
#include "isolate/target.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/path.h"

/* config-linux.md, "Default Devices" */
static const struct spec_device defaults[] = {
	{"/dev/null", S_IFCHR, 1, 3, 0666, 0, 0},
	{"/dev/zero", S_IFCHR, 1, 5, 0666, 0, 0},
	{"/dev/full", S_IFCHR, 1, 7, 0666, 0, 0},
	{"/dev/random", S_IFCHR, 1, 8, 0666, 0, 0},
	{"/dev/urandom", S_IFCHR, 1, 9, 0666, 0, 0},
	{"/dev/tty", S_IFCHR, 5, 0, 0666, 0, 0},
};

/* runtime-linux.md, "Dev symbolic links" */
static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

/* All that dev_create() works on. */
struct making {
	const struct isolate *iso;
	int root, dev;
	bool fresh; /* /dev is a tmpfs that we made: nothing foreign in it */
	bool readonly; /* /dev is to be read-only in the end */
	bool binds; /* mknod(2) is refused here */
	struct scratch scratch;
};

/* Where one node goes. */
struct place {
	int dir;
	const char *name;
	bool fresh;
};

/* -- Nodes ---------------------------------------------------------------- */

static bool is_device(int fd, const struct spec_device *d)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == d->type &&
	       (d->type == S_IFIFO ||
		st.st_rdev == makedev(d->major, d->minor));
}

static int open_node(struct making *w, const struct place *at)
{
	return scratch_keep(
		&w->scratch,
		openat(at->dir, at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

/*
 * Something is there already. The device itself is fine and stays as it is:
 * it may be the host's, bound there by the spec.
 */
static int check_existing(struct making *w, const struct place *at,
			  const struct spec_device *d)
{
	int fd = open_node(w, at);

	if (fd < 0)
		return fail(errno, "open it");
	if (!is_device(fd, d))
		return fail_plain(EEXIST, "it exists and is something else");
	return 0;
}

/* In a user namespace the host's node takes the place of one of our own. */
static int bind_node(struct making *w, const struct place *at,
		     const struct spec_device *d)
{
	int clone = scratch_keep(
		&w->scratch,
		sys_open_tree(AT_FDCWD, d->path,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
	struct stat st;

	if (clone < 0)
		return fail(errno, "open the host's");
	if (!is_device(clone, d))
		return fail_plain(EINVAL, "the host's is another device");

	/* An open file would keep a read-only /dev from becoming so. */
	if (mknodat(at->dir, at->name, S_IFREG | 0666, 0) < 0 &&
	    errno != EEXIST)
		return fail(errno, "make a file for the host's");

	int target = open_node(w, at);

	if (target >= 0 && is_device(target, d))
		return 0;
	if (target >= 0 && (fstat(target, &st) < 0 || !S_ISREG(st.st_mode)))
		return fail_plain(EEXIST, "it exists and is something else");
	if (target < 0 || sys_move_mount(clone, target) < 0)
		return fail(errno, "bind the host's");
	return 0;
}

/* In a directory that is not ours alone it is looked at before it changes. */
static int give_away(struct making *w, const struct place *at,
		     const struct spec_device *d)
{
	int fd;

	if (at->fresh) {
		if ((d->uid || d->gid) &&
		    fchownat(at->dir, at->name, d->uid, d->gid,
			     AT_SYMLINK_NOFOLLOW) < 0)
			return fail(errno, "give it to %u:%u", d->uid, d->gid);
		return 0;
	}
	fd = open_node(w, at);
	if (fd < 0 || !is_device(fd, d))
		return fail_plain(EINVAL, "it was replaced");
	if ((d->uid || d->gid) &&
	    fchownat(fd, "", d->uid, d->gid, AT_EMPTY_PATH) < 0)
		return fail(errno, "give it to %u:%u", d->uid, d->gid);
	return 0;
}

static int make_node(struct making *w, const struct place *at,
		     const struct spec_device *d)
{
	dev_t number = d->type == S_IFIFO ? 0 : makedev(d->major, d->minor);

	if (w->binds && d->type != S_IFIFO)
		return bind_node(w, at, d);
	if (mknodat(at->dir, at->name, d->type | d->mode, number) == 0)
		return give_away(w, at, d);
	if (errno == EEXIST)
		return check_existing(w, at, d);
	if (errno != EPERM)
		return fail(errno, "make it");
	w->binds = true;
	return bind_node(w, at, d);
}

/* Splits p in place into its directory, which is opened, and its name. */
static int open_place(struct making *w, struct target_path *p,
		      struct place *out)
{
	char *name = strrchr(p->text, '/');

	if (!name)
		return fail_plain(EINVAL, "no file of a directory");
	*name++ = '\0';
	*out = (struct place){w->dev, name, w->fresh};
	if (target_is(p, "dev"))
		return 0;
	out->fresh = false;
	out->dir = scratch_keep(
		&w->scratch, target_open(w->root, p, TARGET_DIRECTORY, true));
	return out->dir < 0 ? out->dir : 0;
}

static int make_listed(struct making *w, const struct spec_device *d)
{
	struct target_path path;
	struct place at;
	int r = target_clean(d->path, &path);

	if (r == 0)
		r = open_place(w, &path, &at);
	return r < 0 ? r : make_node(w, &at, d);
}

static int make_nodes(struct making *w, const struct spec_device *devices,
		      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		scratch_reserve(&w->scratch, 4);

		int r = make_listed(w, &devices[i]);

		if (r < 0)
			return fail_in(r, "device %s", devices[i].path);
	}
	return 0;
}

/* -- Links ---------------------------------------------------------------- */

/* What the image has there already, it has for a reason. */
static int make_link(struct making *w, const char *name, const char *target)
{
	if (symlinkat(target, w->dev, name) < 0 && errno != EEXIST)
		return fail(errno, "make link /dev/%s", name);
	return 0;
}

/*
 * The one name that must lead to the container's own devpts: an old link is
 * replaced, and so is what a tmpfs of ours has got from the list of devices.
 * What is mounted there (EBUSY) the spec wants so.
 */
static int make_ptmx(struct making *w)
{
	struct stat st;

	if (symlinkat("pts/ptmx", w->dev, "ptmx") == 0)
		return 0;
	if (errno != EEXIST ||
	    fstatat(w->dev, "ptmx", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(errno, "make link /dev/ptmx");
	if (!w->fresh && !S_ISLNK(st.st_mode))
		return 0;
	if (unlinkat(w->dev, "ptmx", 0) < 0 && errno == EBUSY)
		return 0;
	return make_link(w, "ptmx", "pts/ptmx");
}

static int make_links(struct making *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++)
		r = make_link(w, links[i].name, links[i].target);
	if (r == 0 && faccessat(w->iso->proc, "kcore", F_OK, 0) == 0)
		r = make_link(w, "core", "/proc/kcore");
	return r < 0 ? r : make_ptmx(w);
}

/* -- /dev ----------------------------------------------------------------- */

/* An image may ship /dev as a link to a directory of the host. */
static int open_dev(int root)
{
	return target_open(root, &(struct target_path){"dev"}, TARGET_DIRECTORY,
			   true);
}

/* Opens (O_PATH), or makes, what the terminal is bound on. */
static int open_console(int dev)
{
	int fd;

	if (mknodat(dev, "console", S_IFREG | 0600, 0) < 0 && errno != EEXIST &&
	    errno != EROFS)
		return fail(errno, "make /dev/console");
	fd = path_open_nolinks(dev, "console", O_PATH);
	if (fd == -ELOOP)
		return fail_plain(ELOOP, "/dev/console is a symbolic link");
	return fd < 0 ? fail(-fd, "open /dev/console") : fd;
}

/* What the config mounts on /dev; the last one is what is seen. */
static const struct spec_mount *find_dev_mount(const struct spec *spec)
{
	for (size_t i = spec->n_mounts; i-- > 0;) {
		const struct spec_mount *m = &spec->mounts[i];

		if (m->kind != SPEC_MOUNT_ATTRS && target_is_dev(m))
			return m;
	}
	return NULL;
}

static bool is_readonly(const struct spec_mount *m)
{
	return (m->attr_set | m->rec_attr_set) & MOUNT_ATTR_RDONLY ||
	       m->sb_flags & MS_RDONLY;
}

static bool has_user_ns(const struct spec_linux *l)
{
	return l->new_namespaces & 1u << SPEC_NS_USER ||
	       l->ns_paths[SPEC_NS_USER];
}

/* mount_all() has left a /dev writable that is to be read-only. */
static int finish(struct making *w)
{
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};

	if (!w->readonly)
		return 0;
	if (w->iso->process && w->iso->process->terminal) {
		int fd = scratch_keep(&w->scratch, open_console(w->dev));

		if (fd < 0)
			return fd;
	}
	if (sys_mount_setattr(w->dev, 0, &ro) < 0)
		return fail(errno, "make /dev read-only");
	return 0;
}

static int fill(struct making *w)
{
	const struct spec_linux *l = &w->iso->spec->linux_;
	int r = make_nodes(w, defaults, ARRAY_SIZE(defaults));

	if (r == 0)
		r = make_nodes(w, l->devices, l->n_devices);
	if (r == 0)
		r = make_links(w);
	scratch_reserve(&w->scratch, 1);
	return r < 0 ? r : finish(w);
}

int dev_create(const struct isolate *iso, int root)
{
	const struct spec_mount *m = find_dev_mount(iso->spec);
	struct making w = {
		.iso = iso,
		.root = root,
		.fresh = m && !m->copy_up && strcmp(m->type, "tmpfs") == 0,
		.readonly = m && is_readonly(m),
		.binds = has_user_ns(&iso->spec->linux_),
	};
	mode_t old;
	int r;

	if (m && m->kind == SPEC_MOUNT_BIND)
		return 0;

	_cleanup_fd_ int dev = open_dev(root);

	if (dev < 0)
		return dev;
	w.dev = dev;
	old = umask(0);
	r = fill(&w);
	umask(old);
	scratch_close(&w.scratch);
	return r;
}

int dev_bind_console(int root, int slave)
{
	_cleanup_fd_ int dev = open_dev(root);
	_cleanup_fd_ int target = dev < 0 ? dev : open_console(dev);
	_cleanup_fd_ int clone = -1;

	if (target < 0)
		return target;
	clone = sys_open_tree(
		slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (clone < 0 || sys_move_mount(clone, target) < 0)
		return fail(errno, "bind the terminal on /dev/console");
	return 0;
}
