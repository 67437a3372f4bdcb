/* SPDX-License-Identifier: MIT */
/* --pid-file. */
#pragma once

#include <sys/types.h>

/*
 * Makes path hold pid in digits, without a newline, by a rename: a reader
 * sees a whole number or no file. Returns 0 or -errno with fail() text.
 */
int pidfile_write(const char *path, pid_t pid);
