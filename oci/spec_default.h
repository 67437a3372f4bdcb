/* SPDX-License-Identifier: MIT */
/* The config.json that `bulkhead spec` writes. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct buf;

/*
 * Appends a config.json that runs sh in ./rootfs with the usual mounts,
 * namespaces and masked paths. rootless: with a user namespace that maps
 * uid and gid to root, and without what needs more than that.
 */
void spec_default_format(struct buf *b, bool rootless, uid_t uid, gid_t gid);
