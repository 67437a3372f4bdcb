/* SPDX-License-Identifier: MIT */
/* Id-mapped mounts. */
#pragma once

struct spec_linux;
struct spec_mount;

/*
 * Gives the detached mount mnt (with m->id_mapped_recursive all of its tree)
 * the id maps of m; when m has none those of the container's user namespace,
 * made from its mappings or joined by its path. Needs a file system that knows
 * id maps, and CAP_SYS_ADMIN over it. Returns 0 or -errno with fail() text.
 */
int mount_idmap(int mnt, const struct spec_mount *m,
		const struct spec_linux *linux_);
