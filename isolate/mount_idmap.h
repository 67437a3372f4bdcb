/* SPDX-License-Identifier: MIT */
/* Id-mapped mounts. */
#pragma once

struct spec_linux;
struct spec_mount;

/*
 * Gives the detached mount mnt (its tree, with m->id_mapped_recursive) the id
 * maps of m, or those of the container's user namespace when m has none.
 * Needs a file system that knows id maps and CAP_SYS_ADMIN over it.
 * Returns 0 or -errno with fail() text.
 */
int mount_idmap(int mnt, const struct spec_mount *m,
		const struct spec_linux *linux_);
