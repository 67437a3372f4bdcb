/* SPDX-License-Identifier: MIT */
/* Finds the device that an access of the guest is for. */
#include "microvm/bus.h"

#include <stddef.h>
#include <string.h>

#include "lib/fail.h"

/* The number of ranges that begin at or below address. */
static unsigned count_up_to(const struct bus *bus, uint64_t address)
{
	unsigned low = 0, high = bus->n_ranges;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (bus->ranges[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int bus_add(struct bus *bus, uint64_t base, uint64_t bytes,
	    const struct bus_ops *ops, void *arg)
{
	if (bytes == 0 || bytes - 1 > UINT64_MAX - base)
		return fail(EINVAL, "device of %#llx bytes at %#llx",
			    (unsigned long long)bytes,
			    (unsigned long long)base);
	if (bus->n_ranges == BUS_DEVICES_MAX)
		return fail(ENOSPC, "device at %#llx",
			    (unsigned long long)base);

	unsigned at = count_up_to(bus, base);
	struct bus_range *next = &bus->ranges[at];

	if ((at > 0 && base - next[-1].base < next[-1].bytes) ||
	    (at < bus->n_ranges && next->base - base < bytes))
		return fail(EEXIST, "device at %#llx",
			    (unsigned long long)base);
	memmove(next + 1, next, (bus->n_ranges - at) * sizeof(*next));
	*next = (struct bus_range){base, bytes, ops, arg};
	bus->n_ranges++;
	return 0;
}

/* The device that has all len bytes at address; NULL: none has. */
static const struct bus_range *find(const struct bus *bus, uint64_t address,
				    unsigned len)
{
	unsigned n = count_up_to(bus, address);

	if (n == 0)
		return NULL;

	const struct bus_range *r = &bus->ranges[n - 1];
	uint64_t offset = address - r->base;

	return offset < r->bytes && len <= r->bytes - offset ? r : NULL;
}

void bus_read(const struct bus *bus, uint64_t address, void *bytes,
	      unsigned len)
{
	const struct bus_range *r = find(bus, address, len);

	if (r)
		r->ops->read(r->arg, address - r->base, bytes, len);
	else
		memset(bytes, 0xff, len);
}

void bus_write(const struct bus *bus, uint64_t address, const void *bytes,
	       unsigned len)
{
	const struct bus_range *r = find(bus, address, len);

	if (r)
		r->ops->write(r->arg, address - r->base, bytes, len);
}
