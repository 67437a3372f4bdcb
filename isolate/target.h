/* SPDX-License-Identifier: MIT */
/* Where mounts go: destinations made clean, and opened as fds beneath the root. */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct spec_mount;

/* A destination without "//", "/./", "..", and slashes at its ends. */
struct target_path {
	char text[PATH_MAX]; /* "" is the root itself */
};

/*
 * Cleans a path of config.json by its letters alone; ".." stops at the root.
 * Returns 0 or -ENAMETOOLONG with fail() text.
 */
int target_clean(const char *path, struct target_path *out);

/* Whether p is dir ("proc") or lies below it. */
bool target_is_in(const struct target_path *p, const char *dir);

/* Whether p is exactly path ("proc/cpuinfo"). */
bool target_is(const struct target_path *p, const char *path);

/* Whether m is mounted on /dev itself. */
bool target_is_dev(const struct spec_mount *m);

enum target_want {
	TARGET_EXISTING, /* whatever it is; not made */
	TARGET_DIRECTORY, /* made, with those above it, when missing */
	TARGET_FILE, /* made as an empty file when missing */
};

/*
 * Opens p beneath root as an fd to mount on. no_links: any symbolic link in
 * the way is an error; otherwise links are followed inside the root, but not
 * into a procfs. p is written to, but has its text back on return. Modes are
 * 0755 and 0644, less the umask. Returns the fd (O_PATH) or -errno with fail()
 * text.
 */
int target_open(int root, struct target_path *p, enum target_want want,
		bool no_links);
