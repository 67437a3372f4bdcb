/* SPDX-License-Identifier: MIT */
/* uid and gid maps of a user namespace. */
#pragma once

#include <sys/types.h>

#include "oci/spec.h"

/*
 * Parent: writes the maps of the child pid, which waits. Directly when
 * privileged, else with newuidmap(1) and newgidmap(1), or the plain one-line
 * map of the own ids (setgroups denied). proc: O_PATH fd of a procfs.
 * Returns 0 or -errno with fail() text.
 */
int idmap_write(int proc, pid_t pid, const struct spec_linux *linux_);
