/* SPDX-License-Identifier: MIT */
/* Paths that never leave a root directory, whatever the root contains. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Every path that leads into a container's root file system goes through
 * these: openat2(2) with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, so that
 * "..", absolute links and links into /proc resolve below root, and what is
 * returned is an fd, not a path that may change its meaning.
 */

/*
 * Opens path below root. flags as for open(2), O_CLOEXEC is added.
 * Returns the fd or -errno; no fail() text (callers name the thing).
 */
int path_open_in(int root, const char *path, int flags);

/* The same, but any symbolic link on the way is refused with -ELOOP. */
int path_open_nolinks(int root, const char *path, int flags);

/*
 * Opens (O_PATH) the directory path below root; parts that are missing are
 * made with mode. Links are followed inside the root. Returns the fd or
 * -errno with fail() text.
 */
int path_mkdir_in(int root, const char *path, mode_t mode);

/* The same, but any symbolic link on the way is refused with -ELOOP. */
int path_mkdir_nolinks(int root, const char *path, mode_t mode);

/*
 * Opens (O_PATH) the file path below root; when missing it is made as an
 * empty regular file, and directories before it as 0755.
 * Returns the fd or -errno with fail() text.
 */
int path_mkfile_in(int root, const char *path);

/*
 * Makes missing directories of a host path (mkdir -p), mode for each.
 * Returns 0 or -errno with fail() text. Not for paths in a rootfs.
 */
int path_mkdirs(const char *path, mode_t mode);

/* True when path has a component "..". */
bool path_has_dotdot(const char *path);

/* True when fd is on a file system with this magic number (statfs(2)). */
bool path_is_on(int fd, uint64_t magic);
