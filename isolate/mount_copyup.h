/* SPDX-License-Identifier: MIT */
/* tmpcopyup: a new tmpfs begins with what it hides. */
#pragma once

/*
 * Copies all below the directory from (O_PATH fd) to the root of the detached
 * mount to: regular files, directories, links and special files, with mode,
 * owner and times. What is mounted below `from` is not entered; links are
 * copied, never followed. Returns 0 or -errno with fail() text.
 */
int mount_copy_up(int from, int to);
