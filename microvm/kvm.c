/* SPDX-License-Identifier: MIT */
/* Opens KVM, asks what it can do, and makes a virtual machine. */
#include "microvm/kvm.h"

#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/boot/loader.h"
#include "microvm/layout.h"
#include "microvm/vcpu.h"

#define PROBE_MEMORY (2ULL << 20)
#define IOAPIC_LINES 24

/* What the VMM uses, and what a report of its lack calls it. */
static const struct {
	int capability;
	const char *name;
} needed[] = {
	{KVM_CAP_USER_MEMORY, "user memory"},
	{KVM_CAP_IRQCHIP, "interrupt controllers"},
	{KVM_CAP_IRQ_ROUTING, "interrupt routing"},
	{KVM_CAP_IRQFD, "irqfd"},
	{KVM_CAP_IOEVENTFD, "ioeventfd"},
	{KVM_CAP_EXT_CPUID, "CPUID"},
	{KVM_CAP_SET_TSS_ADDR, "a place for the TSS"},
	{KVM_CAP_TSC_DEADLINE_TIMER, "the TSC deadline timer"},
};

static int check_capabilities(int dev)
{
	int version = ioctl(dev, KVM_GET_API_VERSION, 0);

	if (version < 0)
		return fail(errno, "ask KVM for its version");
	if (version != KVM_API_VERSION)
		return fail_plain(ENOTSUP, "KVM has version %d, not %d",
				  version, KVM_API_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (ioctl(dev, KVM_CHECK_EXTENSION, needed[i].capability) <= 0)
			return fail_plain(ENOTSUP, "KVM lacks %s",
					  needed[i].name);
	}
	return 0;
}

static int run_probe(struct vcpu *v)
{
	if (ioctl(v->fd, KVM_RUN, 0) < 0)
		return fail(errno, "run the probe guest");

	const struct kvm_run *run = v->run;

	if (run->exit_reason == KVM_EXIT_IO && run->io.port == X86_PROBE_PORT &&
	    ((const uint8_t *)run)[run->io.data_offset] == X86_PROBE_DONE)
		return 0;
	return vcpu_fail(v);
}

/* Runs the probe as if it were a kernel with a 64-bit entry. */
static int probe_vcpu(const struct kvm *kvm, const struct loaded *loaded)
{
	struct vcpu v = {};
	int r = vcpu_create(&v, kvm, 0);

	if (r == 0)
		r = x86_vcpu_init(kvm, v.fd, 0, 1, loaded);
	if (r == 0)
		r = run_probe(&v);
	vcpu_destroy(&v);
	return r;
}

static int probe_machine(struct kvm *kvm, struct guestmem *mem)
{
	const struct loaded loaded = {.entry = LAYOUT_KERNEL_MIN};
	size_t bytes = (size_t)(x86_probe_end - x86_probe_start);
	int r = guestmem_create(mem, PROBE_MEMORY, false);

	if (r < 0)
		return r;
	memcpy(guestmem_at(mem, loaded.entry, bytes), x86_probe_start, bytes);
	r = x86_boot_write(mem, &loaded, "");
	if (r == 0)
		r = kvm_set_memory(kvm, mem);
	return r < 0 ? r : probe_vcpu(kvm, &loaded);
}

int kvm_probe(int dev)
{
	struct guestmem mem = {};
	struct kvm kvm = {.vm = -1};
	int r = check_capabilities(dev);

	if (r == 0)
		r = kvm_open(&kvm, dev);
	if (r == 0)
		r = probe_machine(&kvm, &mem);
	kvm_close(&kvm);
	guestmem_destroy(&mem);
	return r < 0 ? fail_in(r, "this KVM cannot run a kernel") : 0;
}

/*
 * Leads all lines to the I/O APIC alone. By default the first 16 end at the
 * PICs as well, which a kernel that was told of none never masks: they would
 * deliver interrupts of devices with the numbers of exceptions.
 */
static int route_lines(int vm)
{
	union {
		struct kvm_irq_routing table;
		uint8_t room[sizeof(struct kvm_irq_routing) +
			     IOAPIC_LINES *
				     sizeof(struct kvm_irq_routing_entry)];
	} routing = {.table.nr = IOAPIC_LINES};

	for (uint32_t i = 0; i < IOAPIC_LINES; i++)
		routing.table.entries[i] = (struct kvm_irq_routing_entry){
			.gsi = i,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = {KVM_IRQCHIP_IOAPIC, i},
		};
	if (ioctl(vm, KVM_SET_GSI_ROUTING, &routing) < 0)
		return fail(errno, "route interrupts");
	return 0;
}

int kvm_open(struct kvm *kvm, int dev)
{
	int run_bytes = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);

	*kvm = (struct kvm){.dev = dev, .vm = -1};
	if (run_bytes < (int)sizeof(struct kvm_run))
		return fail(run_bytes < 0 ? errno : EPROTO,
			    "ask KVM for the size of a vCPU");
	kvm->run_bytes = (unsigned)run_bytes;

	_cleanup_fd_ int vm = ioctl(dev, KVM_CREATE_VM, 0);

	if (vm < 0)
		return fail(errno, "create a virtual machine");
	if (ioctl(vm, KVM_SET_TSS_ADDR, LAYOUT_KVM_TSS) < 0)
		return fail(errno, "set the place of KVM's TSS");
	if (ioctl(vm, KVM_CREATE_IRQCHIP, 0) < 0)
		return fail(errno, "create interrupt controllers");

	int r = route_lines(vm);

	if (r < 0)
		return r;
	kvm->vm = take_fd(&vm);
	return 0;
}

void kvm_close(struct kvm *kvm)
{
	if (kvm->vm >= 0)
		close(kvm->vm);
	kvm->vm = -1;
}

int kvm_set_memory(struct kvm *kvm, const struct guestmem *mem)
{
	for (unsigned i = 0; i < mem->n_regions; i++) {
		const struct guestmem_region *r = &mem->regions[i];
		const struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = r->base,
			.memory_size = r->bytes,
			.userspace_addr = (uintptr_t)r->host,
		};

		if (ioctl(kvm->vm, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
			return fail(errno, "give the guest memory at %#llx",
				    (unsigned long long)r->base);
	}
	return 0;
}

int kvm_add_irqfd(struct kvm *kvm, int eventfd, unsigned gsi)
{
	const struct kvm_irqfd irqfd = {.fd = (uint32_t)eventfd, .gsi = gsi};

	if (ioctl(kvm->vm, KVM_IRQFD, &irqfd) < 0)
		return fail(errno, "join an eventfd to interrupt %u", gsi);
	return 0;
}

int kvm_add_ioeventfd(struct kvm *kvm, int eventfd, gpa_t gpa, uint32_t value)
{
	const struct kvm_ioeventfd io = {
		.datamatch = value,
		.addr = gpa,
		.len = sizeof(value),
		.fd = eventfd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	if (ioctl(kvm->vm, KVM_IOEVENTFD, &io) < 0)
		return fail(errno, "join an eventfd to writes at %#llx",
			    (unsigned long long)gpa);
	return 0;
}
