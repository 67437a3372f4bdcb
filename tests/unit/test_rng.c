/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/rng.c. */
#include "microvm/virtio/devices.h"
#include "tests/unit/driver.h"

static void fills(void)
{
	static const uint8_t zeroes[64];
	struct driver d;
	uint32_t len = 0;

	driver_open(&d);
	driver_attach(&d, rng_create(&d.mem, &d.loop));
	driver_start(&d, 0, 8);

	gpa_t a = driver_ask(&d, 0, 64), b = driver_ask(&d, 0, 64);

	driver_kick(&d, 0);
	CHECK_INT(driver_used(&d, 0, &len), 0);
	CHECK_INT(len, 64);
	CHECK_INT(driver_used(&d, 0, &len), 1);
	CHECK_INT(len, 64);
	CHECK_INT(driver_interrupts(&d), 1);
	CHECK(memcmp(driver_at(&d, a), zeroes, 64) != 0);
	CHECK(memcmp(driver_at(&d, a), driver_at(&d, b), 64) != 0);
	driver_close(&d);
}

static void bounds(void)
{
	struct driver d;
	uint32_t len = 0;

	driver_open(&d);
	driver_attach(&d, rng_create(&d.mem, &d.loop));
	driver_start(&d, 0, 8);
	driver_ask(&d, 0, 1 << 20);
	driver_send(&d, 0, "x", 1);
	driver_kick(&d, 0);
	CHECK_INT(driver_used(&d, 0, &len), 0);
	CHECK_INT(len, 256);
	CHECK_INT(driver_used(&d, 0, &len), 1);
	CHECK_INT(len, 0);
	driver_close(&d);
}

int main(void)
{
	TEST("buffers are filled with random bytes, with one interrupt", fills);
	TEST("a large request is answered in part, one for nothing by nothing",
	     bounds);
	return test_done();
}
