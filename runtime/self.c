/* SPDX-License-Identifier: MIT */
/* The program protects itself from what runs in containers. */
#include "runtime/self.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

#define SELF  "/proc/self/exe"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/*
 * A program in the container can get at our image through /proc/PID/exe. It
 * then has the mount that we were started from: read-only means for ever,
 * since it cannot remount what is in no namespace of its own. A sealed memfd
 * is recognised by its seals.
 */
static int is_unwritable(void)
{
	struct statvfs fs;
	_cleanup_fd_ int fd = -1;

	if (statvfs(SELF, &fs) == 0 && (fs.f_flag & ST_RDONLY))
		return 1;
	fd = open(SELF, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;

	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int readonly_mount(void)
{
	struct mount_attr ro = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_fd_ int fd = sys_open_tree(
		AT_FDCWD, SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || sys_mount_setattr(fd, 0, &ro) < 0)
		return -errno;
	return take_fd(&fd);
}

static int sealed_copy(void)
{
	_cleanup_fd_ int from = open(SELF, O_RDONLY | O_CLOEXEC);
	_cleanup_fd_ int to =
		memfd_create("bulkhead", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		return fail(errno, "copy %s", SELF);
	for (off_t at = 0; at < st.st_size;)
		if (sendfile(to, from, &at, (size_t)(st.st_size - at)) <= 0)
			return fail(errno, "copy %s", SELF);
	if (fcntl(to, F_ADD_SEALS, SEALS) < 0)
		return fail(errno, "seal the copy of %s", SELF);
	return take_fd(&to);
}

int self_protect(char *const *argv)
{
	if (!is_unwritable()) {
		_cleanup_fd_ int image = readonly_mount();

		if (image < 0)
			image = sealed_copy();
		if (image < 0)
			return image;
		syscall(SYS_execveat, image, "", argv, environ, AT_EMPTY_PATH);
		return fail(errno, "execute a protected copy of the program");
	}
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(errno, "make the process not dumpable");
	return 0;
}

int self_close_fds_on_exec(unsigned first)
{
	if (sys_close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return fail(errno, "mark file descriptors close-on-exec");
	return 0;
}
