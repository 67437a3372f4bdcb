/* SPDX-License-Identifier: MIT */
/* The mounts of config.json: sources cloned by the parent, attached by the child. */
#include "isolate/mount.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "isolate/isolate.h"
#include "isolate/mount_copyup.h"
#include "isolate/mount_idmap.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/path.h"

/* Flags of the superblock, and the words fsconfig(2) has for them. */
static const struct {
	unsigned long flag;
	const char *word;
} sb_words[] = {
	{MS_RDONLY, "ro"},	  {MS_SYNCHRONOUS, "sync"},
	{MS_DIRSYNC, "dirsync"},  {MS_LAZYTIME, "lazytime"},
	{MS_MANDLOCK, "mand"},
};

/* -- Attributes ----------------------------------------------------------- */

static int set_attr(int mnt, uint64_t set, uint64_t clear, unsigned flags)
{
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear};

	if (!set && !clear)
		return 0;
	/* An access time mode is replaced as a whole. */
	if ((set & MOUNT_ATTR__ATIME) || (clear & MOUNT_ATTR__ATIME))
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	return sys_mount_setattr(mnt, flags, &attr) < 0
		       ? fail(errno, "set mount attributes")
		       : 0;
}

static int set_attrs(int mnt, const struct spec_mount *m)
{
	int r = set_attr(mnt, m->rec_attr_set, m->rec_attr_clear, AT_RECURSIVE);

	return r < 0 ? r : set_attr(mnt, m->attr_set, m->attr_clear, 0);
}

static int set_propagation(int mnt, unsigned long flags)
{
	struct mount_attr attr = {.propagation = flags & ~(unsigned long)MS_REC};

	if (sys_mount_setattr(mnt, flags & MS_REC ? AT_RECURSIVE : 0, &attr) <
	    0)
		return fail(errno, "set propagation");
	return 0;
}

