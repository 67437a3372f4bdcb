/* SPDX-License-Identifier: MIT */
/* sd_notify(3) through the container's wall. */
#pragma once

#include <sys/types.h>

struct spec;

/*
 * When NOTIFY_SOCKET is set in our environment: makes DIR/notify, adds it to
 * the spec's mounts at /run/notify, read-only. path: of DIR. Returns 1 (the
 * program wants NOTIFY_SOCKET=NOTIFY_INSIDE), 0 when it is not set, or
 * -errno with fail() text.
 */
int notify_prepare(struct spec *spec, int dir, const char *path);

#define NOTIFY_INSIDE "/run/notify/notify.sock"

/* Binds the socket, before the program runs. Returns the fd, -1 when the
 * container has no notify directory or we no NOTIFY_SOCKET, or -errno < -1. */
int notify_bind(int dir);

/*
 * Waits for READY=1 on sock, or for the end of the process, and passes it on
 * with MAINPID. Returns 0 or -errno with fail() text.
 */
int notify_forward(int sock, pid_t pid, int pidfd);
