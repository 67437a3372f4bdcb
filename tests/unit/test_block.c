/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/block.c. */
#include <linux/virtio_blk.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "microvm/microvm.h"
#include "microvm/virtio/devices.h"
#include "tests/unit/driver.h"

#define SECTORS 64
#define BYTES   (SECTORS * 512)

struct setup {
	struct driver d;
	int fd;
	gpa_t data;
};

/* A disk whose sectors hold their numbers. */
static void open_disk(struct setup *s, bool readonly)
{
	s->fd = memfd_create("disk", MFD_CLOEXEC);
	for (int i = 0; i < SECTORS; i++) {
		uint8_t sector[512];

		memset(sector, i, sizeof(sector));
		CHECK_INT(write(s->fd, sector, sizeof(sector)), 512);
	}

	struct vm_disk disk = {
		.fd = s->fd, .readonly = readonly, .serial = "number-1"};

	driver_open(&s->d);
	driver_attach(&s->d, block_create(&s->d.mem, &s->d.loop, &disk));
	driver_start(&s->d, 0, 16);
	s->data = driver_alloc(&s->d, BYTES);
}

static void close_disk(struct setup *s)
{
	driver_close(&s->d);
	close(s->fd);
}

#define DISK(readonly)  \
	struct setup s; \
                        \
	open_disk(&s, readonly)

/* Has a request served; its data are in two parts. Returns the status. */
static int request(struct setup *s, uint32_t type, uint64_t sector,
		   uint32_t bytes)
{
	struct virtio_blk_outhdr head = {.type = type, .sector = sector};
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	gpa_t header = driver_alloc(&s->d, sizeof(head));
	gpa_t status = driver_alloc(&s->d, 1);
	struct driver_part parts[4] = {{header, sizeof(head), false}};
	unsigned n = 1;

	memcpy(driver_at(&s->d, header), &head, sizeof(head));
	memset(driver_at(&s->d, status), 0xee, 1);
	if (bytes > 8)
		parts[n++] = (struct driver_part){s->data, 8, in};
	if (bytes > 8)
		parts[n++] = (struct driver_part){s->data + 8, bytes - 8, in};
	parts[n++] = (struct driver_part){status, 1, true};
	driver_add(&s->d, 0, parts, n);
	driver_kick(&s->d, 0);
	CHECK(driver_used(&s->d, 0, NULL) >= 0);
	return *(uint8_t *)driver_at(&s->d, status);
}

static uint8_t *data(struct setup *s)
{
	return driver_at(&s->d, s->data);
}

static int byte_at(struct setup *s, off_t at)
{
	uint8_t byte = 0;

	return pread(s->fd, &byte, 1, at) == 1 ? byte : -1;
}

static void reads(void)
{
	DISK(false);
	CHECK_INT(driver_get(&s.d, VIRTIO_MMIO_CONFIG), SECTORS);
	CHECK_INT(request(&s, VIRTIO_BLK_T_IN, 5, 1024), VIRTIO_BLK_S_OK);
	CHECK_INT(data(&s)[0], 5);
	CHECK_INT(data(&s)[511], 5);
	CHECK_INT(data(&s)[512], 6);
	CHECK_INT(data(&s)[1023], 6);
	CHECK_INT(data(&s)[1024], 0);
	close_disk(&s);
}

static void writes(void)
{
	DISK(false);
	memset(data(&s), 0xaa, 1024);
	CHECK_INT(request(&s, VIRTIO_BLK_T_OUT, 62, 1024), VIRTIO_BLK_S_OK);
	CHECK_INT(byte_at(&s, 62 * 512 - 1), 61);
	CHECK_INT(byte_at(&s, 62 * 512), 0xaa);
	CHECK_INT(byte_at(&s, BYTES - 1), 0xaa);
	CHECK_INT(request(&s, VIRTIO_BLK_T_FLUSH, 0, 0), VIRTIO_BLK_S_OK);
	close_disk(&s);
}

static void bounds(void)
{
	struct stat st;

	DISK(false);
	CHECK_INT(request(&s, VIRTIO_BLK_T_OUT, 63, 1024), VIRTIO_BLK_S_IOERR);
	CHECK_INT(request(&s, VIRTIO_BLK_T_IN, 64, 512), VIRTIO_BLK_S_IOERR);
	CHECK_INT(request(&s, VIRTIO_BLK_T_IN, UINT64_MAX, 512),
		  VIRTIO_BLK_S_IOERR);
	CHECK_INT(request(&s, VIRTIO_BLK_T_OUT, 1ULL << 55, 512),
		  VIRTIO_BLK_S_IOERR);
	CHECK_INT(request(&s, VIRTIO_BLK_T_IN, 0, 100), VIRTIO_BLK_S_IOERR);
	CHECK_INT(request(&s, 999, 0, 512), VIRTIO_BLK_S_UNSUPP);
	CHECK_INT(fstat(s.fd, &st), 0);
	CHECK_INT(st.st_size, BYTES);
	CHECK_INT(byte_at(&s, BYTES - 1), 63);
	/* The file is cut behind the device's back. */
	CHECK_INT(ftruncate(s.fd, 512), 0);
	CHECK_INT(request(&s, VIRTIO_BLK_T_IN, 1, 512), VIRTIO_BLK_S_IOERR);
	close_disk(&s);
}

