/* SPDX-License-Identifier: MIT */
/* What machine a container gets: kernel, VMM, processors, memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct create_options;
struct spec;

/* owned by: the parent process; its child has a copy. */
struct vm_choice {
	char *kernel_name; /* of the image, for messages */
	char *qemu; /* path of the binary; NULL: our own VMM */
	int kernel; /* vmlinux */
	int initramfs;
	int kvm; /* /dev/kvm, or -1 with QEMU */
	unsigned cpus;
	uint64_t memory_bytes;
};

/*
 * Chooses. The kernel: option, spec's vm object, the one that was installed
 * with bulkhead or built by `make kernel`, the host's own. The VMM: ours where
 * KVM can run a kernel, else QEMU, unless an option or the policy
 * (/etc/bulkhead/bulkhead.json) says otherwise; a line is logged then.
 * Returns 0 or -errno with fail() text; vm_choice_fini() in any case.
 */
int vm_choose(struct vm_choice *choice, const struct spec *spec,
	      const struct create_options *options);

/* Frees and closes. */
void vm_choice_fini(struct vm_choice *choice);
