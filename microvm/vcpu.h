/* SPDX-License-Identifier: MIT */
/* A virtual CPU and the thread that runs it. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct bus;
struct kvm;
struct kvm_run;

/* What a vCPU thread needs; constant while it runs. */
struct vcpu_host {
	const struct bus *mmio, *ports;
	/* Written when the thread is about to end, whatever made it: the I/O
	 * thread then stops all vCPUs and looks at each result. */
	int ended;
	int (*confine)(void *arg); /* first thing in the thread; may be NULL */
	void *confine_arg;
};

/* Why guest code was left; counted, for the bench and for snapshots of it. */
enum vcpu_exit {
	VCPU_EXIT_MMIO,
	VCPU_EXIT_PORT,
	VCPU_EXIT_INTERRUPTED,
	VCPU_EXIT_OTHER,
	VCPU_EXITS,
};

/* owned by: its thread while that runs; by the I/O thread before and after. */
struct vcpu {
	unsigned index;
	int fd;
	struct kvm_run *run;
	unsigned run_bytes;
	pthread_t thread;
	bool running; /* the thread was started and not joined yet */
	const struct vcpu_host *host;
	uint64_t exits[VCPU_EXITS];
	/* 0: shut down, or stopped; -errno: failed, with the text below. */
	int result;
	char text[256];
};

/* Makes the vCPU in KVM. Returns 0 or -errno with fail() text. */
int vcpu_create(struct vcpu *v, const struct kvm *kvm, unsigned index);

/* Starts its thread. Returns 0 or -errno with fail() text. */
int vcpu_start(struct vcpu *v, const struct vcpu_host *host);

/* Makes the thread leave the guest and end, and joins it. I/O thread. */
void vcpu_stop(struct vcpu *v);

/* Frees it; after vcpu_stop(). Safe on a zeroed struct. */
void vcpu_destroy(struct vcpu *v);

/*
 * What the last exit, one that the VMM cannot go on from, was: records the
 * fail() text, logs the registers at debug level. Returns -errno.
 */
int vcpu_fail(const struct vcpu *v);
