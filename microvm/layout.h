/* SPDX-License-Identifier: MIT */
/* Where things are in the guest's physical address space (x86-64). */
#pragma once

/*
 *	0x0000_0000   RAM; the first MiB holds boot structures and ACPI tables
 *	0x0010_0000   RAM; the kernel at its own addresses, initramfs at the end
 *	0xc000_0000   end of low RAM at most; the 32-bit hole begins
 *	0xd000_0000   virtio-mmio slots, one page each
 *	0xfec0_0000   I/O APIC; 0xfee0_0000 local APIC (KVM's)
 *	0x1_0000_0000 RAM above 4 GiB
 *	DAX windows   behind the RAM, 1 GiB aligned
 */

#define LAYOUT_LOW_RAM_END	0xc0000000ULL
#define LAYOUT_HIGH_RAM		0x100000000ULL

#define LAYOUT_BOOT_GDT		0x500
#define LAYOUT_BOOT_INFO	0x6000 /* hvm_start_info (PVH) */
#define LAYOUT_BOOT_MEMMAP	0x6800 /* its memory map and module list */
#define LAYOUT_ZERO_PAGE	0x7000 /* struct boot_params (64-bit boot) */
#define LAYOUT_BOOT_STACK	0x8ff0
#define LAYOUT_BOOT_PAGES	0x9000 /* page tables of the 64-bit boot, 6 pages */
#define LAYOUT_CMDLINE		0x20000
#define LAYOUT_CMDLINE_MAX	0x10000 /* bytes with the NUL */
#define LAYOUT_ACPI		0xe0000 /* RSDP first: where BIOSes have it, too */
#define LAYOUT_ACPI_MAX		0x20000
#define LAYOUT_KERNEL_MIN	0x100000

#define LAYOUT_VIRTIO		0xd0000000ULL
#define LAYOUT_VIRTIO_STRIDE	0x1000
#define LAYOUT_VIRTIO_SLOTS	19
#define LAYOUT_VIRTIO_GSI	5 /* the first slot's; one each, up to 23 */

#define LAYOUT_IOAPIC		0xfec00000ULL
#define LAYOUT_LAPIC		0xfee00000ULL
#define LAYOUT_KVM_TSS		0xfffbd000ULL /* three pages of KVM's, Intel only */

#define LAYOUT_CPUS_MAX		16
