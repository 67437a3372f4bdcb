/* SPDX-License-Identifier: MIT */
/* Tests of microvm/bus.c. */
#include "microvm/bus.h"

#include <errno.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

/* A device that notes the last access and answers with its name. */
struct device {
	char name;
	uint64_t offset;
	unsigned reads, writes, len;
	uint8_t written[8];
};

static void device_read(void *arg, uint64_t offset, void *bytes, unsigned len)
{
	struct device *d = arg;

	d->reads++;
	d->offset = offset;
	d->len = len;
	memset(bytes, d->name, len);
}

static void device_write(void *arg, uint64_t offset, const void *bytes,
			 unsigned len)
{
	struct device *d = arg;

	d->writes++;
	d->offset = offset;
	d->len = len;
	memcpy(d->written, bytes, len);
}

static const struct bus_ops ops = {device_read, device_write};

/* The name of the device that answers a read of one byte; '-': none. */
static char who(const struct bus *bus, uint64_t address)
{
	char c;

	bus_read(bus, address, &c, 1);
	return c == (char)0xff ? '-' : c;
}

int main(void)
{
	TEST("an empty bus reads as ones and drops writes")
	{
		struct bus bus = {};
		uint64_t value = 0;

		bus_read(&bus, 0x1000, &value, 8);
		CHECK_INT(value, -1);
		bus_write(&bus, 0x1000, &value, 8);
		CHECK_INT(who(&bus, 0), '-');
	}
	TEST("each address has the device whose range it is in")
	{
		struct device a = {.name = 'a'}, b = {.name = 'b'},
			      c = {.name = 'c'};
		struct bus bus = {};

		CHECK_INT(bus_add(&bus, 0x3000, 0x1000, &ops, &c), 0);
		CHECK_INT(bus_add(&bus, 0x1000, 0x1000, &ops, &a), 0);
		CHECK_INT(bus_add(&bus, 0x2000, 0x10, &ops, &b), 0);
		CHECK_INT(who(&bus, 0xfff), '-');
		CHECK_INT(who(&bus, 0x1000), 'a');
		CHECK_INT(who(&bus, 0x1fff), 'a');
		CHECK_INT(a.offset, 0xfff);
		CHECK_INT(who(&bus, 0x2000), 'b');
		CHECK_INT(who(&bus, 0x200f), 'b');
		CHECK_INT(who(&bus, 0x2010), '-');
		CHECK_INT(who(&bus, 0x3000), 'c');
		CHECK_INT(who(&bus, 0x3fff), 'c');
		CHECK_INT(who(&bus, 0x4000), '-');
		CHECK_INT(who(&bus, UINT64_MAX), '-');
	}
	TEST("a write brings its bytes and their offset")
	{
		struct device a = {.name = 'a'};
		struct bus bus = {};

		CHECK_INT(bus_add(&bus, 0x1000, 0x1000, &ops, &a), 0);
		bus_write(&bus, 0x1050, "\x01\x02\x03\x04", 4);
		CHECK_INT(a.writes, 1);
		CHECK_INT(a.offset, 0x50);
		CHECK_INT(a.len, 4);
		CHECK(memcmp(a.written, "\x01\x02\x03\x04", 4) == 0);
	}
	TEST("an access that crosses the end of a range is nobody's")
	{
		struct device a = {.name = 'a'}, b = {.name = 'b'};
		struct bus bus = {};
		uint32_t value;

		CHECK_INT(bus_add(&bus, 0x1000, 0x1000, &ops, &a), 0);
		CHECK_INT(bus_add(&bus, 0x2000, 0x1000, &ops, &b), 0);
		bus_read(&bus, 0x1ffe, &value, 4);
		CHECK_INT(value, 0xffffffff);
		bus_write(&bus, 0x1ffe, &value, 4);
		CHECK_INT(a.reads + a.writes + b.reads + b.writes, 0);
	}
	TEST("ranges that overlap, are empty or wrap around are refused")
	{
		struct device a = {.name = 'a'};
		struct bus bus = {};

		CHECK_INT(bus_add(&bus, 0x1000, 0x1000, &ops, &a), 0);
		CHECK_INT(bus_add(&bus, 0x1000, 1, &ops, &a), -EEXIST);
		CHECK_INT(bus_add(&bus, 0x1fff, 1, &ops, &a), -EEXIST);
		CHECK_INT(bus_add(&bus, 0x0800, 0x801, &ops, &a), -EEXIST);
		CHECK_INT(bus_add(&bus, 0, UINT64_MAX, &ops, &a), -EEXIST);
		CHECK_INT(bus_add(&bus, 0x3000, 0, &ops, &a), -EINVAL);
		CHECK_INT(bus_add(&bus, UINT64_MAX, 2, &ops, &a), -EINVAL);
		CHECK_INT(bus.n_ranges, 1);
		CHECK_INT(bus_add(&bus, 0x0800, 0x800, &ops, &a), 0);
		CHECK_INT(bus_add(&bus, UINT64_MAX, 1, &ops, &a), 0);
		CHECK_INT(who(&bus, UINT64_MAX), 'a');
	}
	TEST("a full bus says so")
	{
		struct device a = {.name = 'a'};
		struct bus bus = {};

		for (uint64_t i = 0; i < BUS_DEVICES_MAX; i++)
			CHECK_INT(bus_add(&bus, i * 16, 16, &ops, &a), 0);
		CHECK_INT(bus_add(&bus, 0x10000, 16, &ops, &a), -ENOSPC);
		CHECK_HAS(fail_text(), "device at 0x10000");
	}
	return test_done();
}
