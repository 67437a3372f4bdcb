/* SPDX-License-Identifier: MIT */
/* New file systems, made detached by fsopen(2). */
#include "isolate/mount_fs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "isolate/isolate.h"
#include "isolate/mount_copyup.h"
#include "isolate/procfs.h"
#include "isolate/scratch.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "oci/spec.h"

#define FS_VALUE_MAX 255 /* bytes of a value that fsconfig(2) takes */

/* Flags of the superblock, and the words that fsconfig(2) has for them. */
static const struct {
	unsigned long flag;
	const char *word;
} sb_words[] = {
	{MS_RDONLY, "ro"},       {MS_SYNCHRONOUS, "sync"},
	{MS_DIRSYNC, "dirsync"}, {MS_LAZYTIME, "lazytime"},
	{MS_MANDLOCK, "mand"},   {MS_I_VERSION, "iversion"},
};

/*
 * The context's log holds the kernel's own words about what failed, one
 * message for each read(2): "e fsname: text". Records text, returns -err.
 */
static int fs_fail(int fs, int err, const char *what)
{
	char line[512];
	ssize_t n = read(fs, line, sizeof(line) - 1);
	int r = fail(err, "%s", what);

	if (n > 2) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		fail_hint(r, "%s", line + 2);
	}
	return r;
}

static int fs_option(int fs, const char *key, const char *value)
{
	unsigned cmd = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
	char what[512];
	int r;

	if (sys_fsconfig(fs, cmd, key, value) == 0)
		return 0;
	r = -errno;
	snprintf(what, sizeof(what), "option \"%s%s%s\"", key, value ? "=" : "",
		 value ? value : "");
	r = fs_fail(fs, -r, what);
	if (value && strlen(value) > FS_VALUE_MAX)
		fail_hint(r, "longer than %d bytes", FS_VALUE_MAX);
	return r;
}

/*
 * Copies one layer of an overlay's list, its "\:" and "\\" made plain, and
 * returns what follows: the separator, or the end. NULL: it is too long.
 */
static const char *next_layer(char layer[static FS_VALUE_MAX + 1],
			      const char *list)
{
	size_t len = 0;

	for (; *list && *list != ':'; list++) {
		if (*list == '\\' && list[1])
			list++;
		if (len == FS_VALUE_MAX)
			return NULL;
		layer[len++] = *list;
	}
	layer[len] = '\0';
	return list;
}

/*
 * The layers of an overlay one by one: the whole list is often longer than a
 * value may be. "::" is before each layer that holds data alone. A kernel
 * older than 6.5 refuses the key, and its words for it are in the error.
 */
static int fs_layers(int fs, const char *list)
{
	char layer[FS_VALUE_MAX + 1];
	const char *key = "lowerdir+";
	int r;

	for (;;) {
		list = next_layer(layer, list);
		if (!list)
			return fail_plain(ENAMETOOLONG,
					  "a layer of \"lowerdir\" is longer "
					  "than %d bytes",
					  FS_VALUE_MAX);
		r = fs_option(fs, key, layer);
		if (r < 0 || !*list)
			return r;
		key = list[1] == ':' ? "datadir+" : "lowerdir+";
		list += list[1] == ':' ? 2 : 1;
	}
}

static bool is_long_list(const struct spec_mount *m,
			 const struct spec_fs_option *o)
{
	return o->value && strlen(o->value) > FS_VALUE_MAX &&
	       strcmp(m->type, "overlay") == 0 &&
	       strcmp(o->key, "lowerdir") == 0;
}

static int fs_options(int fs, const struct spec_mount *m, unsigned long sb)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sb_words); i++)
		if (sb & sb_words[i].flag)
			r = fs_option(fs, sb_words[i].word, NULL);
	for (size_t i = 0; r == 0 && i < m->n_options; i++) {
		const struct spec_fs_option *o = &m->options[i];

		r = is_long_list(m, o) ? fs_layers(fs, o->value)
				       : fs_option(fs, o->key, o->value);
	}
	return r;
}

static bool has_selinux(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 &&
	       (uint64_t)fs.f_type == SELINUX_MAGIC;
}

static int fs_label(int fs, const struct spec_mount *m, const char *label)
{
	/* These are labelled by the policy alone. */
	static const char *const without[] = {"proc", "sysfs", "mqueue",
					      "cgroup", "cgroup2"};

	if (!label || !*label)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(without); i++)
		if (strcmp(m->type, without[i]) == 0)
			return 0;
	return has_selinux() ? fs_option(fs, "context", label) : 0;
}

