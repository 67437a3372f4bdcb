/* SPDX-License-Identifier: MIT */
/* The probe guest: instructions a kernel needs and a weak KVM cannot run. */
#include "microvm/arch/x86/x86.h"

/*
 * Long mode, ring 0, interrupts off, identity mapping, a stack. A hypervisor
 * that emulates the guest's kernel mode in software ends at the first of
 * these that it lacks. Extensions are used only where CPUID has them, as a
 * kernel does.
 */
asm(".pushsection .rodata.x86_probe, \"a\", @progbits\n"
    ".globl x86_probe_start, x86_probe_end\n"
    "x86_probe_start:\n"
    "	sub	$0x1100, %rsp\n" /* room for what is saved below */
    "	and	$-64, %rsp\n"
    /* interrupt entry and per-CPU data */
    "	swapgs\n"
    "	swapgs\n"
    "	mov	%cr3, %rax\n"
    "	mov	%rax, %cr3\n"
    "	invlpg	(%rsp)\n"
    /* x87 and SSE state */
    "	clts\n"
    "	mov	%cr4, %rax\n"
    "	or	$0x600, %rax\n" /* OSFXSR | OSXMMEXCPT */
    "	mov	%rax, %cr4\n"
    "	fninit\n"
    "	fxsave64 (%rsp)\n"
    "	fxrstor64 (%rsp)\n"
    /* the page allocator's and the slab's */
    "	mov	$1, %eax\n"
    "	cpuid\n"
    "	mov	%ecx, %edi\n"
    "	bt	$13, %edi\n"
    "	jnc	1f\n"
    "	lock cmpxchg16b (%rsp)\n"
    /* task switch */
    "1:	bt	$26, %edi\n"
    "	jnc	2f\n"
    "	mov	%cr4, %rax\n"
    "	or	$0x40000, %rax\n" /* OSXSAVE */
    "	mov	%rax, %cr4\n"
    "	xor	%ecx, %ecx\n"
    "	xgetbv\n"
    "	or	$3, %eax\n" /* x87 and SSE */
    "	xsetbv\n"
    "	lea	512(%rsp), %rdi\n" /* the header must be zero */
    "	mov	$8, %ecx\n"
    "	xor	%eax, %eax\n"
    "	cld\n"
    "	rep stosq\n"
    "	mov	$3, %eax\n"
    "	xor	%edx, %edx\n"
    "	xsave64	(%rsp)\n"
    "	xrstor64 (%rsp)\n"
    "2:	mov	$0x5a, %al\n" /* X86_PROBE_DONE */
    "	out	%al, $0x80\n" /* X86_PROBE_PORT */
    "3:	hlt\n"
    "	jmp	3b\n"
    "x86_probe_end:\n"
    ".popsection\n");
