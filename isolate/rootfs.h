/* SPDX-License-Identifier: MIT */
/* The root file system: propagation, attaching, pivot, read-only. */
#pragma once

struct isolate;
struct spec;

/*
 * Parent, before clone. Clones the tree at path (absolute, a directory) into
 * a detached mount. Returns its fd or -errno with fail() text; -EPERM to a
 * caller who may not mount: iso->rootfs then stays -1, and rootfs_attach()
 * clones the tree in the child's namespaces.
 */
int rootfs_clone(const char *path);

/*
 * Child, first act in the new mount namespace: cuts propagation to the host
 * (rootfsPropagation, else MS_REC | MS_SLAVE; the mount that holds the root
 * is never shared, nor are those of the root's own tree), and attaches
 * iso->rootfs at iso->rootfs_path. Returns an O_PATH fd of the root, which is
 * iso->rootfs itself where there is one, or -errno with fail() text.
 */
int rootfs_attach(const struct isolate *iso);

/*
 * Child, after all mounts and hooks, before any container code: makes the
 * root read-only when asked (on the mount's fd), then makes it "/" by
 * pivot_root(2), or with no_pivot by MS_MOVE and chroot (unmounting or
 * covering the host's /proc and /sys first), and detaches the old root
 * without the host seeing it. Leaves the process in "/". Returns 0 or -errno
 * with fail() text.
 */
int rootfs_enter(const struct isolate *iso, int root);
