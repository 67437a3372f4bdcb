/* SPDX-License-Identifier: MIT */
/* The agent channel's device: found by its name, waited for by kernel events. */
#pragma once

/*
 * Opens the virtio console port called name for reading and writing, not
 * blocking; waits until the kernel has made it. sysfs and devtmpfs are
 * mounted. Returns the fd or -errno with fail() text.
 */
int port_open(const char *name);
