/* SPDX-License-Identifier: MIT */
/* Tests of microvm/vcpu.c: guests of a few instructions. */
#include "microvm/vcpu.h"

#include "tests/unit/bare.h"

/* Reads a register and writes its value, plus one, to the next. */
BARE_CODE(guest_mmio, "mov	0xd0000100, %eax\n"
		      "inc	%eax\n"
		      "mov	%eax, 0xd0000104\n" BARE_SHUTDOWN);

static void mmio(void)
{
	struct bare b;
	struct bare_device d = {.answer = 0x12345678};

	bare_create(&b);
	CHECK_INT(bus_add(&b.mmio, 0xd0000000, 0x1000, &bare_ops, &d), 0);
	bare_start(&b, guest_mmio, guest_mmio_end);
	CHECK_INT(bare_result(&b), 0);
	CHECK_INT(d.reads, 1);
	CHECK_INT(d.writes, 1);
	CHECK_INT(d.offset, 0x104);
	CHECK_INT(d.len, 4);
	CHECK_INT(d.value, 0x12345679);
	CHECK_INT(b.vcpu.exits[VCPU_EXIT_MMIO], 2);
}

/* What no device answers reads as ones, and goes on to one that does. */
BARE_CODE(guest_hole, "movzbl	0xc8000000, %eax\n"
		      "mov	%al, 0xc8000000\n"
		      "mov	%eax, 0xd0000000\n" BARE_SHUTDOWN);

static void hole(void)
{
	struct bare b;
	struct bare_device d = {};

	bare_create(&b);
	CHECK_INT(bus_add(&b.mmio, 0xd0000000, 0x1000, &bare_ops, &d), 0);
	bare_start(&b, guest_hole, guest_hole_end);
	CHECK_INT(bare_result(&b), 0);
	CHECK_INT(d.writes, 1);
	CHECK_INT(d.value, 0xff);
}

BARE_CODE(guest_ports, "mov	$0x42, %dx\n"
		       "in	%dx, %ax\n"
		       "inc	%eax\n"
		       "mov	$0x44, %dx\n"
		       "out	%al, %dx\n" BARE_SHUTDOWN);

static void ports(void)
{
	struct bare b;
	struct bare_device d = {.answer = 0x7e};

	bare_create(&b);
	CHECK_INT(bus_add(&b.ports, 0x40, 8, &bare_ops, &d), 0);
	bare_start(&b, guest_ports, guest_ports_end);
	CHECK_INT(bare_result(&b), 0);
	CHECK_INT(d.reads, 1);
	CHECK_INT(d.writes, 1);
	CHECK_INT(d.offset, 4);
	CHECK_INT(d.len, 1);
	CHECK_INT(d.value, 0x7f);
	CHECK_INT(b.vcpu.exits[VCPU_EXIT_PORT], 2);
}

BARE_CODE(guest_string, "movl	$0x04030201, 0x2000\n"
			"mov	$0x2000, %esi\n"
			"mov	$4, %ecx\n"
			"mov	$0x40, %dx\n"
			"rep outsb\n" BARE_SHUTDOWN);

static void string(void)
{
	struct bare b;
	struct bare_device d = {};

	bare_create(&b);
	CHECK_INT(bus_add(&b.ports, 0x40, 8, &bare_ops, &d), 0);
	bare_start(&b, guest_string, guest_string_end);
	CHECK_INT(bare_result(&b), 0);
	CHECK_INT(d.writes, 4);
	CHECK_INT(d.offset, 0);
	CHECK_INT(d.value, 4);
}

/* Two kicks of queue 1, then one of queue 2, which nobody listens for. */
BARE_CODE(guest_kick, "movl	$1, 0xd0000050\n"
		      "movl	$1, 0xd0000050\n"
		      "movl	$2, 0xd0000050\n" BARE_SHUTDOWN);

static void ioeventfd(void)
{
	struct bare b;
	struct bare_device d = {};
	eventfd_t count;
	int kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	bare_create(&b);
	CHECK_INT(bus_add(&b.mmio, 0xd0000000, 0x1000, &bare_ops, &d), 0);
	CHECK_INT(kvm_add_ioeventfd(&b.kvm, kick, 0xd0000050, 1), 0);
	bare_start(&b, guest_kick, guest_kick_end);
	CHECK_INT(bare_result(&b), 0);
	CHECK_INT(eventfd_read(kick, &count), 0);
	CHECK_INT(count, 2);
	CHECK_INT(d.writes, 1);
	CHECK_INT(d.value, 2);
}

/*
 * Points line 5 of the I/O APIC at vector 0x30, whose handler shuts down, and
 * says on port 0x80 that it may come.
 */
