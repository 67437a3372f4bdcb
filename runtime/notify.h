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

/*
 * Binds the socket, before the program runs. *sock: its fd, or -1 when the
 * container has no notify directory or we have no NOTIFY_SOCKET.
 * Returns 0 or -errno with fail() text.
 */
int notify_bind(int dir, int *sock);

/*
 * Takes one message from sock; READY=1 goes on to our NOTIFY_SOCKET, with
 * pid as MAINPID. Returns 1 when it was passed on, 0 when the message was
 * another one, or -errno with fail() text.
 */
int notify_pass_on(int sock, pid_t pid);

/*
 * Waits for READY=1 on sock and passes it on, or for the end of the process.
 * sock -1: nothing to do. Returns 0 or -errno with fail() text.
 */
int notify_forward(int sock, pid_t pid, int pidfd);
