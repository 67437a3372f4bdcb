/* SPDX-License-Identifier: MIT */
/* The guest's first steps: file systems, kernel modules, cgroups. */
#pragma once

#define GUEST_RUN	"/run/bulkhead"
#define GUEST_SHARE	GUEST_RUN "/share" /* the host's directory */
#define GUEST_SHARE_TAG "bulkhead"

/*
 * Makes a bare kernel fit for containers: mounts proc, sysfs, devtmpfs,
 * devpts, cgroup2 and a tmpfs on /run, loads the modules of /modules in the
 * order of their names, and gives all cgroup controllers to children.
 * PID 1, once. Returns 0 or -errno with fail() text.
 */
int guest_boot(void);

/*
 * Mounts the host's directory at GUEST_SHARE: virtio-fs by its tag.
 * PID 1, after guest_boot(). Returns 0 or -errno with fail() text.
 */
int guest_mount_share(void);
