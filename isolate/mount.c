/* SPDX-License-Identifier: MIT */
/* The mounts of config.json: sources cloned by the parent, attached by the child. */
#include "isolate/mount.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>

#include "isolate/cgroup.h"
#include "isolate/isolate.h"
#include "isolate/mount_fs.h"
#include "isolate/mount_idmap.h"
#include "isolate/scratch.h"
#include "isolate/target.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/path.h"

#define PROC_ROOT_INO 1 /* the inode of every procfs's root */

/* -- Attributes ----------------------------------------------------------- */

/* One mount_setattr(2); none when there is nothing to say. */
static int set_attr(int mnt, unsigned flags, struct mount_attr attr)
{
	/* An access time mode is replaced as a whole. */
	if ((attr.attr_set | attr.attr_clr) & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (!attr.attr_set && !attr.attr_clr && !attr.propagation)
		return 0;
	if (sys_mount_setattr(mnt, flags, &attr) < 0)
		return fail(errno, attr.propagation ? "set propagation"
						    : "set attributes");
	return 0;
}

static unsigned recursion(unsigned long propagation)
{
	return propagation & MS_REC ? AT_RECURSIVE : 0;
}

static int set_propagation(int mnt, const struct spec_mount *m, size_t from)
{
	int r = 0;

	for (size_t i = from; r == 0 && i < m->n_propagation; i++)
		r = set_attr(mnt, recursion(m->propagation[i]),
			     (struct mount_attr){
				     .propagation = m->propagation[i] &
						    ~(unsigned long)MS_REC});
	return r;
}

/*
 * The attributes of m on mnt, in as few calls as they allow. first: the
 * propagation set on the whole tree before the spec's own; 0: none.
 */
static int set_attrs(int mnt, const struct spec_mount *m, unsigned long first)
{
	struct mount_attr all = {
		.attr_set = m->rec_attr_set,
		.attr_clr = m->rec_attr_clear,
		.propagation = first,
	};
	struct mount_attr top = {
		.attr_set = m->attr_set,
		.attr_clr = m->attr_clear,
	};
	size_t done = 0;
	int r;

	/* A private mount is cut off from all that came before. */
	if (first && m->n_propagation > 0 &&
	    m->propagation[0] == (MS_REC | MS_PRIVATE)) {
		all.propagation = MS_PRIVATE;
		done = 1;
	}
	r = set_attr(mnt, AT_RECURSIVE, all);
	if (r == 0)
		r = set_attr(mnt, 0, top);
	return r < 0 ? r : set_propagation(mnt, m, done);
}

/*
 * A clone of a shared mount is its peer: what is mounted on one appears on
 * the other. Cut, unless the spec wants its mounts to be seen on the host.
 */
static unsigned long cut_of(const struct spec *spec)
{
	unsigned long wanted = spec->linux_.rootfs_propagation;

	if (wanted & MS_SHARED)
		return 0;
	return wanted & (MS_PRIVATE | MS_UNBINDABLE) ? MS_PRIVATE : MS_SLAVE;
}

/* -- Sources -------------------------------------------------------------- */

static int open_source(const struct spec *spec, const struct spec_mount *m,
		       struct mount_source *src)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
			 (m->recursive ? AT_RECURSIVE : 0);
	_cleanup_fd_ int fd = sys_open_tree(AT_FDCWD, m->source, flags);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(errno, "open source");
	r = set_attrs(fd, m, cut_of(spec));
	if (r == 0 && m->id_mapped)
		r = mount_idmap(fd, m, &spec->linux_);
	if (r < 0)
		return r;
	src->is_dir = S_ISDIR(st.st_mode);
	src->fd = take_fd(&fd);
	return 0;
}

static int in_mount(int r, const struct spec_mount *m)
{
	const char *what =
		m->kind != SPEC_MOUNT_BIND && *m->type ? m->type : m->source;

	return fail_in(r, "mount %s on %s", what, m->destination);
}

