/* SPDX-License-Identifier: MIT */
/* New file systems, made detached by fsopen(2). */
#pragma once

struct isolate;
struct scratch;
struct spec_mount;

/*
 * Child. Makes the file system of m (SPEC_MOUNT_FS) as a detached mount with
 * its options and attributes; linux.mount_label is used where SELinux is on
 * and the file system takes one. A procfs shows the pid namespace that is
 * joined, though we are not there yet. target: O_PATH fd of the
 * directory that will be hidden; a tmpfs without a mode of its own takes over
 * that of target, and with m->copy_up its contents. s has room for two.
 * Returns the mount's fd (in s) or -errno with fail() text that names the
 * option, with the kernel's own words where it has some.
 */
int mount_fs_create(const struct isolate *iso, const struct spec_mount *m,
		    int target, struct scratch *s);

/*
 * Child. Reconfigures the superblock below the open mount mnt as the options
 * and flags of m (SPEC_MOUNT_ATTRS) say; nothing when there are none. s has
 * room for one. Returns 0 or -errno with fail() text as above.
 */
int mount_fs_reconfigure(const struct spec_mount *m, int mnt,
			 struct scratch *s);
