/* SPDX-License-Identifier: MIT */
/* What is x86 about a machine: boot state, CPUID, MSRs, ACPI tables. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "microvm/memory.h"

struct kvm;
struct loaded;

/* One virtio-mmio slot as the ACPI tables tell it. */
struct x86_device {
	gpa_t base;
	unsigned gsi;
};

/*
 * Writes RSDP, XSDT, FADT (hardware-reduced; no 8042, no VGA, no CMOS clock),
 * MADT and DSDT to LAYOUT_ACPI. Returns 0 or -errno with fail() text.
 */
int x86_acpi_write(const struct guestmem *mem, unsigned cpus,
		   const struct x86_device *devices, size_t n_devices);

/*
 * Writes what the entry protocol wants: hvm_start_info, memory map and module
 * list (PVH), or boot_params, GDT and page tables (64-bit boot); and the
 * command line. Returns 0 or -errno with fail() text.
 */
int x86_boot_write(const struct guestmem *mem, const struct loaded *loaded,
		   const char *cmdline);

/*
 * Sets up a vCPU: CPUID with topology, boot MSRs, FPU; and for the first one,
 * registers as the entry protocol wants. The others wait for INIT and SIPI.
 * vcpu: KVM's vCPU fd. Returns 0 or -errno with fail() text.
 */
int x86_vcpu_init(const struct kvm *kvm, int vcpu, unsigned index,
		  unsigned cpus, const struct loaded *loaded);

/* Logs a vCPU's registers at debug level. */
void x86_vcpu_log(int vcpu, unsigned index);

/* What the probe guest of kvm_probe() executes; position-independent. It ends
 * with a write of X86_PROBE_DONE to the port X86_PROBE_PORT. */
extern const uint8_t x86_probe_start[], x86_probe_end[];

#define X86_PROBE_PORT 0x80
#define X86_PROBE_DONE 0x5a

/* Measures the host's time stamp counter for 10 ms. Returns kHz. */
uint64_t x86_tsc_khz(void);
