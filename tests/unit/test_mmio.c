/* SPDX-License-Identifier: MIT */
/* Tests of microvm/virtio/mmio.c and virtio.c, by a device that only counts. */
#include "tests/unit/driver.h"

#define FEATURE     (1ULL << 5)
#define HIGH        (1ULL << 40)
#define VERSION_1   (1ULL << VIRTIO_F_VERSION_1)
#define ACK         VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER      VIRTIO_CONFIG_S_DRIVER
#define FEATURES_OK VIRTIO_CONFIG_S_FEATURES_OK
#define DRIVER_OK   VIRTIO_CONFIG_S_DRIVER_OK
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET

struct counter {
	struct virtio_device dev;
	unsigned activated, resets, kicks[2];
	uint8_t config[8];
};

static struct counter *counter_of(struct virtio_device *dev)
{
	return (struct counter *)dev;
}

static int count_activate(struct virtio_device *dev)
{
	counter_of(dev)->activated++;
	return 0;
}

static int count_kick(struct virtio_device *dev, unsigned q)
{
	counter_of(dev)->kicks[q]++;
	return 0;
}

static void count_reset(struct virtio_device *dev)
{
	counter_of(dev)->resets++;
}

static void config_read(struct virtio_device *dev, uint64_t offset, void *bytes,
			unsigned len)
{
	virtio_config_copy(counter_of(dev)->config, 8, offset, bytes, len);
}

static void config_write(struct virtio_device *dev, uint64_t offset,
			 const void *bytes, unsigned len)
{
	if (offset < 8 && len <= 8 - offset)
		memcpy(counter_of(dev)->config + offset, bytes, len);
}

static const struct virtio_ops ops;

static void count_destroy(struct virtio_device *dev)
{
	virtio_fini(dev);
}

static const struct virtio_ops ops = {
	.name = "counter",
	.id = 42,
	.n_queues = 2,
	.queue_max = 16,
	.features = FEATURE | HIGH,
	.config_read = config_read,
	.config_write = config_write,
	.activate = count_activate,
	.kick = count_kick,
	.reset = count_reset,
	.destroy = count_destroy,
};

static void open_counter(struct driver *d, struct counter *c)
{
	*c = (struct counter){.config = {1, 2, 3, 4, 5, 6, 7, 8}};
	driver_open(d);
	CHECK_INT(virtio_init(&c->dev, &ops, &d->mem, &d->loop), 0);
	driver_attach(d, &c->dev);
}

#define COUNTER           \
	struct driver d;  \
	struct counter c; \
	open_counter(&d, &c)

static uint32_t offered(struct driver *d, uint32_t sel)
{
	driver_set(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, sel);
	return driver_get(d, VIRTIO_MMIO_DEVICE_FEATURES);
}

static void identity(void)
{
	COUNTER;
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_VERSION), 2);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_DEVICE_ID), 42);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	CHECK_INT(offered(&d, 0), FEATURE | 1 << VIRTIO_RING_F_EVENT_IDX |
					  1 << VIRTIO_RING_F_INDIRECT_DESC);
	CHECK_INT(offered(&d, 1), (VERSION_1 | HIGH) >> 32);
	CHECK_INT(offered(&d, 2), 0);
	driver_close(&d);
}

static void negotiates(void)
{
	COUNTER;
	CHECK_INT(driver_negotiate(&d, VERSION_1 | HIGH),
		  ACK | DRIVER | FEATURES_OK);
	CHECK_INT(c.dev.features, VERSION_1 | HIGH);
	driver_set(&d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	driver_set(&d, VIRTIO_MMIO_DRIVER_FEATURES, FEATURE);
	CHECK(!virtio_has(&c.dev, 5)); /* too late */
	CHECK_INT(driver_negotiate(&d, FEATURE), ACK | DRIVER);
	CHECK_INT(driver_negotiate(&d, VERSION_1 | 2), ACK | DRIVER);
	driver_close(&d);
}

static void activates(void)
{
	COUNTER;
	driver_negotiate(&d, VERSION_1);
	driver_queue(&d, 0, 16);
	driver_kick(&d, 0);
	CHECK_INT(c.kicks[0], 0);
	CHECK(!virtio_is_active(&c.dev));
	driver_set(&d, VIRTIO_MMIO_STATUS, driver_status(&d) | DRIVER_OK);
	driver_run(&d);
	CHECK_INT(c.activated, 1);
	CHECK_INT(c.kicks[0], 1);
	CHECK_INT(c.kicks[1], 0); /* not set up */
	driver_kick(&d, 0);
	driver_kick(&d, 1);
	driver_kick(&d, 2);
	driver_kick(&d, UINT32_MAX);
	CHECK_INT(c.activated, 1);
	CHECK_INT(c.kicks[0], 2);
	CHECK_INT(c.kicks[1], 0);
	driver_close(&d);
}

static void resets(void)
{
	COUNTER;
	driver_start(&d, FEATURE, 16);
	virtio_config_changed(&c.dev);
	driver_set(&d, VIRTIO_MMIO_STATUS, 0);
	CHECK_INT(c.resets, 2); /* the handshake begins with one */
	CHECK_INT(driver_status(&d), 0);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_QUEUE_READY), 0);
	CHECK_INT(c.dev.features, 0);
	driver_kick(&d, 0);
	CHECK_INT(c.kicks[0], 1);
	driver_start(&d, FEATURE, 8);
	CHECK_INT(c.activated, 2);
	CHECK_INT(c.kicks[0], 2);
	driver_close(&d);
}

