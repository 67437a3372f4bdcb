/* SPDX-License-Identifier: MIT */
/* Which device answers at an address: MMIO and port accesses of the guest. */
#pragma once

#include <stdint.h>

#define BUS_DEVICES_MAX 32

/* What a device does with accesses inside its range; called by vCPU threads,
 * several at a time: the device locks. */
struct bus_ops {
	/* len: 1, 2, 4 or 8 bytes at offset, wholly inside the range. */
	void (*read)(void *arg, uint64_t offset, void *bytes, unsigned len);
	void (*write)(void *arg, uint64_t offset, const void *bytes,
		      unsigned len);
};

struct bus_range {
	uint64_t base, bytes;
	const struct bus_ops *ops;
	void *arg;
};

/* A zeroed struct is an empty bus. Filled before vCPUs run, then constant. */
struct bus {
	struct bus_range ranges[BUS_DEVICES_MAX]; /* sorted by base */
	unsigned n_ranges;
};

/*
 * Adds a device; ranges must not overlap. ops and arg are borrowed.
 * Returns 0 or -errno with fail() text.
 */
int bus_add(struct bus *bus, uint64_t base, uint64_t bytes,
	    const struct bus_ops *ops, void *arg);

/* A read that no device answers gives ones. Any vCPU thread. */
void bus_read(const struct bus *bus, uint64_t address, void *bytes,
	      unsigned len);

/* A write that no device answers is dropped. Any vCPU thread. */
void bus_write(const struct bus *bus, uint64_t address, const void *bytes,
	       unsigned len);