static int set_propagations(int mnt, const struct spec_mount *m)
{
	for (size_t i = 0; i < m->n_propagation; i++) {
		int r = set_propagation(mnt, m->propagation[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* -- Sources -------------------------------------------------------------- */

static int clone_source(const struct spec_mount *m)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
			 (m->recursive ? AT_RECURSIVE : 0);
	int fd = sys_open_tree(AT_FDCWD, m->source, flags);

	return fd < 0 ? fail(errno, "open %s", m->source) : fd;
}

/* An ordinary user may not mount here; the child may, in its namespaces. */
static bool is_left_to_child(int r)
{
	return r == -EPERM && geteuid() != 0;
}

static int open_source(const struct spec *spec, const struct spec_mount *m,
		       struct mount_source *src)
{
	struct stat st;
	int r = src->fd = clone_source(m);

	if (r < 0)
		return is_left_to_child(r) ? 0 : r;
	if (fstat(src->fd, &st) < 0)
		return fail(errno, "stat %s", m->source);
	src->is_dir = S_ISDIR(st.st_mode);
	r = set_attrs(src->fd, m);
	return r < 0 || !m->id_mapped ? r
				      : mount_idmap(src->fd, m, &spec->linux_);
}

int mount_sources_open(const struct spec *spec, struct mount_source *sources)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		sources[i].fd = -1;
	for (size_t i = 0; i < spec->n_mounts; i++) {
		const struct spec_mount *m = &spec->mounts[i];
		int r = m->kind == SPEC_MOUNT_BIND
				? open_source(spec, m, &sources[i])
				: 0;

		if (r < 0)
			return fail_in(r, "mount %s on %s", m->source,
				       m->destination);
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

/* Whether path is dir or lies below it; both as in config.json. */
static bool is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	path += strspn(path, "/");
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

/* lxcfs and its like put their own over these; nothing else below /proc. */
static bool may_cover_in_proc(const char *path)
{
	static const char *const allowed[] = {
		"proc",		"proc/cpuinfo", "proc/diskstats",
		"proc/meminfo", "proc/stat",	"proc/swaps",
		"proc/uptime",	"proc/loadavg", "proc/slabinfo",
		"proc/sys/kernel/ns_last_pid",	"proc/sys/crypto/fips_enabled",
	};

	path += strspn(path, "/");
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		if (strcmp(path, allowed[i]) == 0)
			return true;
	return false;
}

/*
 * Opens where m goes, made when missing. What is in /proc and /sys decides
 * over the host: no link may stand on the way to them (CVE-2019-19921).
 */
static int open_target(const struct spec_mount *m, int root, bool is_dir)
{
	const char *path = m->destination;
	bool strict = is_below(path, "proc") || is_below(path, "sys") ||
		      m->kind == SPEC_MOUNT_CGROUP;
	int fd;

	if (strict) {
		fd = path_open_nolinks(root, path, O_PATH);
		if (fd == -ELOOP)
			return fail_plain(ELOOP, "a symbolic link is in the "
						 "way");
		if (fd >= 0 || fd != -ENOENT)
			return fd < 0 ? fail(-fd, "open it") : fd;
	}
	return is_dir ? path_mkdir_in(root, path, 0755)
		      : path_mkfile_in(root, path);
}

/* -- File systems --------------------------------------------------------- */

/* The kernel's own words about the last fsconfig(2), when it has some. */
static int fs_fail(int fs, int err, const char *what, const char *value)
{
	char log[256];
	ssize_t n = read(fs, log, sizeof(log) - 1);

	if (n > 2 && (log[0] == 'e' || log[0] == 'w')) {
		log[n] = '\0';
		log[strcspn(log, "\n")] = '\0';
		return fail(err, "%s%s%s: %s", what, value ? "=" : "",
			    value ? value : "", log + 2);
	}
	return fail(err, "%s%s%s", what, value ? "=" : "", value ? value : "");
}

static int configure(int fs, const struct spec_mount *m)
{
	if (*m->source &&
	    sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", m->source) < 0)
		return fs_fail(fs, errno, "source", m->source);
	for (size_t i = 0; i < ARRAY_SIZE(sb_words); i++)
		if ((m->sb_flags & sb_words[i].flag) &&
		    sys_fsconfig(fs, FSCONFIG_SET_FLAG, sb_words[i].word,
				 NULL) < 0)
			return fs_fail(fs, errno, sb_words[i].word, NULL);
	for (size_t i = 0; i < m->n_options; i++) {
		const struct spec_fs_option *o = &m->options[i];
		unsigned cmd = o->value ? FSCONFIG_SET_STRING
					: FSCONFIG_SET_FLAG;

		if (sys_fsconfig(fs, cmd, o->key, o->value) < 0)
			return fs_fail(fs, errno, o->key, o->value);
	}
	return 0;
}

static int set_label(int fs, const struct spec_mount *m, const char *label)
{
	static const char *const without[] = {"proc", "sysfs", "mqueue"};

	if (!label || !*label)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		if (strcmp(m->type, without[i]) == 0)
			return 0;
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "context", label) < 0)
		return fs_fail(fs, errno, "context", label);
	return 0;
}

/* A detached mount of a new file system. Returns its fd or -errno. */
static int make_fs(const struct spec_mount *m, const char *label)
{
	uint64_t attr = m->attr_set | m->rec_attr_set;
	_cleanup_fd_ int fs = sys_fsopen(m->type, FSOPEN_CLOEXEC);
	int r;

	if (fs < 0)
		return errno == ENODEV ? fail_plain(ENODEV,
						    "the kernel knows no file "
						    "system \"%s\"",
						    m->type)
				       : fail(errno, "open file system");
	r = configure(fs, m);
	if (r == 0)
		r = set_label(fs, m, label);
	if (r < 0)
		return r;
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return fs_fail(fs, errno, "create", NULL);

	int mnt = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attr);

	return mnt < 0 ? fs_fail(fs, errno, "fsmount", NULL) : mnt;
}

static int mount_fs(const struct isolate *iso, const struct spec_mount *m,
		    int root)
{
	const struct spec_linux *l = &iso->spec->linux_;
	_cleanup_fd_ int target = open_target(m, root, true);
	_cleanup_fd_ int mnt = -1;
	int r = 0;

	if (target < 0)
		return target;
	mnt = make_fs(m, l->mount_label);
	if (mnt < 0)
		return mnt;
	if (m->id_mapped)
		r = mount_idmap(mnt, m, l);
	if (r == 0 && m->copy_up)
		r = mount_copy_up(target, mnt);
	if (r < 0)
		return r;
	if (sys_move_mount(mnt, target) < 0)
		return fail(errno, "attach it");
	return set_propagations(mnt, m);
}

/* -- The other kinds ------------------------------------------------------ */

static int is_procfs(int fd)
{
	return path_is_on(fd, 0x9fa0 /* PROC_SUPER_MAGIC */);
}

static int check_cover(const struct spec_mount *m, int source)
{
	const char *path = m->destination;

	if (!is_below(path, "proc") ||
	    (may_cover_in_proc(path) &&
	     (strcmp(path + strspn(path, "/"), "proc") != 0 ||
	      is_procfs(source))))
		return 0;
	return fail_plain(EPERM, "only some files below /proc may be covered");
}

/*
 * The parent cloned the source out of the host's namespace, before the cut:
 * the clone is cut here, unless the spec wants its mounts to be seen there.
 */
static int cut(const struct isolate *iso, int mnt)
{
	unsigned long wanted = iso->spec->linux_.rootfs_propagation;

	if (wanted & MS_SHARED)
		return 0;
	return set_propagation(mnt, MS_REC | (wanted & MS_PRIVATE
						      ? MS_PRIVATE
						      : MS_SLAVE));
}

static int mount_bind(const struct isolate *iso, size_t i, int root)
{
	const struct spec_mount *m = &iso->spec->mounts[i];
	struct mount_source src = iso->sources[i];
	_cleanup_fd_ int own = -1, target = -1;
	int r;

	if (src.fd < 0) {
		struct mount_source late = {.fd = -1};

		r = open_source(iso->spec, m, &late);
		own = late.fd;
		if (r < 0)
			return r;
		src = late;
	}
	r = check_cover(m, src.fd);
	if (r == 0)
		r = cut(iso, src.fd);
	if (r < 0)
		return r;
	target = open_target(m, root, src.is_dir);
	if (target < 0)
		return target;
	if (sys_move_mount(src.fd, target) < 0)
		return fail(errno, "attach it");
	return set_propagations(src.fd, m);
}

static int mount_cgroup(const struct isolate *iso, const struct spec_mount *m,
			int root)
{
	if (!iso->cgroup_view)
		return 0; /* a container without a cgroup */

	_cleanup_fd_ int target = open_target(m, root, true);

	if (target < 0)
		return target;
	return cgroup_view_mount(iso->cgroup_view, target,
				 (unsigned)(m->attr_set | m->rec_attr_set));
}

static int change_attrs(const struct spec_mount *m, int root)
{
	_cleanup_fd_ int target = path_open_in(root, m->destination, O_PATH);
	int r;

	if (target < 0)
		return fail(-target, "open it");
	r = set_attrs(target, m);
	return r < 0 ? r : set_propagations(target, m);
}

static int mount_one(const struct isolate *iso, size_t i, int root)
{
	const struct spec_mount *m = &iso->spec->mounts[i];

	switch (m->kind) {
	case SPEC_MOUNT_FS: return mount_fs(iso, m, root);
	case SPEC_MOUNT_BIND: return mount_bind(iso, i, root);
	case SPEC_MOUNT_CGROUP: return mount_cgroup(iso, m, root);
	case SPEC_MOUNT_ATTRS: return change_attrs(m, root);
	}
	return fail_plain(EINVAL, "unknown kind of mount");
}

int mount_all(const struct isolate *iso, int root)
{
	for (size_t i = 0; i < iso->spec->n_mounts; i++) {
		const struct spec_mount *m = &iso->spec->mounts[i];
		int r = mount_one(iso, i, root);

		if (r < 0)
			return fail_in(r, "mount %s on %s",
				       *m->source ? m->source : m->type,
				       m->destination);
	}
	return 0;
}
