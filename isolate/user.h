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
 * Child, before user_apply(). Gives fds 0, 1 and 2 to uid, so that the program
 * can open them again as /dev/stdout: terminals, pipes and sockets. Files and
 * devices that others use stay whose they are. Returns 0 or -errno with text.
 */
int user_own_stdio(uid_t uid);

/*
 * The home directory that /etc/passwd below root gives uid; the file is
 * opened beneath root (fd; AT_FDCWD after pivot means "/"). Returns a malloc'd
 * path, "/" when there is none; NULL when out of memory. Malformed lines are
 * skipped; only whole decimal uids count.
 */
char *user_home(int root, uid_t uid);
