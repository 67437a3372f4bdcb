/* SPDX-License-Identifier: MIT */
/* Waiting for a process in the foreground: signals, terminal, exit code. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

struct spawned;

/*
 * owned by: the main thread. Signals are blocked between foreground_begin()
 * and foreground_end(), and arrive through a signalfd.
 */
struct foreground {
	int signals; /* signalfd, or -1: not begun */
	sigset_t old;
	bool raw; /* our terminal is, and was as `saved` says */
	struct termios saved;
};

/* Before the process is cloned. Returns 0 or -errno with fail() text. */
int foreground_begin(struct foreground *f);

/*
 * Makes our terminal, if stdin is one, raw: before a process with a terminal
 * of its own runs, so that the first key that is typed for it reaches it.
 */
void foreground_raw(struct foreground *f);

/*
 * Waits for the end of child. Signals that reach us go on to it. terminal:
 * the pty master whose other end the process has, or -1; our own follows it
 * in size, and is restored before the return.
 * notify: sd_notify socket whose READY=1 is passed on, or -1.
 * Returns the exit code (128 + n after signal n) or -errno with fail() text.
 */
int foreground_wait(struct foreground *f, const struct spawned *child,
		    int terminal, int notify);

/* Puts the terminal and the signal mask back. Safe when not begun. */
void foreground_end(struct foreground *f);
