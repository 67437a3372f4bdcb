/* SPDX-License-Identifier: MIT */
/* The KVM API: opening it, asking what it can do, and one virtual machine. */
#pragma once

#include <stdint.h>

#include "microvm/memory.h"

/* owned by: the I/O thread; vCPU threads use their own fds (vcpu.h). */
struct kvm {
	int dev; /* /dev/kvm, borrowed */
	int vm;
	unsigned run_bytes; /* of a vCPU's shared page */
};

/*
 * Can this KVM run a Linux kernel? Asks for the capabilities that the VMM
 * needs, and lets a probe guest of a few instructions execute some that a
 * kernel cannot do without: hypervisors without hardware support behind them
 * stop there with an internal error. Takes a few milliseconds.
 * Returns 0, or -errno with fail() text that says why not. Any thread.
 */
int kvm_probe(int dev);

/*
 * Makes a virtual machine with in-kernel interrupt controllers and without a
 * PIT. Returns 0 or -errno with fail() text; kvm_close() undoes.
 */
int kvm_open(struct kvm *kvm, int dev);

/* Closes the VM's fd, not dev; safe on a struct whose vm is -1. */
void kvm_close(struct kvm *kvm);

/* Gives the guest its memory, one slot a region. 0 or -errno with text. */
int kvm_set_memory(struct kvm *kvm, const struct guestmem *mem);

/* Lets a write to the eventfd raise the interrupt line gsi (edge). */
int kvm_add_irqfd(struct kvm *kvm, int eventfd, unsigned gsi);

/* Lets a 4-byte guest write of value at gpa signal the eventfd. */
int kvm_add_ioeventfd(struct kvm *kvm, int eventfd, gpa_t gpa, uint32_t value);
