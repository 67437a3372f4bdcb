/* SPDX-License-Identifier: MIT */
/* Tests of microvm/kvm.c. */
#include "microvm/kvm.h"

#include <time.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fd.h"
#include "tests/unit/bare.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Whether the processor has what a KVM that runs kernels builds on. */
static bool has_virtualization(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};

	CHECK_INT(fd_read_file(AT_FDCWD, "/proc/cpuinfo", &b, 16 << 20), 0);
	return strstr(buf_str(&b), " vmx ") || strstr(buf_str(&b), " svm ");
}

static void probe(void)
{
	struct bare b;

	bare_create(&b);

	double before = now();
	int r = kvm_probe(b.dev);

	CHECK(now() - before < 2);
	if (has_virtualization()) {
		CHECK_INT(r, 0);
		return;
	}
	CHECK(r < 0);
	CHECK_HAS(fail_text(), "this KVM cannot run a kernel: ");
}

static void no_kvm(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	CHECK_INT(kvm_probe(null), -ENOTTY);
	CHECK_HAS(fail_text(), "cannot run a kernel: ask KVM for its version");
	CHECK_INT(kvm_probe(-1), -EBADF);
}

static void close_twice(void)
{
	struct bare b;

	bare_create(&b);
	kvm_close(&b.kvm);
	CHECK_INT(b.kvm.vm, -1);
	kvm_close(&b.kvm);
	CHECK(fcntl(b.dev, F_GETFD) >= 0);
}

static void refused_wires(void)
{
	struct bare b;
	int kick = eventfd(0, EFD_CLOEXEC);

	bare_create(&b);
	CHECK_INT(kvm_add_irqfd(&b.kvm, -1, 5), -EBADF);
	CHECK_HAS(fail_text(), "join an eventfd to interrupt 5");
	CHECK_INT(kvm_add_ioeventfd(&b.kvm, kick, 0xd0000050, 1), 0);
	CHECK_INT(kvm_add_ioeventfd(&b.kvm, kick, 0xd0000050, 1), -EEXIST);
	CHECK_HAS(fail_text(), "join an eventfd to writes at 0xd0000050");
	CHECK_INT(kvm_add_ioeventfd(&b.kvm, kick, 0xd0000050, 2), 0);
}

static void overlapping_memory(void)
{
	struct bare b;

	bare_create(&b);
	b.mem.regions[1] = b.mem.regions[0];
	b.mem.regions[1].base += 4096;
	b.mem.n_regions = 2;
	CHECK_INT(kvm_set_memory(&b.kvm, &b.mem), -EEXIST);
	CHECK_HAS(fail_text(), "give the guest memory at 0x1000");
}

int main(void)
{
	TEST("the probe knows soon whether a kernel would run", probe);
	TEST("something else than KVM is told by the probe", no_kvm);
	TEST("closing twice closes once, and not the device", close_twice);
	TEST("wires that KVM refuses are named", refused_wires);
	TEST("memory that overlaps is refused", overlapping_memory);
	return test_done();
}
