/* SPDX-License-Identifier: MIT */
/* The state of a vCPU at its first instruction: CPUID, MSRs, registers. */
#include <asm/kvm_para.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/boot/loader.h"
#include "microvm/kvm.h"
#include "microvm/layout.h"

#define CPUID_MAX 256 /* entries; KVM has about 50 */

#define CR0_PE   (1ULL << 0)
#define CR0_ET   (1ULL << 4)
#define CR0_PG   (1ULL << 31)
#define CR4_PAE  (1ULL << 5)
#define EFER_LME (1ULL << 8)
#define EFER_LMA (1ULL << 10)

/* CPUID as KVM offers it, changed for one vCPU. */
struct cpuid {
	struct kvm_cpuid2 *table;
	unsigned index; /* of the vCPU, and its APIC id */
	unsigned cpus;
	unsigned bits; /* of an APIC id that number the CPUs */
};

static void put_bits(uint32_t *word, unsigned low, unsigned high,
		     uint32_t value)
{
	uint32_t mask = (uint32_t)((2ULL << (high - low)) - 1) << low;

	*word = (*word & ~mask) | (value << low & mask);
}

/* Who shares a cache: the CPU alone, but for the last level. */
static void change_cache(const struct cpuid *c, struct kvm_cpuid_entry2 *e)
{
	unsigned level = e->eax >> 5 & 7;

	if ((e->eax & 0x1f) != 0)
		put_bits(&e->eax, 14, 25, level < 3 ? 0 : c->cpus - 1);
}

static void change_entry(const struct cpuid *c, struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 0x1:
		put_bits(&e->ebx, 24, 31, c->index);
		put_bits(&e->ebx, 16, 23, 1U << c->bits);
		put_bits(&e->ecx, 15, 15, 0); /* no performance counters */
		put_bits(&e->ecx, 24, 24, 1); /* TSC deadline timer */
		put_bits(&e->ecx, 31, 31, 1); /* a hypervisor */
		put_bits(&e->edx, 28, 28, c->cpus > 1);
		break;
	case 0x4:
		change_cache(c, e);
		if ((e->eax & 0x1f) != 0)
			put_bits(&e->eax, 26, 31, (1U << c->bits) - 1);
		break;
	case 0xa: /* performance counters: none */
		e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	case KVM_CPUID_FEATURES:
		/* Asynchronous page faults have state that a snapshot must
		 * not carry along. */
		e->eax &= ~(1U << 4 | 1U << 10 | 1U << 14);
		break;
	case 0x80000008:
		put_bits(&e->ecx, 0, 7, c->cpus - 1);
		put_bits(&e->ecx, 12, 15, c->bits);
		break;
	case 0x8000001d: change_cache(c, e); break;
	case 0x8000001e:
		e->eax = c->index;
		e->ebx = c->index; /* one thread a core */
		e->ecx = 0;        /* one node */
		break;
	}
}

/* Drops what KVM says about the host's topology. */
static void drop_topology(struct kvm_cpuid2 *t)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->nent; i++) {
		if (t->entries[i].function != 0xb &&
		    t->entries[i].function != 0x1f)
			t->entries[kept++] = t->entries[i];
	}
	t->nent = kept;
}

/* Threads, cores, and the end of the list, in leaf 0xb or 0x1f. */
static void add_topology(const struct cpuid *c, uint32_t leaf)
{
	const struct {
		uint32_t shift, count, type;
	} levels[] = {{0, 1, 1}, {c->bits, c->cpus, 2}, {0, 0, 0}};

	if (c->table->entries[0].eax < leaf)
		return;
	for (uint32_t i = 0; i < ARRAY_SIZE(levels); i++)
		c->table->entries[c->table->nent++] = (struct kvm_cpuid_entry2){
			.function = leaf,
			.index = i,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.eax = levels[i].shift,
			.ebx = levels[i].count,
			.ecx = levels[i].type << 8 | i,
			.edx = c->index,
		};
}

static int set_cpuid(const struct kvm *kvm, int vcpu, struct cpuid *c)
{
	const unsigned room = 2 * 3; /* for add_topology() */
	_cleanup_free_ struct kvm_cpuid2 *table = calloc(
		1, sizeof(*table) + CPUID_MAX * sizeof(table->entries[0]));

	if (!table)
		return fail(ENOMEM, "CPUID");
	table->nent = CPUID_MAX - room;
	if (ioctl(kvm->dev, KVM_GET_SUPPORTED_CPUID, table) < 0)
		return fail(errno, "ask KVM for CPUID");
	if (table->nent == 0 || table->entries[0].function != 0)
		return fail_plain(EPROTO, "KVM's CPUID has no first leaf");
	c->table = table;
	drop_topology(table);
	for (unsigned i = 0; i < table->nent; i++)
		change_entry(c, &table->entries[i]);
	add_topology(c, 0xb);
	add_topology(c, 0x1f);
	if (ioctl(vcpu, KVM_SET_CPUID2, table) < 0)
		return fail(errno, "set CPUID");
	return 0;
}