static void readonly(void)
{
	DISK(true);
	CHECK(driver_get(&s.d, VIRTIO_MMIO_DEVICE_FEATURES) &
	      1 << VIRTIO_BLK_F_RO);
	CHECK_INT(request(&s, VIRTIO_BLK_T_IN, 1, 512), VIRTIO_BLK_S_OK);
	CHECK_INT(request(&s, VIRTIO_BLK_T_OUT, 1, 512), VIRTIO_BLK_S_IOERR);
	CHECK_INT(request(&s, VIRTIO_BLK_T_DISCARD, 0, 16), VIRTIO_BLK_S_IOERR);
	CHECK_INT(byte_at(&s, 512), 1);
	close_disk(&s);
}

static int erase(struct setup *s, uint32_t type, uint64_t sector, uint32_t n,
		 uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes range = {sector, n, flags};

	memcpy(data(s), &range, sizeof(range));
	return request(s, type, 0, sizeof(range));
}

static void erases(void)
{
	DISK(false);
	CHECK_INT(erase(&s, VIRTIO_BLK_T_DISCARD, 8, 8, 0), VIRTIO_BLK_S_OK);
	CHECK_INT(byte_at(&s, 8 * 512 - 1), 7);
	CHECK_INT(byte_at(&s, 8 * 512), 0);
	CHECK_INT(byte_at(&s, 16 * 512 - 1), 0);
	CHECK_INT(byte_at(&s, 16 * 512), 16);
	CHECK_INT(erase(&s, VIRTIO_BLK_T_WRITE_ZEROES, 63, 1, 1),
		  VIRTIO_BLK_S_OK);
	CHECK_INT(byte_at(&s, BYTES - 1), 0);
	CHECK_INT(erase(&s, VIRTIO_BLK_T_WRITE_ZEROES, 63, 2, 1),
		  VIRTIO_BLK_S_IOERR);
	CHECK_INT(erase(&s, VIRTIO_BLK_T_DISCARD, UINT64_MAX, 2, 0),
		  VIRTIO_BLK_S_IOERR);
	CHECK_INT(erase(&s, VIRTIO_BLK_T_DISCARD, 0, 1, 1),
		  VIRTIO_BLK_S_UNSUPP);
	CHECK_INT(request(&s, VIRTIO_BLK_T_DISCARD, 0, 24), VIRTIO_BLK_S_IOERR);
	close_disk(&s);
}

static void serial(void)
{
	DISK(false);
	CHECK_INT(request(&s, VIRTIO_BLK_T_GET_ID, 0, 20), VIRTIO_BLK_S_OK);
	CHECK_STR((char *)data(&s), "number-1");
	close_disk(&s);
}

static void no_requests(void)
{
	DISK(false);
	driver_send(&s.d, 0, "short", 5);
	driver_kick(&s.d, 0);
	CHECK_STR(fail_text(), "queue 0: request of 5 bytes");
	driver_start(&s.d, 0, 16);
	driver_send(&s.d, 0, (uint8_t[16]){}, 16);
	driver_kick(&s.d, 0);
	CHECK_STR(fail_text(), "queue 0: request without a status byte");
	driver_start(&s.d, 0, 16);
	CHECK_INT(request(&s, VIRTIO_BLK_T_IN, 1, 512), VIRTIO_BLK_S_OK);
	close_disk(&s);
}

static void no_disk(void)
{
	struct driver d;
	int fds[2];

	driver_open(&d);
	CHECK_INT(pipe(fds), 0);
	CHECK(block_create(&d.mem, &d.loop, &(struct vm_disk){.fd = fds[0]}) ==
	      NULL);
	CHECK_STR(fail_text(), "disk: Block device required");
	close(fds[0]);
	close(fds[1]);
	driver_close(&d);
}

int main(void)
{
	TEST("sectors are read, across the parts of a buffer", reads);
	TEST("sectors are written, up to the last", writes);
	TEST("what is not on the disk fails, and the file does not grow",
	     bounds);
	TEST("a read-only disk is not written", readonly);
	TEST("ranges are erased, within the disk", erases);
	TEST("the serial number is told", serial);
	TEST("a request without header or status breaks the device",
	     no_requests);
	TEST("a pipe is no disk", no_disk);
	return test_done();
}
