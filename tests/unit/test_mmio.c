/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/mmio.c and virtio.c. */
#include "microvm/virtio/mmio.h"

#include "lib/log.h"
#include "tests/unit/driver.h"

#define STATUS VIRTIO_MMIO_STATUS

static void registers(void)
{
	struct driver d;
	uint8_t byte = 0xaa;
	uint64_t wide = ~0ULL;

	driver_init(&d);
	driver_attach(&d, rng_create(&d.mem, &d.loop));
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_VERSION), 2);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	bus_read(&d.bus, DRIVER_MMIO, &byte, 1);
	CHECK_INT(byte, 0);
	bus_read(&d.bus, DRIVER_MMIO, &wide, 8);
	CHECK(wide == 0);
	driver_write(&d, VIRTIO_MMIO_QUEUE_SEL, 1);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	driver_write(&d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 7);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	CHECK(driver_offered(&d) ==
	      (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX |
	       1ULL << VIRTIO_RING_F_INDIRECT_DESC));
	driver_fini(&d);
}

static void order(void)
{
	struct driver d;

	driver_init(&d);
	driver_attach(&d, rng_create(&d.mem, &d.loop));
	driver_write(&d, STATUS, 2); /* DRIVER before ACKNOWLEDGE */
	CHECK_INT(driver_read(&d, STATUS), 0);
	driver_write(&d, STATUS, 5); /* DRIVER_OK before all */
	CHECK_INT(driver_read(&d, STATUS), 1);
	CHECK(!driver_negotiate(&d, 0)); /* VERSION_1 is a must */
	CHECK_INT(driver_read(&d, STATUS), 3);
	CHECK(!driver_queue(&d, 0, 16));
	CHECK(!driver_negotiate(&d, 1ULL << VIRTIO_F_VERSION_1 | 1));
	CHECK(driver_negotiate(&d, 1ULL << VIRTIO_F_VERSION_1));
	driver_write(&d, VIRTIO_MMIO_DRIVER_FEATURES, 0); /* too late */
	CHECK(d.dev->features == 1ULL << VIRTIO_F_VERSION_1);
	CHECK(driver_queue(&d, 0, 16));
	driver_write(&d, VIRTIO_MMIO_QUEUE_NUM, 3); /* in use */
	CHECK_INT(d.dev->queues[0].size, 16);
	driver_write(&d, STATUS, 15);
	driver_write(&d, STATUS, 1);  /* bits are not taken back */
	driver_write(&d, STATUS, 64); /* nor is a reset asked for */
	CHECK_INT(driver_read(&d, STATUS), 15);
	driver_write(&d, VIRTIO_MMIO_QUEUE_READY, 0);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_write(&d, STATUS, 0);
	CHECK_INT(driver_read(&d, STATUS), 0);
	CHECK(d.dev->features == 0 && d.dev->queues[0].size == 0);
	driver_fini(&d);
}

static void interrupts(void)
{
	const struct driver_part part = {DRIVER_BUFFER, 8, true};
	struct driver d;

	driver_init(&d);
	driver_attach(&d, rng_create(&d.mem, &d.loop));
	CHECK(driver_start(&d, 1ULL << VIRTIO_RING_F_EVENT_IDX));
	driver_interrupts(&d);
	driver_write(&d, VIRTIO_MMIO_INTERRUPT_ACK, 3);
	driver_add(&d, 0, &part, 1);
	driver_kick(&d, 0);
	CHECK_INT(driver_interrupts(&d), 1);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	pthread_mutex_lock(&d.dev->lock);
	virtio_config_changed(d.dev);
	pthread_mutex_unlock(&d.dev->lock);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_CONFIG_GENERATION), 1);
	driver_write(&d, VIRTIO_MMIO_INTERRUPT_ACK, 1);
	CHECK_INT(driver_read(&d, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	driver_fini(&d);
}

static void broken(void)
{
	const struct driver_part wrong = {DRIVER_RAM, 8, true};
	const struct driver_part good = {DRIVER_BUFFER, 8, true};
	struct driver d;

	log_set_level(LOG_LEVEL_ERROR);
	driver_init(&d);
	driver_attach(&d, rng_create(&d.mem, &d.loop));
	CHECK(driver_start(&d, 0));
	driver_interrupts(&d);
	driver_add(&d, 0, &wrong, 1);
	driver_kick(&d, 0);
	CHECK(driver_is_broken(&d));
	CHECK(driver_interrupts(&d) > 0);
	CHECK(driver_read(&d, VIRTIO_MMIO_INTERRUPT_STATUS) & 2);
	driver_add(&d, 0, &good, 1);
	driver_kick(&d, 0);
	CHECK_INT(driver_used(&d, 0, NULL), -1);
	CHECK(driver_start(&d, 0));
	driver_add(&d, 0, &good, 1);
	driver_kick(&d, 0);
	CHECK_INT(driver_used(&d, 0, NULL), 0);
	driver_fini(&d);
}

int main(void)
{
	TEST("registers are read by words, and tell what the device is",
	     registers);
	TEST("status bits, features and queues come in their order only",
	     order);
	TEST("interrupts have causes that the driver takes back", interrupts);
	TEST("a broken device rests until its reset, then works again", broken);
	return test_done();
}