/* MSRs as firmware leaves them; after CPUID, which says what exists. */
static const struct kvm_msr_entry boot_msrs[] = {
	{.index = 0x174},                /* SYSENTER_CS */
	{.index = 0x175},                /* SYSENTER_ESP */
	{.index = 0x176},                /* SYSENTER_EIP */
	{.index = 0xc0000081},           /* STAR */
	{.index = 0xc0000082},           /* LSTAR */
	{.index = 0xc0000083},           /* CSTAR */
	{.index = 0xc0000084},           /* SYSCALL_MASK */
	{.index = 0xc0000102},           /* KERNEL_GS_BASE */
	{.index = 0x10},                 /* TSC */
	{.index = 0x1a0, .data = 1},     /* MISC_ENABLE: fast strings */
	{.index = 0x2ff, .data = 0x806}, /* MTRR default: on, write-back */
};

static int set_msrs(int vcpu)
{
	union {
		struct kvm_msrs table;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(boot_msrs)];
	} msrs = {.table.nmsrs = ARRAY_SIZE(boot_msrs)};

	memcpy(msrs.table.entries, boot_msrs, sizeof(boot_msrs));

	int done = ioctl(vcpu, KVM_SET_MSRS, &msrs);

	if (done < 0)
		return fail(errno, "set MSRs");
	if (done < (int)ARRAY_SIZE(boot_msrs))
		return fail_plain(EIO, "KVM refuses MSR %#x",
				  boot_msrs[done].index);
	return 0;
}

static int set_fpu(int vcpu)
{
	const struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};

	if (ioctl(vcpu, KVM_SET_FPU, &fpu) < 0)
		return fail(errno, "set FPU state");
	return 0;
}

/* Flat segments, as in the GDT that x86_boot_write() leaves. */
static void fill_segments(struct kvm_sregs *s, bool long_mode)
{
	const struct kvm_segment data = {.limit = UINT32_MAX,
					 .selector = 0x18,
					 .type = 3,
					 .present = 1,
					 .db = 1,
					 .s = 1,
					 .g = 1};

	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->cs = data;
	s->cs.selector = 0x10;
	s->cs.type = 0xb;
	s->cs.db = !long_mode;
	s->cs.l = long_mode;
	s->tr = (struct kvm_segment){
		.limit = 0x67, .selector = 0x20, .type = 0xb, .present = 1};
	s->gdt.base = LAYOUT_BOOT_GDT;
	s->gdt.limit = 5 * 8 - 1;
}

static int set_registers(int vcpu, const struct loaded *loaded)
{
	struct kvm_sregs sregs;
	const struct kvm_regs regs = {
		.rip = loaded->entry,
		.rflags = 2, /* the bit that is always set */
		.rbx = loaded->pvh ? LAYOUT_BOOT_INFO : 0,
		.rsi = loaded->pvh ? 0 : LAYOUT_ZERO_PAGE,
		.rsp = LAYOUT_BOOT_STACK,
	};

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs) < 0)
		return fail(errno, "get segment registers");
	fill_segments(&sregs, !loaded->pvh);
	sregs.cr0 = CR0_PE | CR0_ET;
	if (!loaded->pvh) {
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = LAYOUT_BOOT_PAGES;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
	}
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) < 0)
		return fail(errno, "set segment registers");
	if (ioctl(vcpu, KVM_SET_REGS, &regs) < 0)
		return fail(errno, "set registers");
	return 0;
}

int x86_vcpu_init(const struct kvm *kvm, int vcpu, unsigned index,
		  unsigned cpus, const struct loaded *loaded)
{
	struct cpuid cpuid = {.index = index, .cpus = cpus};

	while (1U << cpuid.bits < cpus)
		cpuid.bits++;

	int r = set_cpuid(kvm, vcpu, &cpuid);

	if (r == 0)
		r = set_msrs(vcpu);
	if (r == 0)
		r = set_fpu(vcpu);
	if (r == 0 && index == 0)
		r = set_registers(vcpu, loaded);
	return r < 0 ? fail_in(r, "vCPU %u", index) : 0;
}

void x86_vcpu_log(int vcpu, unsigned index)
{
	struct kvm_regs r;
	struct kvm_sregs s;

	if (!log_would(LOG_LEVEL_DEBUG) || ioctl(vcpu, KVM_GET_REGS, &r) < 0 ||
	    ioctl(vcpu, KVM_GET_SREGS, &s) < 0)
		return;
	log_debug("vCPU %u: rip %llx rsp %llx rbp %llx rflags %llx", index,
		  r.rip, r.rsp, r.rbp, r.rflags);
	log_debug("vCPU %u: rax %llx rbx %llx rcx %llx rdx %llx rsi %llx "
		  "rdi %llx",
		  index, r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi);
	log_debug("vCPU %u: r8 %llx r9 %llx r10 %llx r11 %llx r12 %llx "
		  "r13 %llx r14 %llx r15 %llx",
		  index, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15);
	log_debug("vCPU %u: cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx "
		  "cs %x base %llx gdt %llx idt %llx",
		  index, s.cr0, s.cr2, s.cr3, s.cr4, s.efer, s.cs.selector,
		  s.cs.base, s.gdt.base, s.idt.base);
}
