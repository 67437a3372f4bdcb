/* SPDX-License-Identifier: MIT */
/* The registers of a virtio-mmio device, version 2. */
#include "microvm/virtio/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "lib/fail.h"
#include "microvm/bus.h"
#include "microvm/virtio/virtio.h"

#define PAGE      0x1000
#define MAGIC     0x74726976 /* "virt" */
#define VERSION   2
#define VENDOR    0x4b4c4842 /* "BHLK" */
#define NO_REGION UINT32_MAX /* length and base of shared memory: none */

/* The selected queue; NULL when the device has no such one. */
static struct virtq *selected(struct virtio_device *dev)
{
	return dev->queue_sel < dev->ops->n_queues
		       ? &dev->queues[dev->queue_sel]
		       : NULL;
}

static uint32_t half(uint64_t value, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(value >> 32 * select);
}

static void set_half(uint64_t *value, bool high, uint32_t half_value)
{
	unsigned shift = high ? 32 : 0;

	*value = (*value & ~(0xffffffffULL << shift)) | (uint64_t)half_value
								<< shift;
}

/* -- Reads ---------------------------------------------------------------- */

static uint32_t read_register(struct virtio_device *dev, uint64_t offset)
{
	const struct virtq *q = selected(dev);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE: return MAGIC;
	case VIRTIO_MMIO_VERSION: return VERSION;
	case VIRTIO_MMIO_DEVICE_ID: return dev->ops->id;
	case VIRTIO_MMIO_VENDOR_ID: return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return half(dev->offered, dev->device_features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX: return q ? dev->ops->queue_max : 0;
	case VIRTIO_MMIO_QUEUE_READY: return q && q->live;
	case VIRTIO_MMIO_STATUS: return dev->status;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH: return NO_REGION;
	case VIRTIO_MMIO_CONFIG_GENERATION: return dev->config_generation;
	default: return 0; /* registers to write only, and none */
	}
}

static void handle_read(void *arg, uint64_t offset, void *bytes, unsigned len)
{
	struct virtio_device *dev = arg;
	uint32_t value;

	memset(bytes, 0, len);
	/* Without the lock: at each interrupt, while the device may work. */
	if (offset == VIRTIO_MMIO_INTERRUPT_STATUS && len == sizeof(value)) {
		/* Pairs with the releases where a bit is set. */
		value = __atomic_load_n(&dev->isr, __ATOMIC_ACQUIRE);
		memcpy(bytes, &value, sizeof(value));
		return;
	}
	pthread_mutex_lock(&dev->lock);
	if (offset >= VIRTIO_MMIO_CONFIG) {
		if (dev->ops->config_read)
			dev->ops->config_read(dev, offset - VIRTIO_MMIO_CONFIG,
					      bytes, len);
	} else if (len == sizeof(value)) {
		value = read_register(dev, offset);
		memcpy(bytes, &value, sizeof(value));
	}
	pthread_mutex_unlock(&dev->lock);
}

/* -- Writes --------------------------------------------------------------- */

/* Features are settled when the driver says so, and not before it knows the
 * device. */
static void write_features(struct virtio_device *dev, uint32_t value)
{
	if ((dev->status & VIRTIO_CONFIG_S_DRIVER) &&
	    !(dev->status & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    dev->driver_features_sel <= 1)
		set_half(&dev->features, dev->driver_features_sel, value);
}

static bool features_fit(const struct virtio_device *dev)
{
	return !(dev->features & ~dev->offered) &&
	       virtio_has(dev, VIRTIO_F_VERSION_1);
}

/* Bits are added in the order that each needs the one before, never taken
 * back but by a reset. */
static void write_status(struct virtio_device *dev, uint32_t value)
{
	const uint32_t had = dev->status;

	if (value == 0) {
		virtio_reset(dev);
		return;
	}
	dev->status |=
		value & (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_FAILED);
	if ((value & VIRTIO_CONFIG_S_DRIVER) &&
	    (dev->status & VIRTIO_CONFIG_S_ACKNOWLEDGE))
		dev->status |= VIRTIO_CONFIG_S_DRIVER;
	if ((value & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    (dev->status & VIRTIO_CONFIG_S_DRIVER) && features_fit(dev))
		dev->status |= VIRTIO_CONFIG_S_FEATURES_OK;
	if ((value & VIRTIO_CONFIG_S_DRIVER_OK) &&
	    (dev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		dev->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	if ((dev->status & ~had) & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_activate(dev);
}

static void start_queue(struct virtio_device *dev, struct virtq *q)
{
	int r;

	q->event_idx = virtio_has(dev, VIRTIO_RING_F_EVENT_IDX);
	r = q->size > dev->ops->queue_max
		    ? fail_plain(EINVAL, "queue of size %u", q->size)
		    : virtq_start(q);
	if (r < 0) {
		fail_in(r, "queue %u", dev->queue_sel);
		virtio_broken(dev);
	}
}

/* A queue is placed between the agreement on features and the driver's start,
 * while it is not in use. */
static void write_queue(struct virtio_device *dev, uint64_t offset,
			uint32_t value)
{
	const uint32_t both =
		VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
	struct virtq *q = selected(dev);

	if (!q)
		return;
	if (offset == VIRTIO_MMIO_QUEUE_READY && value == 0)
		q->live = false;
	if (q->live || (dev->status & both) != VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		q->size = value > UINT16_MAX ? 0 : (uint16_t)value;
		break;
	case VIRTIO_MMIO_QUEUE_READY:
		if (value == 1)
			start_queue(dev, q);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_half(&q->desc, offset & 4, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_half(&q->avail, offset & 4, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_half(&q->used, offset & 4, value);
		break;
	}
}

static void write_register(struct virtio_device *dev, uint64_t offset,
			   uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		dev->device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES: write_features(dev, value); break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		dev->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL: dev->queue_sel = value; break;
	case VIRTIO_MMIO_STATUS: write_status(dev, value); break;
	default: write_queue(dev, offset, value); break;
	}
}

static void handle_write(void *arg, uint64_t offset, const void *bytes,
			 unsigned len)
{
	struct virtio_device *dev = arg;
	uint32_t value = 0;

	if (len == sizeof(value))
		memcpy(&value, bytes, sizeof(value));
	if (offset < VIRTIO_MMIO_CONFIG && len != sizeof(value))
		return;
	/* These two without the lock, as reads of InterruptStatus. */
	if (offset == VIRTIO_MMIO_QUEUE_NOTIFY) {
		if (value < dev->ops->n_queues)
			virtio_wake(dev, value);
		return;
	}
	if (offset == VIRTIO_MMIO_INTERRUPT_ACK) {
		__atomic_fetch_and(&dev->isr, ~value, __ATOMIC_RELAXED);
		return;
	}
	pthread_mutex_lock(&dev->lock);
	if (offset < VIRTIO_MMIO_CONFIG)
		write_register(dev, offset, value);
	else if (dev->ops->config_write)
		dev->ops->config_write(dev, offset - VIRTIO_MMIO_CONFIG, bytes,
				       len);
	pthread_mutex_unlock(&dev->lock);
}

static const struct bus_ops mmio_ops = {
	.read = handle_read,
	.write = handle_write,
};

int mmio_attach(struct virtio_device *dev, struct bus *bus, gpa_t base)
{
	return bus_add(bus, base, PAGE, &mmio_ops, dev);
}