static void queues(void)
{
	COUNTER;
	driver_negotiate(&d, VERSION_1);
	driver_set(&d, VIRTIO_MMIO_QUEUE_SEL, 2);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	driver_set(&d, VIRTIO_MMIO_QUEUE_READY, 1);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_queue(&d, 1, 4);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_QUEUE_NUM_MAX), 16);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_QUEUE_READY), 1);
	driver_set(&d, VIRTIO_MMIO_QUEUE_NUM, 8);
	driver_set(&d, VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
	CHECK_INT(c.dev.queues[1].size, 4);
	CHECK_INT(c.dev.queues[1].desc, DRIVER_RINGS(1));
	driver_set(&d, VIRTIO_MMIO_QUEUE_READY, 0);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_QUEUE_READY), 0);
	driver_set(&d, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0x12);
	CHECK_INT(c.dev.queues[1].desc, 0x1200000000 | DRIVER_RINGS(1));
	driver_close(&d);
}

static void refuse_queue(uint32_t size, gpa_t desc, const char *why)
{
	COUNTER;
	driver_negotiate(&d, VERSION_1);
	driver_set(&d, VIRTIO_MMIO_QUEUE_NUM, size);
	driver_set_place(&d, VIRTIO_MMIO_QUEUE_DESC_LOW, desc);
	driver_set(&d, VIRTIO_MMIO_QUEUE_READY, 1);
	CHECK(driver_status(&d) & NEEDS_RESET);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_QUEUE_READY), 0);
	CHECK_STR(fail_text(), why);
	driver_start(&d, 0, 16);
	CHECK_INT(c.kicks[0], 1);
	driver_close(&d);
}

static void refuses_queues(void)
{
	refuse_queue(32, 0, "queue size 32, more than 16");
	refuse_queue(0x10008, 0, "queue size 0");
	refuse_queue(8, DRIVER_MEMORY,
		     "descriptor ring at 0x400000 is outside memory");
}

static void status_mistakes(void)
{
	COUNTER;
	driver_negotiate(&d, VERSION_1);
	driver_set(&d, VIRTIO_MMIO_STATUS, ACK);
	CHECK_INT(driver_status(&d), ACK | DRIVER | FEATURES_OK | NEEDS_RESET);
	driver_set(&d, VIRTIO_MMIO_STATUS, 0xff);
	driver_run(&d);
	CHECK_INT(driver_status(&d), ACK | DRIVER | FEATURES_OK | NEEDS_RESET);
	CHECK_INT(c.activated, 0);
	driver_set(&d, VIRTIO_MMIO_STATUS, 0);
	driver_set(&d, VIRTIO_MMIO_STATUS, ACK | DRIVER | DRIVER_OK);
	CHECK_INT(driver_status(&d), ACK | DRIVER | NEEDS_RESET);
	driver_start(&d, 0, 8);
	CHECK_INT(driver_status(&d), ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	driver_close(&d);
}

static void interrupts(void)
{
	COUNTER;
	driver_start(&d, 0, 8);
	CHECK_INT(driver_interrupts(&d), 0);
	virtio_config_changed(&c.dev);
	CHECK_INT(driver_interrupts(&d), 1);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_INTERRUPT_STATUS),
		  VIRTIO_MMIO_INT_CONFIG);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_CONFIG_GENERATION), 1);
	driver_set(&d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_INTERRUPT_STATUS),
		  VIRTIO_MMIO_INT_CONFIG);
	driver_set(&d, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	CHECK_INT(driver_get(&d, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	driver_close(&d);
}

static uint64_t read_sized(struct driver *d, uint64_t offset, unsigned len)
{
	uint64_t value = UINT64_MAX;

	bus_read(&d->bus, DRIVER_BASE + offset, &value, len);
	return len == 8 ? value : value & ((1ULL << 8 * len) - 1);
}

static void sizes(void)
{
	COUNTER;
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_CONFIG, 1), 1);
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_CONFIG + 1, 2), 0x0302);
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_CONFIG + 4, 4), 0x08070605);
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_CONFIG, 8), 0x0807060504030201);
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_CONFIG + 6, 4), 0x0807);
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_CONFIG + 8, 4), 0);
	CHECK_INT(read_sized(&d, 0xff8, 8), 0);
	bus_write(&d.bus, DRIVER_BASE + VIRTIO_MMIO_CONFIG + 2, "xy", 2);
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_CONFIG, 4), 0x79780201);
	/* Registers are read and written whole. */
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_MAGIC_VALUE, 1), 0);
	CHECK_INT(read_sized(&d, VIRTIO_MMIO_MAGIC_VALUE, 8), 0);
	CHECK_INT(read_sized(&d, 2, 4), 0);
	bus_write(&d.bus, DRIVER_BASE + VIRTIO_MMIO_STATUS, "\1", 1);
	CHECK_INT(driver_status(&d), 0);
	driver_close(&d);
}

int main(void)
{
	TEST("the device says what it is and what it offers", identity);
	TEST("features are taken once, and only those offered", negotiates);
	TEST("kicks count from DRIVER_OK on, for queues that are there",
	     activates);
	TEST("a reset forgets all, and the device starts again", resets);
	TEST("a queue stays where it is while it is used", queues);
	TEST("a queue that does not fit breaks the device until its reset",
	     refuses_queues);
	TEST("a status that goes back or ahead breaks the device until its "
	     "reset",
	     status_mistakes);
	TEST("interrupts are counted, shown and acknowledged", interrupts);
	TEST("configuration is read by any size, registers by theirs", sizes);
	return test_done();
}
