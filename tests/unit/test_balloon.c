/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/balloon.c. */
#include <linux/virtio_balloon.h>
#include <sys/mman.h>

#include "microvm/virtio/devices.h"
#include "tests/unit/driver.h"

#define SIZE 32
#define PAGE 4096
#define AREA 0x300000ULL /* no ring and no buffer is there */

enum { INFLATE, DEFLATE, REPORTING };

static void open_balloon(struct driver *d)
{
	driver_open(d);
	/* Huge pages would count for their neighbours. */
	(void)madvise(d->mem.regions[0].host, DRIVER_MEMORY, MADV_NOHUGEPAGE);
	driver_attach(d, balloon_create(&d->mem, &d->loop));
	driver_start(d, 1ULL << VIRTIO_BALLOON_F_REPORTING, SIZE);
	memset(guestmem_at(&d->mem, AREA, 16 * PAGE), 0x55, 16 * PAGE);
}

/* Does the host hold this page of the area, and what does it begin with? */
static bool is_held(struct driver *d, unsigned page)
{
	unsigned char held = 0;

	CHECK_INT(mincore(driver_at(d, AREA + page * PAGE), PAGE, &held), 0);
	return held & 1;
}

static int first_byte(struct driver *d, unsigned page)
{
	return *(uint8_t *)driver_at(d, AREA + page * PAGE);
}

static void inflates(void)
{
	uint32_t frames[2] = {AREA / PAGE + 1, AREA / PAGE + 3};
	struct driver d;

	open_balloon(&d);
	CHECK(is_held(&d, 1));
	driver_send(&d, INFLATE, frames, sizeof(frames));
	driver_kick(&d, INFLATE);
	CHECK_INT(driver_used(&d, INFLATE, NULL), 0);
	CHECK(!is_held(&d, 1));
	CHECK(is_held(&d, 2));
	CHECK(!is_held(&d, 3));
	CHECK_INT(first_byte(&d, 2), 0x55);
	driver_send(&d, DEFLATE, frames, sizeof(frames));
	driver_kick(&d, DEFLATE);
	CHECK_INT(driver_used(&d, DEFLATE, NULL), 0);
	CHECK_INT(first_byte(&d, 1), 0);
	driver_close(&d);
}

static void reports(void)
{
	struct driver d;
	struct driver_part parts[2] = {
		{AREA + 4 * PAGE, 4 * PAGE, true},
		{AREA + 9 * PAGE + 100, 2 * PAGE, true}, /* one whole page */
	};

	open_balloon(&d);
	driver_add(&d, REPORTING, parts, 2);
	driver_kick(&d, REPORTING);
	CHECK_INT(driver_used(&d, REPORTING, NULL), 0);
	for (unsigned i = 0; i < 12; i++)
		CHECK_INT(is_held(&d, i), i < 4 || i == 8 || i == 9 || i == 11);
	CHECK_INT(first_byte(&d, 5), 0);
	CHECK_INT(first_byte(&d, 9), 0x55);
	driver_close(&d);
}

static void bounds(void)
{
	uint32_t frames[2] = {AREA / PAGE, DRIVER_MEMORY / PAGE};
	struct driver_part part = {AREA, 200 * PAGE, false};
	struct driver d;

	open_balloon(&d);
	driver_send(&d, INFLATE, frames, sizeof(frames));
	driver_kick(&d, INFLATE);
	CHECK_STR(fail_text(), "queue 0: page frame 0x400");
	driver_start(&d, 0, SIZE);
	driver_send(&d, INFLATE, (uint32_t[1]){UINT32_MAX}, 4);
	driver_kick(&d, INFLATE);
	CHECK_STR(fail_text(), "queue 0: page frame 0xffffffff");
	driver_start(&d, 0, SIZE);
	driver_add(&d, INFLATE, &part, 1);
	driver_kick(&d, INFLATE);
	CHECK_STR(fail_text(), "queue 0: 819200 bytes of page frames");
	driver_close(&d);
}

int main(void)
{
	TEST("pages in the balloon go to the host, and come back as zeroes",
	     inflates);
	TEST("reported pages go to the host, whole ones only", reports);
	TEST("page frames outside memory break the device", bounds);
	return test_done();
}
