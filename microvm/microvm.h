/* SPDX-License-Identifier: MIT */
/* A micro-VM: one struct vm_config becomes a running machine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Theory of operation
 *
 * vm_run() builds the machine by the table of stages in vm.c: KVM, memory,
 * devices, kernel, vCPUs. Then one thread per vCPU runs the guest, and the
 * calling thread is the I/O thread: it runs the event loop on which all
 * devices live (the file server has threads of its own). Threads talk by
 * eventfd only. The machine ends when the guest shuts down or when `stop`
 * becomes readable.
 *
 * Nothing here knows OCI, opens a path or reads the environment: all comes as
 * numbers, strings and fds, so that it can run in a jail.
 */

/*
 * What each machine's kernel is told, before the caller's words: where its
 * console is, to leave by a triple fault, which ends the machine, and not to
 * look for a PCI bus.
 */
#define VM_CMDLINE "console=hvc0 reboot=t panic=-1 pci=off"

/* The VMM's threads by kind: each kind needs other system calls. */
enum vm_thread {
	VM_THREAD_IO,
	VM_THREAD_VCPU,
	VM_THREAD_FS,
};

struct vm_fs {
	const char *tag; /* what the guest mounts; at most 36 bytes */
	int root; /* the exported directory, O_PATH */
	bool readonly;
};

struct vm_disk {
	int fd; /* regular file or block device, raw */
	bool readonly;
	const char *serial; /* at most 20 bytes; NULL: none */
};

struct vm_net {
	int tap; /* IFF_TAP | IFF_NO_PI | IFF_VNET_HDR */
	uint8_t mac[6];
	uint16_t mtu; /* 0: not told to the guest */
};

/*
 * Plain data, filled by one function of the caller, checked by
 * vm_config_check(). All fds and strings are borrowed and must outlive the
 * machine.
 */
struct vm_config {
	unsigned cpus; /* 1 … 16 */
	uint64_t memory_bytes; /* rounded up to 2 MiB */
	int kvm; /* /dev/kvm */
	int kernel; /* vmlinux, an ELF file (boot/kernel.h) */
	int initramfs; /* cpio, or -1 */
	const char *cmdline; /* the caller's part of the command line */
	int log; /* the guest kernel's console goes there, or -1: nowhere */
	/* An early console for debugging, to log as well: the guest is given
	 * "earlycon=uart8250,io,0x3f8 keep_bootcon". */
	bool serial;
	int agent; /* stream socket: the other end of the guest's agent port */
	const struct vm_fs *fs;
	size_t n_fs;
	int proc; /* a procfs of this pid namespace, for the file server */
	const struct vm_disk *disks;
	size_t n_disks;
	const struct vm_net *nets;
	size_t n_nets;
	bool balloon; /* with free page reporting */
	int stop; /* eventfd: readable when the machine has to end */
	/* Called in each thread of the VMM before it touches what the guest
	 * wrote: where the jail puts its seccomp filter. May be NULL. */
	int (*confine)(enum vm_thread thread, void *arg);
	void *confine_arg;
};

/* Why the machine ended. */
enum vm_end {
	VM_END_STOPPED, /* by the stop fd */
	VM_END_SHUTDOWN, /* the guest switched off, or triple-faulted */
};

/* Checks what the types cannot say. 0 or -EINVAL with fail() text. */
int vm_config_check(const struct vm_config *config);

/*
 * Builds the machine and runs it to its end. Returns 0 and *end, or -errno
 * with fail() text that names the stage. Call once a process.
 */
int vm_run(const struct vm_config *config, enum vm_end *end);
