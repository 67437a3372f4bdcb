/* SPDX-License-Identifier: MIT */
/* Waiting for a process in the foreground: signals, terminal, exit code. */
#pragma once

#include <signal.h>

struct spawned;

/*
 * owned by: the main thread. Signals are blocked between foreground_begin()
 * and foreground_end(), and arrive through a signalfd.
 */
struct foreground {
	int signals; /* signalfd, or -1: not begun */
	sigset_t old;
};

/* Before the process is cloned. Returns 0 or -errno with fail() text. */
int foreground_begin(struct foreground *f);

/*
 * Waits for the end of child. Signals that reach us go on to it. terminal:
 * the pty master whose other end the process has, or -1; our own terminal is
 * raw meanwhile and follows in size, and is restored before the return.
 * notify: sd_notify socket whose READY=1 is passed on, or -1.
 * Returns the exit code (128 + n after signal n) or -errno with fail() text.
 */
int foreground_wait(struct foreground *f, const struct spawned *child,
		    int terminal, int notify);

/* Puts the signal mask back. Safe when not begun. */
void foreground_end(struct foreground *f);