int mount_sources_open(const struct spec *spec, struct mount_source *sources)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		sources[i] = (struct mount_source){.fd = -1};
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];

		if (m->kind != SPEC_MOUNT_BIND)
			continue;

		int r = open_source(spec, m, &sources[i]);

		/* Not ours to mount; the child may in its namespaces. */
		if (r == -EPERM && geteuid() != 0)
			continue;
		if (r < 0)
			return in_mount(r, m);
	}
	return 0;
}

void mount_sources_close(struct mount_source *sources, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cleanup_fd(&sources[i].fd);
		sources[i].fd = -1;
	}
}

/* -- Targets -------------------------------------------------------------- */

/* All that mount_all() works on. */
struct mounting {
	const struct isolate *iso;
	int root;
	struct scratch scratch;
	bool has_shared; /* some mount made here is, and what is put on it */
};

static bool is_type(const struct spec_mount *m, const char *type)
{
	return m->kind == SPEC_MOUNT_FS && strcmp(m->type, type) == 0;
}

/*
 * What is below /proc steers the kernel and the labels we set: only files
 * that nothing but programs read may be covered (lxcfs and its like).
 */
static int check_below_proc(const struct target_path *p)
{
	static const char *const allowed[] = {
		"proc/cpuinfo",
		"proc/diskstats",
		"proc/meminfo",
		"proc/stat",
		"proc/swaps",
		"proc/uptime",
		"proc/loadavg",
		"proc/slabinfo",
		"proc/sys/kernel/ns_last_pid",
		"proc/sys/crypto/fips_enabled",
	};

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (target_is(p, allowed[i]))
			return 0;
	return fail_plain(EPERM, "it is inside /proc");
}

/* source: fd of a bind's source, else -1. */
static int check_target(const struct spec_mount *m, const struct target_path *p,
			int source)
{
	struct stat st;

	if (target_is(p, ""))
		return fail_plain(EINVAL, "the root itself cannot be covered");
	if (!target_is_in(p, "proc"))
		return 0;
	if (!target_is(p, "proc"))
		return check_below_proc(p);
	if (is_type(m, "proc") ||
	    (source >= 0 && path_is_on(source, PROC_SUPER_MAGIC) &&
	     fstat(source, &st) == 0 && st.st_ino == PROC_ROOT_INO))
		return 0;
	return fail_plain(EPERM, "only a procfs can be mounted there");
}

/* A link in the image must not lead these away (CVE-2019-19921). */
static bool is_strict(const struct spec_mount *m, const struct target_path *p)
{
	return m->kind == SPEC_MOUNT_CGROUP || is_type(m, "proc") ||
	       is_type(m, "sysfs") || is_type(m, "cgroup2") ||
	       target_is_in(p, "proc") || target_is_in(p, "sys");
}

/* Opens the target of m into the scratch, checked, made when missing. */
static int open_target(struct mounting *w, const struct spec_mount *m,
		       const struct mount_source *src)
{
	enum target_want want =
		src && !src->is_dir ? TARGET_FILE : TARGET_DIRECTORY;
	struct target_path path;
	int r = target_clean(m->destination, &path);

	if (r == 0)
		r = check_target(m, &path, src ? src->fd : -1);
	if (r < 0)
		return r;
	return scratch_keep(&w->scratch, target_open(w->root, &path, want,
						     is_strict(m, &path)));
}

/* -- The four kinds ------------------------------------------------------- */

static bool is_shared(const struct spec_mount *m)
{
	for (size_t i = 0; i < m->n_propagation; i++)
		if (m->propagation[i] & MS_SHARED)
			return true;
	return false;
}

/* Moves mnt onto target. A bind has its propagation set already. */
static int attach(struct mounting *w, const struct spec_mount *m, int mnt,
		  int target)
{
	int r;

	if (sys_move_mount(mnt, target) < 0) {
		r = fail(errno, "attach it");
		return r == -EINVAL
			       ? fail_hint(r, "a directory goes on a "
					      "directory, a file on a file")
			       : r;
	}
	/* What is put on a shared mount becomes shared. */
	if (m->kind == SPEC_MOUNT_FS || w->has_shared) {
		r = set_propagation(mnt, m, 0);
		if (r < 0)
			return r;
	}
	w->has_shared |= is_shared(m);
	return 0;
}

