/* SPDX-License-Identifier: MIT */
/* The container's terminal: a pty of its own devpts. */
#pragma once

#include <stdint.h>

/*
 * Child, after mount_all(): opens a new pty on the devpts that is mounted at
 * /dev/pts below root (checked to be a devpts), sets its size when both
 * numbers are given. The slave comes from TIOCGPTPEER, by no path.
 * Returns 0 with *master and *slave, or -errno with fail() text.
 */
int tty_open(int root, uint16_t height, uint16_t width, int *master,
	     int *slave);

/*
 * Child: slave becomes 0, 1 and 2, and its owner uid. Closes slave.
 * Returns 0 or -errno with fail() text.
 */
int tty_attach(int slave, unsigned uid);

/*
 * Child, leader of a session: the terminal on stdin becomes the controlling
 * one. Needs no privilege. Returns 0 or -errno with fail() text.
 */
int tty_control(void);
