/* SPDX-License-Identifier: MIT */
/* Builds a machine from its configuration, stage by stage, and runs it. */
#include "microvm/microvm.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/boot/loader.h"
#include "microvm/bus.h"
#include "microvm/kvm.h"
#include "microvm/layout.h"
#include "microvm/serial.h"
#include "microvm/vcpu.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/mmio.h"
#include "microvm/virtio/virtio.h"

#define HUGE_PAGE (2ULL << 20)

/* The VMM's part of the command line; the caller's comes behind it. reboot=t:
 * a triple fault, which is how this machine is switched off. */
#define CMDLINE_SERIAL " earlycon=uart8250,io,0x3f8 keep_bootcon"

/* owned by: the I/O thread. */
struct vm {
	const struct vm_config *config;
	struct kvm kvm;
	struct guestmem mem;
	struct loop loop;
	struct bus mmio, ports;
	struct serial serial;
	struct virtio_device *devices[LAYOUT_VIRTIO_SLOTS];
	size_t n_devices;
	struct loaded loaded;
	struct vcpu vcpus[LAYOUT_CPUS_MAX];
	struct vcpu_host host;
	enum vm_end end;
};

int vm_config_check(const struct vm_config *c)
{
	size_t devices = 2 + c->n_fs + c->n_disks + c->n_nets + c->balloon;

	if (c->cpus == 0 || c->cpus > LAYOUT_CPUS_MAX)
		return fail_plain(EINVAL, "%u CPUs, not 1 to %u", c->cpus,
				  LAYOUT_CPUS_MAX);
	if (c->memory_bytes < 2 * HUGE_PAGE)
		return fail_plain(EINVAL, "only %llu bytes of memory",
				  (unsigned long long)c->memory_bytes);
	if (devices > LAYOUT_VIRTIO_SLOTS)
		return fail_plain(EINVAL, "%zu devices, more than %u", devices,
				  LAYOUT_VIRTIO_SLOTS);
	if (strlen(c->cmdline) >
	    LAYOUT_CMDLINE_MAX - sizeof(VM_CMDLINE CMDLINE_SERIAL " "))
		return fail_plain(EINVAL, "kernel command line of %zu bytes",
				  strlen(c->cmdline));
	if (c->serial && c->log < 0)
		return fail_plain(EINVAL, "a serial port without a log");
	return 0;
}

static int stage_check(struct vm *vm)
{
	return vm_config_check(vm->config);
}

static int stage_kvm(struct vm *vm)
{
	return kvm_open(&vm->kvm, vm->config->kvm);
}

static int stage_memory(struct vm *vm)
{
	uint64_t bytes = vm->config->memory_bytes + HUGE_PAGE - 1;
	int r = guestmem_create(&vm->mem, bytes - bytes % HUGE_PAGE, false);

	return r < 0 ? r : kvm_set_memory(&vm->kvm, &vm->mem);
}

/* Gives the device the next slot; NULL is the failure of its creation. */
static int add_device(struct vm *vm, struct virtio_device *dev)
{
	if (!dev)
		return -errno;
	vm->devices[vm->n_devices++] = dev;
	return 0;
}

/* The order of the slots is the guest's order of devices of one kind. */
static int stage_devices(struct vm *vm)
{
	const struct vm_config *c = vm->config;
	const struct guestmem *mem = &vm->mem;
	struct loop *loop = &vm->loop;
	int r = loop_init(loop);

	if (r == 0 && c->serial)
		r = serial_attach(&vm->serial, &vm->ports, c->log);
	if (r == 0)
		r = add_device(vm, console_create(mem, loop, c->log, c->agent));
	if (r == 0)
		r = add_device(vm, rng_create(mem, loop));
	for (size_t i = 0; r == 0 && i < c->n_fs; i++)
		r = add_device(vm, fs_create(mem, loop, &c->fs[i], c));
	for (size_t i = 0; r == 0 && i < c->n_disks; i++)
		r = add_device(vm, block_create(mem, loop, &c->disks[i]));
	for (size_t i = 0; r == 0 && i < c->n_nets; i++)
		r = add_device(vm, net_create(mem, loop, &c->nets[i]));
	if (r == 0 && c->balloon)
		r = add_device(vm, balloon_create(mem, loop));
	return r;
}

static struct x86_device slot_at(unsigned slot)
{
	return (struct x86_device){
		.base = LAYOUT_VIRTIO + (gpa_t)slot * LAYOUT_VIRTIO_STRIDE,
		.gsi = LAYOUT_VIRTIO_GSI + slot,
	};
}

static int wire_device(struct vm *vm, unsigned slot)
{
	struct virtio_device *dev = vm->devices[slot];
	struct x86_device at = slot_at(slot);
	int r = mmio_attach(dev, &vm->mmio, at.base);

	if (r == 0)
		r = kvm_add_irqfd(&vm->kvm, dev->irq, at.gsi);
	for (unsigned q = 0; r == 0 && q < dev->ops->n_queues; q++)
		r = kvm_add_ioeventfd(&vm->kvm, dev->queues[q].notify,
				      at.base + MMIO_QUEUE_NOTIFY, q);
	return r < 0 ? fail_in(r, "%s", dev->ops->name) : 0;
}

static int stage_wires(struct vm *vm)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < vm->n_devices; i++)
		r = wire_device(vm, i);
	return r;
}

