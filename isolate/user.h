/* SPDX-License-Identifier: MIT */
/* User, groups, umask and home directory of the process. */
#pragma once

#include "oci/spec.h"

/*
 * Child. Sets supplementary groups, gid and uid (all four of each), in this
 * order. Where a user namespace forbids setgroups(2), an empty list is
 * fine and any other an error. Returns 0 or -errno with fail() text.
 */
int user_apply(const struct spec_user *user);

/*
 * The home directory that /etc/passwd below root gives uid; the file is
 * opened beneath root (fd; AT_FDCWD after pivot means "/"). Returns a malloc'd
 * path, "/" when there is none; NULL when out of memory. Malformed lines are
 * skipped; only whole decimal uids count.
 */
char *user_home(int root, uid_t uid);
