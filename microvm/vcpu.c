/* SPDX-License-Identifier: MIT */
/* Runs guest code in a thread and answers what it cannot do by itself. */
#include "microvm/vcpu.h"

#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/bus.h"
#include "microvm/kvm.h"

/*
 * Stopping: the threads block all signals. In KVM_RUN alone, by
 * KVM_SET_SIGNAL_MASK, one is let through and makes it return EINTR; it stays
 * pending, so whenever it comes it is not lost, and it needs no handler.
 */
static int stop_signal(void)
{
	return SIGRTMIN;
}

static int allow_stop_signal(int fd)
{
	enum { WORDS = 2 };
	union {
		struct kvm_signal_mask mask;
		uint32_t words[1 + WORDS]; /* len, then the kernel's set */
	} arg = {.words = {WORDS * sizeof(uint32_t)}};
	uint64_t set = ~(1ULL << (stop_signal() - 1));

	memcpy(&arg.words[1], &set, sizeof(set));
	if (ioctl(fd, KVM_SET_SIGNAL_MASK, &arg.mask) < 0)
		return fail(errno, "set the signal mask of guest code");
	return 0;
}

int vcpu_create(struct vcpu *v, const struct kvm *kvm, unsigned index)
{
	*v = (struct vcpu){.index = index, .run_bytes = kvm->run_bytes};

	_cleanup_fd_ int fd = ioctl(kvm->vm, KVM_CREATE_VCPU, index);

	if (fd < 0)
		return fail(errno, "create vCPU %u", index);

	int r = allow_stop_signal(fd);

	if (r < 0)
		return r;

	void *run = mmap(NULL, v->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);

	if (run == MAP_FAILED)
		return fail(errno, "map vCPU %u", index);
	v->run = run;
	v->fd = take_fd(&fd);
	return 0;
}

static void handle_mmio(const struct vcpu *v)
{
	struct kvm_run *run = v->run;

	if (run->mmio.is_write)
		bus_write(v->host->mmio, run->mmio.phys_addr, run->mmio.data,
			  run->mmio.len);
	else
		bus_read(v->host->mmio, run->mmio.phys_addr, run->mmio.data,
			 run->mmio.len);
}

static void handle_port(const struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint8_t *bytes = (uint8_t *)run + run->io.data_offset;

	/* A string instruction repeats the access; bytes go on, not ports. */
	for (uint32_t i = 0; i < run->io.count; i++) {
		if (run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(v->host->ports, run->io.port, bytes,
				  run->io.size);
		else
			bus_read(v->host->ports, run->io.port, bytes,
				 run->io.size);
		bytes += run->io.size;
	}
}

static int fail_internal(const struct kvm_run *run)
{
	_cleanup_(buf_fini)
	struct buf code = {};
	const char *what = "error";

	switch (run->internal.suberror) {
	case KVM_INTERNAL_ERROR_EMULATION:
		what = "cannot emulate an instruction";
		break;
	case KVM_INTERNAL_ERROR_DELIVERY_EV:
		what = "cannot deliver an event";
		break;
	}
	if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
	    run->emulation_failure.ndata >= 3 &&
	    run->emulation_failure.flags &
		    KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) {
		for (unsigned i = 0;
		     i < run->emulation_failure.insn_size && i < 15; i++)
			buf_printf(&code, " %02x",
				   run->emulation_failure.insn_bytes[i]);
	}
	return fail_plain(EIO, "KVM: internal error %u: %s%s%s",
			  run->internal.suberror, what, code.len ? ":" : "",
			  buf_str(&code));
}

int vcpu_fail(const struct vcpu *v)
{
	const struct kvm_run *run = v->run;

	x86_vcpu_log(v->fd, v->index);
	switch (run->exit_reason) {
	case KVM_EXIT_INTERNAL_ERROR: return fail_internal(run);
	case KVM_EXIT_SHUTDOWN:
		return fail_plain(EIO, "the guest ended in a triple fault");
	case KVM_EXIT_FAIL_ENTRY:
		return fail_plain(
			EIO, "the CPU refuses the guest's state: reason %#llx",
			(unsigned long long)
				run->fail_entry.hardware_entry_failure_reason);
	default:
		return fail_plain(EIO, "KVM: unexpected exit %u",
				  run->exit_reason);
	}
}

/* Runs guest code up to its next exit. 0 to go on, 1 at the end, or -errno. */
static int run_once(struct vcpu *v)
{
	if (ioctl(v->fd, KVM_RUN, 0) < 0) {
		if (errno == EAGAIN)
			return 0;
		if (errno != EINTR)
			return fail(errno, "run guest code");
		v->exits[VCPU_EXIT_INTERRUPTED]++;
		return 1;
	}
	switch (v->run->exit_reason) {
	case KVM_EXIT_MMIO:
		v->exits[VCPU_EXIT_MMIO]++;
		handle_mmio(v);
		return 0;
	case KVM_EXIT_IO:
		v->exits[VCPU_EXIT_PORT]++;
		handle_port(v);
		return 0;
	case KVM_EXIT_SHUTDOWN:
	case KVM_EXIT_SYSTEM_EVENT: v->exits[VCPU_EXIT_OTHER]++; return 1;
	default: v->exits[VCPU_EXIT_OTHER]++; return vcpu_fail(v);
	}
}

static int run_guest(struct vcpu *v)
{
	const struct vcpu_host *host = v->host;
	int r = host->confine ? host->confine(host->confine_arg) : 0;

	while (r == 0)
		r = run_once(v);
	return r < 0 ? r : 0;
}

static void *thread_main(void *arg)
{
	struct vcpu *v = arg;

	v->result = run_guest(v);
	if (v->result < 0)
		snprintf(v->text, sizeof(v->text), "vCPU %u: %s", v->index,
			 fail_text());
	/* Cannot fail: the counter does not get near its end. */
	(void)eventfd_write(v->host->ended, 1);
	return NULL;
}

int vcpu_start(struct vcpu *v, const struct vcpu_host *host)
{
	sigset_t all, old;

	v->host = host;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);

	int r = pthread_create(&v->thread, NULL, thread_main, v);

	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r > 0)
		return fail(r, "start the thread of vCPU %u", v->index);
	v->running = true;
	return 0;
}

void vcpu_stop(struct vcpu *v)
{
	if (!v->running)
		return;
	pthread_kill(v->thread, stop_signal());
	pthread_join(v->thread, NULL);
	v->running = false;
}

void vcpu_destroy(struct vcpu *v)
{
	if (!v->run)
		return;
	munmap(v->run, v->run_bytes);
	close(v->fd);
	*v = (struct vcpu){};
}
