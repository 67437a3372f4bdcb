/* SPDX-License-Identifier: MIT */
/* The process that a micro-VM's container is on the host: machine and agent. */
#pragma once

#include <stdbool.h>

#include "lib/buf.h"
#include "microvm/microvm.h"
#include "microvm/qemu.h"
#include "runtime/vm_config.h"

/*
 * Prepared by the parent, used by its child, the jail's only process, which
 * has a copy of the memory and of the fds (struct isolate_inside).
 */
struct vmm {
	struct vm_choice choice;
	struct buf create; /* CREATE for the guest */
	const char *parameters; /* for the kernel, of the spec's vm object */
	bool terminal;
	bool debug; /* the guest's console goes to stderr */
	int listener; /* the start socket, or -1 */

	/* The child's. */
	struct vm_config config;
	struct vm_fs fs;
	struct qemu qemu;
	int agent; /* our end of the agent channel */
	int ended; /* eventfd: the machine has ended, with result */
	int result;
	char *cmdline;
	char text[512]; /* of the machine's failure */
};

/* isolate_inside.before_root: all that needs the host's tree. arg: the vmm. */
int vmm_before_root(void *arg);

/*
 * isolate_inside.run: runs the machine and its agent to the container's end,
 * and exits as the container did. Returns -errno with fail() text only.
 */
int vmm_run(void *arg, int sync);
