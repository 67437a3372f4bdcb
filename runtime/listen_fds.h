/* SPDX-License-Identifier: MIT */
/* fds that go through to the program: --preserve-fds and LISTEN_FDS. */
#pragma once

/*
 * n: what --preserve-fds says. LISTEN_FDS counts when LISTEN_PID is ours.
 * Checks that each of the fds is open. *total: how many go through. Returns
 * 0, or -errno with fail() text naming the hole.
 */
int listen_fds_count(unsigned n, unsigned *total);

/* How many fds LISTEN_FDS hands to us; 0 when it is not for us. */
unsigned listen_fds_given(void);
