/* SPDX-License-Identifier: MIT */
/* What machine a container gets: kernel, VMM, processors, memory. */
#include "runtime/vm_config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/path.h"
#include "microvm/boot/initramfs.h"
#include "microvm/boot/kernel.h"
#include "microvm/kvm.h"
#include "oci/spec.h"
#include "runtime/create.h"

#define MEMORY_DEFAULT (512ULL << 20)
#define MEMORY_MIN     (64ULL << 20)
/* What the VMM takes beside the guest's RAM: the cgroup's limit is for both. */
#define OVERHEAD_KVM  (16ULL << 20)
#define OVERHEAD_QEMU (160ULL << 20)
#define CPUS_MAX       16
#define CPUS_DEFAULT   4 /* at most, where nothing is said */

#define INSTALLED_KERNEL "/usr/local/lib/bulkhead/vmlinux"

/* vm_init.S */
extern const uint8_t vm_init[], vm_init_end[];

/* -- Files ---------------------------------------------------------------- */

static bool exists(const char *path)
{
	return access(path, R_OK) == 0;
}

/* ${XDG_CACHE_HOME:-~/.cache}/bulkhead, made when missing; NULL without it. */
static char *cache_path(void)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *path;

	if ((!cache || *cache != '/') && (!home || *home != '/'))
		return NULL;
	if (asprintf(&path, "%s%s/bulkhead",
		     cache && *cache == '/' ? cache : home,
		     cache && *cache == '/' ? "" : "/.cache") < 0)
		return NULL;
	return path;
}

/* -- The kernel ----------------------------------------------------------- */

static char *host_kernel(void)
{
	struct utsname uts;
	char *path;

	if (uname(&uts) < 0 ||
	    asprintf(&path, "/boot/vmlinuz-%s", uts.release) < 0)
		return NULL;
	return path;
}

static char *built_kernel(void)
{
	_cleanup_free_ char *cache = cache_path();
	char *path;

	if (!cache || asprintf(&path, "%s/vmlinux", cache) < 0)
		return NULL;
	return path;
}

/* A malloc'd path, or NULL when there is no memory. */
static char *choose_kernel(const struct spec *spec, const char *option)
{
	const char *given = option ? option
			    : spec->vm ? spec->vm->kernel_path
				       : NULL;
	char *path;

	if (given && strcmp(given, "host") != 0)
		return strdup(given);
	if (given)
		return host_kernel();
	if (exists(INSTALLED_KERNEL))
		return strdup(INSTALLED_KERNEL);
	path = built_kernel();
	if (path && exists(path))
		return path;
	free(path);
	return host_kernel();
}

/*
 * Modules of …/boot/vmlinuz-VERSION are in …/lib/modules/VERSION. NULL for a
 * kernel by another name: it has all built in.
 */
static char *modules_of(const char *kernel)
{
	const char *base = strrchr(kernel, '/');
	char *path;

	if (!base || strncmp(base, "/vmlinuz-", 9) != 0 || base - kernel < 5 ||
	    strncmp(base - 5, "/boot", 5) != 0)
		return NULL;
	if (asprintf(&path, "%.*s/lib/modules/%s", (int)(base - 5 - kernel),
		     kernel, base + 9) < 0)
		return NULL;
	if (exists(path))
		return path;
	free(path);
	return NULL;
}

