/* SPDX-License-Identifier: MIT */
/* Puts a kernel and an initramfs into guest memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "microvm/memory.h"

/* Where the guest begins. */
struct loaded {
	gpa_t entry;
	bool pvh; /* 32-bit PVH entry; else the kernel's 64-bit entry */
	gpa_t end; /* first address behind the kernel, page-aligned */
	gpa_t initramfs; /* 0: none */
	uint64_t initramfs_bytes;
};

/*
 * Maps the PT_LOAD segments of an ELF vmlinux privately over guest memory
 * (pages are shared with the page cache until the guest writes them); parts
 * that do not fit page borders are copied. Uses the PVH note
 * (XEN_ELFNOTE_PHYS32_ENTRY) where there is one. The file is hostile.
 * initramfs: -1 for none; mapped at the end of low RAM.
 * Returns 0 or -errno with fail() text.
 */
int loader_load(const struct guestmem *mem, int kernel, int initramfs,
		struct loaded *out);
