/* SPDX-License-Identifier: MIT */
/* Fuzz target: kernels and kernel images of any shape into boot/. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "microvm/boot/kernel.h"
#include "microvm/boot/loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MEMORY (4 << 20)

/* What was loaded must be where it says, inside of the guest's memory. */
static void check(const struct guestmem *mem, const struct loaded *l)
{
	if (!guestmem_at(mem, l->entry, 1) || l->end > MEMORY ||
	    (l->initramfs_bytes > 0 &&
	     (l->initramfs < l->end ||
	      !guestmem_at(mem, l->initramfs, l->initramfs_bytes))))
		abort();
}

/* The input is a kernel, and its own initramfs; and an image to unpack. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);
	struct guestmem mem;
	struct loaded loaded;
	char path[32];

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len ||
	    guestmem_create(&mem, MEMORY, false) < 0)
		abort();
	if (loader_load(&mem, fd, fd, &loaded) == 0)
		check(&mem, &loaded);
	guestmem_destroy(&mem);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	int unpacked = kernel_open(path, -1);

	if (unpacked >= 0)
		close(unpacked);
	close(fd);
	return 0;
}
