/* SPDX-License-Identifier: MIT */
/* The other VMM: QEMU's translator, where KVM cannot run a kernel. */
#pragma once

#include <sys/types.h>

#include "microvm/microvm.h"

/*
 * QEMU runs the same kernel, guest init and channel as a process of its own.
 * It needs the host's files (its libraries), so it is started before the jail
 * has its root, in a mount namespace of its own where all is read-only, and
 * without any right. The host's directory is served by this process, by the
 * same file server as in our VMM, over vhost-user sockets.
 */
struct qemu {
	pid_t pid; /* 0: not started */
	int pidfd;
	int fs; /* our end of the vhost-user socket */
};

/*
 * Starts QEMU for config, of which it takes over agent, and one fs. binary:
 * its path on the host. Jail's child, while the host's tree is there and
 * before it has threads. Returns 0 or -errno with fail() text.
 */
int qemu_start(struct qemu *q, const struct vm_config *config,
	       const char *binary);

/*
 * Serves the started QEMU until it ends, as vm_run() does. Returns 0 and
 * *end, or -errno with fail() text.
 */
int qemu_run(struct qemu *q, const struct vm_config *config, enum vm_end *end);
