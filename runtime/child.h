/* SPDX-License-Identifier: MIT */
/* What a child needs from the host: opened by the parent before the clone. */
#pragma once

#include "isolate/isolate.h"

struct buf;
struct creation;

/* An empty one: child_close() may follow. */
void child_init(struct isolate *iso);

/* Opens the host's procfs as iso->proc. Returns 0 or -errno with text. */
int child_open_proc(struct isolate *iso);

/*
 * Fills iso for the process of a container that is being made: process and
 * mounts as spec says (c->spec, or a VMM's jail made of it), its root at
 * rootfs (absolute). Borrows from all three. child_close() undoes it, also
 * after a failure. Returns 0 or -errno with fail() text.
 */
int child_prepare(struct isolate *iso, const struct creation *c,
		     const struct spec *spec, const char *rootfs);

/* Closes the parent's fds. */
void child_close(struct isolate *iso);

/*
 * Clones the child into c->child, and notes its pid for those who clean up.
 * Returns 0, or -errno with fail() text and no child.
 */
int child_spawn(const struct isolate *iso, struct creation *c);

/*
 * The handshake with c->child: runs the hooks it asks for, and goes on until
 * it waits for its start, or runs.
 * Fills c->terminal. Returns 0, or -errno with fail() text and the child gone.
 */
int child_shake_hands(struct creation *c, const struct buf *bpf,
		      unsigned bpf_flags);