static int memfd_of(const char *name, const struct buf *b)
{
	_cleanup_fd_ int fd = memfd_create(name, MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return fail(errno, "make a file for the %s", name);
	r = fd_write_all(fd, b->data, b->len);
	return r < 0 ? fail(-r, "write the %s", name) : take_fd(&fd);
}

static int make_initramfs(const char *kernel)
{
	_cleanup_(buf_fini) struct buf archive = {};
	_cleanup_free_ char *moddir = modules_of(kernel);
	const struct initramfs_file init = {
		.path = "init",
		.bytes = vm_init,
		.n_bytes = (size_t)(vm_init_end - vm_init),
		.mode = 0755,
	};
	struct initramfs_file *modules = NULL;
	size_t n_modules = 0;
	int r;

	r = moddir ? initramfs_modules(moddir, &modules, &n_modules) : 0;
	if (r == 0)
		r = initramfs_write(&init, 1, &archive);
	if (r == 0)
		r = initramfs_write(modules, n_modules, &archive);
	initramfs_free(modules, n_modules);
	return r < 0 ? r : memfd_of("initramfs", &archive);
}

static int open_cache(void)
{
	_cleanup_free_ char *path = cache_path();

	/* Without a home the kernel is unpacked each time. */
	if (!path || path_mkdirs(path, 0755) < 0) {
		fail_clear();
		return -1;
	}
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_kernel(struct vm_choice *c, const struct spec *spec,
		       const char *option)
{
	_cleanup_fd_ int cache = open_cache();

	c->kernel_name = choose_kernel(spec, option);
	if (!c->kernel_name)
		return fail(ENOMEM, "kernel");
	c->kernel = kernel_open(c->kernel_name, cache);
	if (c->kernel < 0)
		return c->kernel == -ENOENT
			       ? fail_hint(c->kernel,
					   "--kernel names another")
			       : c->kernel;
	if (spec->vm && spec->vm->kernel_initrd) {
		c->initramfs = open(spec->vm->kernel_initrd,
				    O_RDONLY | O_CLOEXEC);
		return c->initramfs < 0 ? fail(errno, "open initrd %s",
					       spec->vm->kernel_initrd)
					: 0;
	}
	c->initramfs = make_initramfs(c->kernel_name);
	return c->initramfs < 0 ? c->initramfs : 0;
}

/* -- The VMM -------------------------------------------------------------- */

static char *find_qemu(void)
{
	static const char *const paths[] = {
		"/usr/bin/qemu-system-x86_64",
		"/usr/local/bin/qemu-system-x86_64",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return strdup(paths[i]);
	return NULL;
}

static int open_kvm(struct vm_choice *c)
{
	int r;

	c->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (c->kvm < 0)
		return fail(errno, "open /dev/kvm");
	r = kvm_probe(c->kvm);
	if (r < 0) {
		close(c->kvm);
		c->kvm = -1;
	}
	return r;
}

static int choose_vmm(struct vm_choice *c, const char *option)
{
	const char *vmm = option ? option : "auto";
	int r = strcmp(vmm, "qemu") == 0 ? -ENODEV : open_kvm(c);

	if (r == 0 || strcmp(vmm, "kvm") == 0)
		return r;
	c->qemu = find_qemu();
	if (!c->qemu)
		return fail_plain(ENOENT, "%s%sQEMU is not installed "
					  "(qemu-system-x86_64)",
				  *fail_text() ? fail_text() : "",
				  *fail_text() ? "; and " : "");
	if (strcmp(vmm, "auto") == 0)
		log_warn("%s: running in QEMU, which is slow", fail_text());
	fail_clear();
	return 0;
}

/* -- Its size ------------------------------------------------------------- */

static unsigned available_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0
		       ? (unsigned)CPU_COUNT(&set)
		       : 1;
}

static unsigned choose_cpus(const struct spec *spec)
{
	const struct spec_cpu *cpu = &spec->linux_.resources.cpu;
	unsigned n = available_cpus();

	if (spec->vm && spec->vm->vcpus)
		n = spec->vm->vcpus;
	else if (cpu->has_quota && cpu->quota_us > 0)
		n = (unsigned)((uint64_t)cpu->quota_us /
			       (cpu->has_period && cpu->period_us
					? cpu->period_us
					: 100000)) +
		    1;
	else if (n > CPUS_DEFAULT)
		n = CPUS_DEFAULT;
	return n < 1 ? 1 : n > CPUS_MAX ? CPUS_MAX : n;
}

static uint64_t choose_memory(const struct spec *spec, bool in_qemu)
{
	const struct spec_memory *memory = &spec->linux_.resources.memory;
	uint64_t overhead = in_qemu ? OVERHEAD_QEMU : OVERHEAD_KVM;
	uint64_t bytes = MEMORY_DEFAULT;

	if (spec->vm && spec->vm->memory_bytes)
		bytes = spec->vm->memory_bytes;
	else if (memory->has_limit && memory->limit > 0)
		bytes = (uint64_t)memory->limit > overhead
				? (uint64_t)memory->limit - overhead
				: 0;
	if (bytes < MEMORY_MIN)
		bytes = MEMORY_MIN;
	return (bytes + (2 << 20) - 1) & ~(uint64_t)((2 << 20) - 1);
}

int vm_choose(struct vm_choice *c, const struct spec *spec,
	      const struct create_options *options)
{
	int r;

	*c = (struct vm_choice){.kernel = -1,
				.initramfs = -1,
				.kvm = -1,
				.cpus = choose_cpus(spec)};
	r = choose_vmm(c, options->vmm);
	c->memory_bytes = choose_memory(spec, c->qemu);
	if (r == 0)
		r = open_kernel(c, spec, options->kernel);
	if (r < 0)
		return r;
	log_info("kernel %s on %s, %u processors, %llu MiB", c->kernel_name,
		 c->qemu ? "QEMU" : "KVM", c->cpus,
		 (unsigned long long)c->memory_bytes >> 20);
	return 0;
}

void vm_choice_fini(struct vm_choice *c)
{
	free(c->kernel_name);
	free(c->qemu);
	cleanup_fd(&c->kernel);
	cleanup_fd(&c->initramfs);
	cleanup_fd(&c->kvm);
}