/* A read-only /dev becomes so in dev_create(), once the nodes are in it. */
static struct spec_mount without_readonly(const struct spec_mount *m)
{
	struct spec_mount rw = *m;

	rw.attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	rw.rec_attr_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	rw.sb_flags &= ~(unsigned long)MS_RDONLY;
	return rw;
}

/*
 * A sysfs shows a network namespace, and only who owns that may make one. In
 * the network of someone else the host's is shown, with all that is mounted
 * in it (a part of it alone is locked), and all of it with the flags of m.
 */
static int bind_sysfs(struct mounting *w, const struct spec_mount *m)
{
	struct mount_source src = {.fd = -1};
	struct spec_mount bind = *m;

	bind.source = "/sys";
	bind.recursive = true;
	bind.rec_attr_set |= m->attr_set;
	bind.rec_attr_clear |= m->attr_clear;

	int r = open_source(w->iso->spec, &bind, &src);

	return r < 0 ? r : scratch_keep(&w->scratch, src.fd);
}

static int mount_fs(struct mounting *w, const struct spec_mount *m)
{
	const struct spec_linux *l = &w->iso->spec->linux_;
	int target = open_target(w, m, NULL);
	struct spec_mount rw;
	int r = 0;

	if (target < 0)
		return target;
	if (target_is_dev(m)) {
		rw = without_readonly(m);
		m = &rw;
	}

	int mnt = mount_fs_create(w->iso, m, target, &w->scratch);

	if (mnt == -EPERM && is_type(m, "sysfs"))
		mnt = bind_sysfs(w, m);
	if (mnt < 0)
		return mnt;
	if (m->id_mapped)
		r = mount_idmap(mnt, m, l);
	return r < 0 ? r : attach(w, m, mnt, target);
}

static int mount_bind(struct mounting *w, const struct spec_mount *m,
		      const struct mount_source *given)
{
	struct mount_source src = *given;
	int r = 0;

	if (src.fd < 0) {
		r = open_source(w->iso->spec, m, &src);
		scratch_keep(&w->scratch, src.fd);
	}
	if (r < 0)
		return r;

	int target = open_target(w, m, &src);

	return target < 0 ? target : attach(w, m, src.fd, target);
}

static int mount_cgroup(struct mounting *w, const struct spec_mount *m)
{
	if (!w->iso->cgroup_view)
		return 0; /* a container that has no cgroup */

	int target = open_target(w, m, NULL);

	if (target < 0)
		return target;
	return cgroup_view_mount(w->iso->cgroup_view, target,
				 (unsigned)(m->attr_set | m->rec_attr_set));
}

static int change_attrs(struct mounting *w, const struct spec_mount *m)
{
	struct target_path path;
	int r = target_clean(m->destination, &path);

	if (r < 0)
		return r;

	int mnt = scratch_keep(&w->scratch,
			       target_open(w->root, &path, TARGET_EXISTING,
					   is_strict(m, &path)));

	if (mnt < 0)
		return mnt;
	r = mount_fs_reconfigure(m, mnt, &w->scratch);
	if (r == 0)
		r = set_attrs(mnt, m, 0);
	w->has_shared |= is_shared(m);
	return r;
}

static int mount_one(struct mounting *w, size_t i)
{
	const struct spec_mount *m = &w->iso->spec->mounts[i];

	scratch_reserve(&w->scratch, 4);
	switch (m->kind) {
	case SPEC_MOUNT_FS: return mount_fs(w, m);
	case SPEC_MOUNT_BIND: return mount_bind(w, m, &w->iso->sources[i]);
	case SPEC_MOUNT_CGROUP: return mount_cgroup(w, m);
	case SPEC_MOUNT_ATTRS: return change_attrs(w, m);
	}
	return fail_plain(EINVAL, "unknown kind of mount");
}

int mount_all(const struct isolate *iso, int root)
{
	const struct spec *spec = iso->spec;
	struct mounting w = {
		.iso = iso,
		.root = root,
		.has_shared = spec->linux_.rootfs_propagation & MS_SHARED,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->n_mounts; i++) {
		r = mount_one(&w, i);
		if (r < 0)
			in_mount(r, &spec->mounts[i]);
	}
	scratch_close(&w.scratch);
	return r;
}
