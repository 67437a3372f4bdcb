/* SPDX-License-Identifier: MIT */
/* A machine without a kernel: a few instructions of a test in a vCPU. */
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "lib/fail.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/boot/loader.h"
#include "microvm/bus.h"
#include "microvm/kvm.h"
#include "microvm/layout.h"
#include "microvm/vcpu.h"
#include "tests/unit/test.h"

/*
 * Guest code between the labels NAME and NAME_end, for bare_start(): 32-bit
 * protected mode without paging, flat segments, a small stack, interrupts
 * off. It is copied to LAYOUT_KERNEL_MIN.
 */
#define BARE_CODE(name, text)                                        \
	asm(".pushsection .rodata\n.code32\n" #name ":\n" text #name \
	    "_end:\n.code64\n.popsection\n");                        \
	extern const uint8_t name[], name##_end[]

/* Ends in a triple fault: an exception without a table. */
#define BARE_SHUTDOWN "push $0\npush $0\nlidt (%esp)\nud2\n"

struct bare {
	int dev;
	struct kvm kvm;
	struct guestmem mem;
	struct bus mmio, ports;
	struct vcpu vcpu;
	struct vcpu_host host;
};

/* Makes the machine, or skips the test. In a child only. */
static inline void bare_create(struct bare *b)
{
	*b = (struct bare){.dev = open("/dev/kvm", O_RDWR | O_CLOEXEC)};
	if (b->dev < 0)
		SKIP("/dev/kvm");
	CHECK_INT(kvm_open(&b->kvm, b->dev), 0);
	CHECK_INT(guestmem_create(&b->mem, 2 << 20, false), 0);
	CHECK_INT(kvm_set_memory(&b->kvm, &b->mem), 0);
	b->host = (struct vcpu_host){
		.mmio = &b->mmio,
		.ports = &b->ports,
		.ended = eventfd(0, EFD_CLOEXEC),
	};
}

/* Starts the code in the first vCPU. */
static inline void bare_start(struct bare *b, const uint8_t *code,
			      const uint8_t *end)
{
	const struct loaded loaded = {.entry = LAYOUT_KERNEL_MIN, .pvh = true};
	size_t bytes = (size_t)(end - code);

	memcpy(guestmem_at(&b->mem, LAYOUT_KERNEL_MIN, bytes), code, bytes);
	CHECK_INT(x86_boot_write(&b->mem, &loaded, ""), 0);
	CHECK_INT(vcpu_create(&b->vcpu, &b->kvm, 0), 0);
	CHECK_INT(x86_vcpu_init(&b->kvm, b->vcpu.fd, 0, 1, &loaded), 0);
	CHECK_INT(vcpu_start(&b->vcpu, &b->host), 0);
}

/* Waits for the eventfd; false after ten seconds. */
static inline bool bare_await(int eventfd)
{
	struct pollfd p = {.fd = eventfd, .events = POLLIN};

	return poll(&p, 1, 10000) == 1;
}

/* Waits until the vCPU has ended by itself, and gives its result. */
static inline int bare_result(struct bare *b)
{
	CHECK(bare_await(b->host.ended));
	vcpu_stop(&b->vcpu);
	if (b->vcpu.result < 0)
		printf("# %s\n", b->vcpu.text);
	return b->vcpu.result;
}

/* A device that keeps what was written last, and tells of it. */
struct bare_device {
	uint64_t offset, value;
	unsigned reads, writes, len;
	uint64_t answer;
	int tell; /* eventfd, written at each write; 0: none */
};

static inline void bare_device_read(void *arg, uint64_t offset, void *bytes,
				    unsigned len)
{
	struct bare_device *d = arg;

	d->reads++;
	d->offset = offset;
	d->len = len;
	memcpy(bytes, &d->answer, len);
}

static inline void bare_device_write(void *arg, uint64_t offset,
				     const void *bytes, unsigned len)
{
	struct bare_device *d = arg;

	d->writes++;
	d->offset = offset;
	d->len = len;
	d->value = 0;
	memcpy(&d->value, bytes, len);
	if (d->tell)
		eventfd_write(d->tell, 1);
}

static const struct bus_ops bare_ops = {bare_device_read, bare_device_write};