BARE_CODE(guest_interrupt,
	  "mov	$0x100000 + 1f - guest_interrupt, %eax\n"
	  "mov	%eax, %ebx\n"
	  "and	$0xffff, %eax\n"
	  "or	$0x100000, %eax\n" /* selector 0x10 */
	  "mov	%eax, 0x2180\n"
	  "and	$0xffff0000, %ebx\n"
	  "or	$0x8e00, %ebx\n"
	  "mov	%ebx, 0x2184\n"
	  "push	$0\n"
	  "push	$0x20000000\n" /* limit 0x2000 in the upper half */
	  "movw	$0x2000, 4(%esp)\n"
	  "lidt	2(%esp)\n"
	  "movl	$0x1ff, 0xfee000f0\n" /* local APIC on */
	  "movl	$0x1b, 0xfec00000\n"  /* line 5: destination 0 */
	  "movl	$0, 0xfec00010\n"
	  "movl	$0x1a, 0xfec00000\n" /* vector 0x30, edge, not masked */
	  "movl	$0x30, 0xfec00010\n"
	  "out	%al, $0x80\n"
	  "sti\n"
	  "2: hlt\n"
	  "jmp	2b\n"
	  "1: mov	$0x55, %al\n"
	  "out	%al, $0x90\n" BARE_SHUTDOWN);

static void irqfd(void)
{
	struct bare b;
	struct bare_device ready = {}, done = {};
	int irq = eventfd(0, EFD_CLOEXEC);

	bare_create(&b);
	CHECK_INT(bus_add(&b.ports, 0x80, 1, &bare_ops, &ready), 0);
	CHECK_INT(bus_add(&b.ports, 0x90, 1, &bare_ops, &done), 0);
	CHECK_INT(kvm_add_irqfd(&b.kvm, irq, 5), 0);
	ready.tell = irq;
	bare_start(&b, guest_interrupt, guest_interrupt_end);
	CHECK_INT(bare_result(&b), 0);
	CHECK_INT(ready.writes, 1);
	CHECK_INT(done.writes, 1);
	CHECK_INT(done.value, 0x55);
}

BARE_CODE(guest_halt, "out	%al, $0x80\n"
		      "cli\n"
		      "1: hlt\n"
		      "jmp	1b\n");
BARE_CODE(guest_spin, "out	%al, $0x80\n"
		      "1: jmp	1b\n");

static void stop_when_ready(const uint8_t *code, const uint8_t *end)
{
	struct bare b;
	struct bare_device ready = {.tell = eventfd(0, EFD_CLOEXEC)};

	bare_create(&b);
	CHECK_INT(bus_add(&b.ports, 0x80, 1, &bare_ops, &ready), 0);
	bare_start(&b, code, end);
	CHECK(bare_await(ready.tell));
	vcpu_stop(&b.vcpu);
	CHECK(!b.vcpu.running);
	CHECK_INT(b.vcpu.result, 0);
	CHECK_INT(b.vcpu.exits[VCPU_EXIT_INTERRUPTED], 1);
	vcpu_stop(&b.vcpu);
	vcpu_destroy(&b.vcpu);
}

static void stop_halted(void)
{
	stop_when_ready(guest_halt, guest_halt_end);
}

static void stop_spinning(void)
{
	stop_when_ready(guest_spin, guest_spin_end);
}

/* An immediate stop: the signal may come before the guest is entered. */
static void stop_at_once(void)
{
	struct bare b;

	bare_create(&b);
	bare_start(&b, guest_spin, guest_spin_end);
	vcpu_stop(&b.vcpu);
	CHECK_INT(b.vcpu.result, 0);
}

BARE_CODE(guest_lost, "mov	$0xd0000000, %eax\n"
		      "jmp	*%eax\n");

static void failure(void)
{
	struct bare b;

	bare_create(&b);
	bare_start(&b, guest_lost, guest_lost_end);
	CHECK_INT(bare_result(&b), -EIO);
	CHECK_HAS(b.vcpu.text, "vCPU 0: KVM: internal error 1: cannot emulate");
}

static int refuse(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	return fail(EPERM, "no filter");
}

static void confinement(void)
{
	struct bare b;
	pthread_t where = pthread_self();

	bare_create(&b);
	b.host.confine = refuse;
	b.host.confine_arg = &where;
	bare_start(&b, guest_spin, guest_spin_end);
	CHECK_INT(bare_result(&b), -EPERM);
	CHECK(!pthread_equal(where, pthread_self()));
	CHECK_STR(b.vcpu.text, "vCPU 0: no filter: Operation not permitted");
	CHECK_INT(b.vcpu.exits[VCPU_EXIT_INTERRUPTED], 0);
}

int main(void)
{
	TEST("a guest's access to a device's registers reaches it", mmio);
	TEST("an address without a device reads as ones", hole);
	TEST("port accesses reach the device of the port", ports);
	TEST("a string instruction writes to one port again and again", string);
	TEST("a kick becomes an eventfd's count without an exit", ioeventfd);
	TEST("an eventfd raises an interrupt in the guest", irqfd);
	TEST("a guest that sleeps for ever is stopped", stop_halted);
	TEST("a guest that spins is stopped", stop_spinning);
	TEST("a stop before the first instruction is not lost", stop_at_once);
	TEST("what KVM cannot go on from is told in words", failure);
	TEST("a thread that cannot be confined runs no guest", confinement);
	return test_done();
}
