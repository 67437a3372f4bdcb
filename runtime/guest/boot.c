/* SPDX-License-Identifier: MIT */
/* The guest's first steps: file systems, kernel modules, cgroups. */
#include "runtime/guest/boot.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "isolate/lo.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/path.h"

#define READ_AHEAD_KIB "1024" /* microvm/host/fuse_server.h: FUSE_WRITE_MAX */
#define CONTROLLERS_MAX_BYTES 4096 /* /sys/fs/cgroup/cgroup.controllers */

struct guest_mount {
	const char *type, *target, *options;
	unsigned long flags;
};

#define QUIET (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct guest_mount mounts[] = {
	{"proc", "/proc", NULL, QUIET},
	{"sysfs", "/sys", NULL, QUIET},
	{"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
	{"devpts", "/dev/pts", "mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC},
	{"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
	{"tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV},
	{"cgroup2", "/sys/fs/cgroup", NULL, QUIET},
};

static int mount_one(const struct guest_mount *m)
{
	int r = path_mkdirs(m->target, 0755);

	if (r < 0)
		return r;
	/* The kernel itself may have mounted devtmpfs. */
	if (mount(m->type, m->target, m->type, m->flags, m->options) < 0 &&
	    errno != EBUSY)
		return fail(errno, "mount %s", m->target);
	return 0;
}

/* -- Modules -------------------------------------------------------------- */

static int only_modules(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 3 && strcmp(e->d_name + n - 3, ".ko") == 0;
}

static int load_module(int dir, const char *name)
{
	_cleanup_fd_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(errno, "open module %s", name);
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		return fail(errno, "load module %s", name);
	unlinkat(dir, name, 0); /* it is memory, here */
	return 0;
}

static int load_modules(int dir)
{
	struct dirent **entries;
	int r = 0;

	if (dir < 0)
		return 0; /* a kernel that has all built in */

	int n = scandirat(dir, ".", &entries, only_modules, alphasort);

	if (n < 0)
		return fail(errno, "read /modules");
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = load_module(dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* -- Cgroups -------------------------------------------------------------- */

/* Each controller by itself: one that refuses must not take the others. */
static int enable_controllers(void)
{
	_cleanup_(buf_fini) struct buf have = {};
	_cleanup_fd_ int dir =
		open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *words, *save = NULL;
	int r = dir < 0 ? fail(errno, "open /sys/fs/cgroup")
			: fd_read_file(dir, "cgroup.controllers", &have,
				       CONTROLLERS_MAX_BYTES);

	if (r < 0 || !have.data)
		return r;
	words = have.data;
	for (char *word = strtok_r(words, " \n", &save); word;
	     word = strtok_r(NULL, " \n", &save)) {
		char enable[64];

		snprintf(enable, sizeof(enable), "+%s", word);
		if (fd_write_file(dir, "cgroup.subtree_control", enable) < 0)
			fail_clear();
	}
	return 0;
}

/* -- All of it ------------------------------------------------------------ */

/* pivot_root(2) refuses the kernel's initial file system: leave it. */
static int leave_initramfs(void)
{
	if (mkdir("/root", 0755) < 0 && errno != EEXIST)
		return fail(errno, "make /root");
	if (mount("tmpfs", "/root", "tmpfs", 0, "mode=0755") < 0 ||
	    chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
	    chroot(".") < 0 || chdir("/") < 0)
		return fail(errno, "make a root file system");
	return 0;
}

int guest_boot(void)
{
	_cleanup_fd_ int modules =
		open("/modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = leave_initramfs();

	umask(022);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(mounts); i++)
		r = mount_one(&mounts[i]);
	if (r == 0)
		r = load_modules(modules);
	if (r == 0)
		r = enable_controllers();
	if (r == 0)
		r = lo_up();
	return r < 0 ? r : path_mkdirs(GUEST_SHARE, 0700);
}

/* As much at once as the file server takes: a request costs the guest more
 * than its bytes. It is no failure without. */
static void read_ahead(const char *path)
{
	char file[64];
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	snprintf(file, sizeof(file), "/sys/class/bdi/%u:%u/read_ahead_kb",
		 major(st.st_dev), minor(st.st_dev));
	if (fd_write_file(AT_FDCWD, file, READ_AHEAD_KIB) < 0)
		fail_clear();
}

int guest_mount_share(void)
{
	if (mount(GUEST_SHARE_TAG, GUEST_SHARE, "virtiofs", 0, NULL) < 0)
		return fail(errno, "mount the host's directory");
	read_ahead(GUEST_SHARE);
	return 0;
}