static bool has_option(const struct spec_mount *m, const char *key)
{
	for (size_t i = 0; i < m->n_options; i++)
		if (strcmp(m->options[i].key, key) == 0)
			return true;
	return false;
}

/* Sets an option to a number, unless the spec has its own for it. */
static int fs_default(int fs, const struct spec_mount *m, const char *key,
		      const char *format, unsigned value)
{
	char text[16];

	if (has_option(m, key))
		return 0;
	snprintf(text, sizeof(text), format, value);
	return fs_option(fs, key, text);
}

/*
 * A tmpfs on a directory looks like the directory: /tmp stays 1777. When it
 * also gets the contents, it has the owner.
 */
static int fs_inherit(int fs, const struct spec_mount *m, int target)
{
	struct stat st;
	int r;

	if (!m->copy_up && has_option(m, "mode"))
		return 0;
	if (fstat(target, &st) < 0)
		return fail(errno, "stat the directory below");
	r = fs_default(fs, m, "mode", "%04o", st.st_mode & 07777);
	if (r == 0 && m->copy_up)
		r = fs_default(fs, m, "uid", "%u", st.st_uid);
	if (r == 0 && m->copy_up)
		r = fs_default(fs, m, "gid", "%u", st.st_gid);
	return r;
}

/* Fills the still writable mnt, then makes it as read-only as m wants it. */
static int fill(const struct spec_mount *m, int target, int mnt)
{
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	int r = mount_copy_up(target, mnt);

	if (r < 0)
		return fail_in(r, "copy what is below");
	if (!((m->attr_set | m->rec_attr_set) & MOUNT_ATTR_RDONLY) &&
	    !(m->sb_flags & MS_RDONLY))
		return 0;
	if (sys_mount_setattr(mnt, 0, &ro) < 0)
		return fail(errno, "make it read-only");
	return 0;
}

static int configure(int fs, const struct spec_mount *m, const char *label,
		     int target)
{
	unsigned long sb = m->sb_flags;
	int r = *m->source ? fs_option(fs, "source", m->source) : 0;

	if (m->copy_up)
		sb &= ~(unsigned long)MS_RDONLY;
	if (r == 0)
		r = fs_options(fs, m, sb);
	if (r == 0 && strcmp(m->type, "tmpfs") == 0)
		r = fs_inherit(fs, m, target);
	if (r == 0)
		r = fs_label(fs, m, label);
	if (r == 0 && sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		r = fs_fail(fs, errno, "create the file system");
	return r;
}

/* A procfs shows the pid namespace of who opens it. */
static int fs_open(const struct isolate *iso, const char *type)
{
	int pid_ns = iso->ns_fds[SPEC_NS_PID];
	int fs;

	if (pid_ns >= 0 && strcmp(type, "proc") == 0)
		return procfs_open_in(pid_ns);
	fs = sys_fsopen(type, FSOPEN_CLOEXEC);
	if (fs < 0 && errno == ENODEV)
		return fail_plain(ENODEV,
				  "the kernel knows no file system \"%s\"",
				  type);
	return fs < 0 ? fail(errno, "open file system \"%s\"", type) : fs;
}

int mount_fs_create(const struct isolate *iso, const struct spec_mount *m,
		    int target, struct scratch *s)
{
	const char *label = iso->spec->linux_.mount_label;
	uint64_t attr = m->attr_set | m->rec_attr_set;
	int fs = scratch_keep(s, fs_open(iso, m->type));
	int r;

	if (fs < 0)
		return fs;
	r = configure(fs, m, label, target);
	if (r < 0)
		return r;
	if (m->copy_up)
		attr &= ~(uint64_t)MOUNT_ATTR_RDONLY;

	int mnt = scratch_keep(
		s, sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attr));

	if (mnt < 0)
		return fs_fail(fs, errno, "make the mount");
	if (m->copy_up)
		r = fill(m, target, mnt);
	return r < 0 ? r : mnt;
}

int mount_fs_reconfigure(const struct spec_mount *m, int mnt, struct scratch *s)
{
	if (m->n_options == 0 && m->sb_flags == 0)
		return 0;

	int fs = scratch_keep(s, sys_fspick(mnt));

	if (fs < 0)
		return fail(errno, "open the file system");

	int r = fs_options(fs, m, m->sb_flags);

	if (r == 0 &&
	    sys_fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL) < 0)
		r = fs_fail(fs, errno, "reconfigure the file system");
	return r;
}
