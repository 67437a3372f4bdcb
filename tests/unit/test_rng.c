/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/rng.c. */
#include "tests/unit/driver.h"

static bool has_bytes(const uint8_t *at, size_t len)
{
	size_t zeroes = 0;

	for (size_t i = 0; i < len; i++)
		zeroes += at[i] == 0;
	return zeroes < len / 4;
}

int main(void)
{
	struct driver d;
	uint32_t len;

	driver_init(&d);
	driver_attach(&d, rng_create(&d.mem, &d.loop));
	TEST("the driver finds an entropy source and starts it")
	{
		CHECK_INT(driver_read(&d, VIRTIO_MMIO_DEVICE_ID), 4);
		CHECK(driver_start(&d, 0));
	}
	TEST("a chain of two buffers is filled with random bytes")
	{
		const struct driver_part parts[] = {
			{DRIVER_BUFFER, 64, true},
			{DRIVER_BUFFER + 0x1000, 100, true}};

		driver_add(&d, 0, parts, 2);
		driver_kick(&d, 0);
		CHECK_INT(driver_used(&d, 0, &len), 0);
		CHECK_INT(len, 164);
		CHECK(has_bytes(driver_at(&d, DRIVER_BUFFER), 64));
		CHECK(has_bytes(driver_at(&d, DRIVER_BUFFER + 0x1000), 100));
		CHECK_INT(driver_interrupts(&d), 1);
	}
	TEST("a large request gets a bounded part")
	{
		const struct driver_part part = {DRIVER_BUFFER, 0x10000, true};
		uint8_t *behind = driver_at(&d, DRIVER_BUFFER + 4096);

		*behind = 0;
		driver_add(&d, 0, &part, 1);
		driver_kick(&d, 0);
		CHECK(driver_used(&d, 0, &len) >= 0);
		CHECK_INT(len, 4096);
		CHECK_INT(*behind, 0);
	}
	TEST("a buffer that is only to be read comes back empty")
	{
		const struct driver_part part = {DRIVER_BUFFER, 8, false};

		driver_add(&d, 0, &part, 1);
		driver_kick(&d, 0);
		CHECK(driver_used(&d, 0, &len) >= 0);
		CHECK_INT(len, 0);
		CHECK(!driver_is_broken(&d));
	}
	driver_fini(&d);
	return test_done();
}
