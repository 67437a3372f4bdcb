/* SPDX-License-Identifier: MIT */
/* /dev of a container: default and listed device nodes, links, the console. */
#pragma once

struct isolate;

/*
 * Child, after mount_all(). Makes the default devices (null, zero, full,
 * random, urandom, tty), those of linux.devices, and the links fd, stdin,
 * stdout, stderr, core, ptmx. /dev is opened once beneath root, through no
 * link, and all else happens on that fd; each node is verified by fstat. When
 * the config binds something onto /dev itself nothing is made. In a user
 * namespace, where mknod(2) is refused, the host's nodes are bound instead.
 * Returns 0 or -errno with fail() text that names the device.
 */
int dev_create(const struct isolate *iso, int root);

/*
 * Child, after dev_create(). Binds the terminal slave (an fd of a pty made
 * inside the container's devpts) at /dev/console. Returns 0 or -errno with
 * fail() text.
 */
int dev_bind_console(int root, int slave);