static int stage_kernel(struct vm *vm)
{
	return loader_load(&vm->mem, vm->config->kernel, vm->config->initramfs,
			   &vm->loaded);
}

static int stage_acpi(struct vm *vm)
{
	struct x86_device slots[LAYOUT_VIRTIO_SLOTS];

	for (unsigned i = 0; i < vm->n_devices; i++)
		slots[i] = slot_at(i);
	return x86_acpi_write(&vm->mem, vm->config->cpus, slots, vm->n_devices);
}

static int stage_boot(struct vm *vm)
{
	_cleanup_(buf_fini)
	struct buf cmdline = {};

	buf_printf(&cmdline, "%s%s %s", VM_CMDLINE,
		   vm->config->serial ? CMDLINE_SERIAL : "",
		   vm->config->cmdline);
	if (cmdline.failed)
		return fail(ENOMEM, "kernel command line");
	log_debug("kernel command line: %s", buf_str(&cmdline));
	return x86_boot_write(&vm->mem, &vm->loaded, buf_str(&cmdline));
}

static int stage_vcpus(struct vm *vm)
{
	unsigned cpus = vm->config->cpus;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < cpus; i++) {
		struct vcpu *v = &vm->vcpus[i];

		r = vcpu_create(v, &vm->kvm, i);
		if (r == 0)
			r = x86_vcpu_init(&vm->kvm, v->fd, i, cpus,
					  &vm->loaded);
	}
	return r;
}

static int on_ended(void *arg, uint32_t events)
{
	struct vm *vm = arg;

	(void)events;
	vm->end = VM_END_SHUTDOWN;
	loop_stop(&vm->loop);
	return 0;
}

static int on_stop(void *arg, uint32_t events)
{
	struct vm *vm = arg;

	(void)events;
	vm->end = VM_END_STOPPED;
	loop_stop(&vm->loop);
	return 0;
}

static int confine_vcpu(void *arg)
{
	const struct vm_config *c = arg;

	return c->confine ? c->confine(VM_THREAD_VCPU, c->confine_arg) : 0;
}

static int start(struct vm *vm)
{
	const struct vm_config *c = vm->config;
	int ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (ended < 0)
		return fail(errno, "eventfd");
	vm->host = (struct vcpu_host){
		.mmio = &vm->mmio,
		.ports = &vm->ports,
		.ended = ended,
		.confine = confine_vcpu,
		.confine_arg = (void *)c,
	};

	int r = loop_add(&vm->loop, ended, EPOLLIN, on_ended, vm);

	if (r == 0)
		r = loop_add(&vm->loop, c->stop, EPOLLIN, on_stop, vm);
	for (unsigned i = 0; r == 0 && i < c->cpus; i++)
		r = vcpu_start(&vm->vcpus[i], &vm->host);
	if (r == 0 && c->confine)
		r = c->confine(VM_THREAD_IO, c->confine_arg);
	return r;
}

/* The first failure of a vCPU as fail() text; 0 when none failed. */
static int vcpus_result(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->config->cpus; i++) {
		const struct vcpu *v = &vm->vcpus[i];

		log_debug("vCPU %u: exits: mmio %llu port %llu interrupted "
			  "%llu other %llu",
			  i, (unsigned long long)v->exits[VCPU_EXIT_MMIO],
			  (unsigned long long)v->exits[VCPU_EXIT_PORT],
			  (unsigned long long)v->exits[VCPU_EXIT_INTERRUPTED],
			  (unsigned long long)v->exits[VCPU_EXIT_OTHER]);
		if (v->result < 0)
			return fail_plain(-v->result, "%s", v->text);
	}
	return 0;
}

static int stage_run(struct vm *vm)
{
	int r = start(vm);

	if (r == 0)
		r = loop_run(&vm->loop);
	for (unsigned i = 0; i < vm->config->cpus; i++)
		vcpu_stop(&vm->vcpus[i]);
	return r < 0 ? r : vcpus_result(vm);
}

static void destroy(struct vm *vm)
{
	for (unsigned i = 0; i < LAYOUT_CPUS_MAX; i++)
		vcpu_destroy(&vm->vcpus[i]);
	for (size_t i = 0; i < vm->n_devices; i++)
		virtio_destroy(vm->devices[i]);
	loop_fini(&vm->loop);
	if (vm->host.ended >= 0)
		close(vm->host.ended);
	kvm_close(&vm->kvm);
	guestmem_destroy(&vm->mem);
}

static const struct {
	const char *name;
	int (*run)(struct vm *vm);
} stages[] = {
	{"check", stage_check},   {"kvm", stage_kvm},
	{"memory", stage_memory}, {"devices", stage_devices},
	{"wires", stage_wires}, /* registers, interrupts, notifications */
	{"kernel", stage_kernel}, {"acpi", stage_acpi},
	{"boot", stage_boot}, /* what the kernel's entry wants in memory */
	{"vcpus", stage_vcpus},   {"run", stage_run},
};

int vm_run(const struct vm_config *config, enum vm_end *end)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int r = 0;

	if (!vm)
		return fail(ENOMEM, "machine");
	vm->config = config;
	vm->kvm.vm = vm->host.ended = vm->loop.epoll = -1;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(stages); i++) {
		log_debug("machine: %s", stages[i].name);
		r = stages[i].run(vm);
		if (r < 0)
			fail_in(r, "%s", stages[i].name);
	}
	*end = vm->end;
	destroy(vm);
	free(vm);
	return r;
}
