/* SPDX-License-Identifier: MIT */
/* The virtio-mmio transport: what each register reads and writes. */
#include "microvm/virtio/mmio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "lib/fail.h"
#include "microvm/bus.h"
#include "microvm/virtio/virtio.h"

#define REGISTERS_BYTES 0x1000
#define MAGIC           0x74726976 /* "virt" */
#define VERSION         2
#define VENDOR          0x48424c4b
#define BIT(n)          (1ULL << (n))

#define TRANSPORT_FEATURES                                            \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
	 BIT(VIRTIO_RING_F_EVENT_IDX))

#define STATUS_OF_DRIVER                                           \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |    \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK | \
	 VIRTIO_CONFIG_S_FAILED)

static uint64_t offered(const struct virtio_device *dev)
{
	return dev->ops->features | TRANSPORT_FEATURES;
}

/* The half of a 64-bit feature set that sel names. */
static uint32_t feature_word(uint64_t features, uint32_t sel)
{
	return sel < 2 ? (uint32_t)(features >> 32 * sel) : 0;
}

/* NULL: the driver selected none. */
static struct virtq *selected(struct virtio_device *dev)
{
	return dev->queue_sel < dev->ops->n_queues
		       ? &dev->queues[dev->queue_sel]
		       : NULL;
}

static uint32_t read_register(struct virtio_device *dev, uint64_t offset)
{
	const struct virtq *q = selected(dev);

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE: return MAGIC;
	case VIRTIO_MMIO_VERSION: return VERSION;
	case VIRTIO_MMIO_DEVICE_ID: return dev->ops->id;
	case VIRTIO_MMIO_VENDOR_ID: return VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return feature_word(offered(dev), dev->device_features_sel);
	case VIRTIO_MMIO_QUEUE_NUM_MAX: return q ? dev->ops->queue_max : 0;
	case VIRTIO_MMIO_QUEUE_READY: return q && q->ready;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		/* Partner: virtq_signal() and interrupt_config(). */
		return __atomic_load_n(&dev->isr, __ATOMIC_ACQUIRE);
	case VIRTIO_MMIO_STATUS: return dev->status;
	case VIRTIO_MMIO_SHM_LEN_LOW: /* all ones: there is no region */
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH: return UINT32_MAX;
	case VIRTIO_MMIO_CONFIG_GENERATION: return dev->config_generation;
	default: /* for writing only, or not of this version */ return 0;
	}
}

static void write_features(struct virtio_device *dev, uint32_t value)
{
	uint32_t sel = dev->driver_features_sel;

	if (dev->status & VIRTIO_CONFIG_S_FEATURES_OK || sel >= 2)
		return;
	dev->features &= ~((uint64_t)UINT32_MAX << 32 * sel);
	dev->features |= (uint64_t)value << 32 * sel;
}

/* FEATURES_OK stays clear when the driver's choice is none of ours. */
static bool features_fit(const struct virtio_device *dev)
{
	return (dev->features & ~offered(dev)) == 0 &&
	       virtio_has(dev, VIRTIO_F_VERSION_1);
}

static int change_status(struct virtio_device *dev, uint32_t value)
{
	uint32_t before = dev->status;
	uint32_t set = value & ~before & STATUS_OF_DRIVER;

	if (before & ~value)
		return fail_plain(EINVAL, "status %#x after %#x", value,
				  before);
	if (set & VIRTIO_CONFIG_S_FEATURES_OK && !features_fit(dev))
		set &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	dev->status |= set & ~VIRTIO_CONFIG_S_DRIVER_OK;
	if (!(set & VIRTIO_CONFIG_S_DRIVER_OK))
		return 0;
	if (!(dev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return fail_plain(EINVAL, "ready without features");
	dev->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	virtio_activate(dev);
	return 0;
}

static int write_status(struct virtio_device *dev, uint32_t value)
{
	if (value == 0) {
		virtio_reset(dev);
		return 0;
	}
	if (dev->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return 0;
	return change_status(dev, value);
}

static int write_queue_ready(struct virtio_device *dev, struct virtq *q,
			     uint32_t value)
{
	if (value == 0) {
		q->ready = false;
		return 0;
	}
	if (q->ready || dev->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return 0;
	if (q->size > dev->ops->queue_max)
		return fail_plain(EINVAL, "queue size %u, more than %u",
				  q->size, dev->ops->queue_max);
	return virtq_start(q);
}

static void set_low(gpa_t *gpa, uint32_t value)
{
	*gpa = (*gpa & ~(gpa_t)UINT32_MAX) | value;
}

static void set_high(gpa_t *gpa, uint32_t value)
{
	*gpa = (*gpa & UINT32_MAX) | (gpa_t)value << 32;
}

/* A queue in use stays where it is; so does none that is not there. */
static void write_queue_place(struct virtq *q, uint64_t offset, uint32_t value)
{
	if (q->ready)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		q->size = value <= UINT16_MAX ? (uint16_t)value : 0;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW: set_low(&q->desc, value); break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH: set_high(&q->desc, value); break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW: set_low(&q->avail, value); break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH: set_high(&q->avail, value); break;
	case VIRTIO_MMIO_QUEUE_USED_LOW: set_low(&q->used, value); break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH: set_high(&q->used, value); break;
	default: /* read-only, or not of this version */ break;
	}
}

static int write_register(struct virtio_device *dev, uint64_t offset,
			  uint32_t value)
{
	struct virtq *q = selected(dev);

	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		dev->device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES: write_features(dev, value); break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		dev->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_SEL: dev->queue_sel = value; break;
	case VIRTIO_MMIO_QUEUE_READY:
		return q ? write_queue_ready(dev, q, value) : 0;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (value < dev->ops->n_queues)
			virtq_poke(dev->queues[value].notify);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		__atomic_fetch_and(&dev->isr, ~value, __ATOMIC_RELAXED);
		break;
	case VIRTIO_MMIO_STATUS: return write_status(dev, value);
	default:
		if (q)
			write_queue_place(q, offset, value);
		break;
	}
	return 0;
}

/* Registers are 32 bits wide and accessed whole. */
static bool is_register(uint64_t offset, unsigned len)
{
	return offset < VIRTIO_MMIO_CONFIG && len == 4 && offset % 4 == 0;
}

static void mmio_read(void *arg, uint64_t offset, void *bytes, unsigned len)
{
	struct virtio_device *dev = arg;

	memset(bytes, 0, len);
	pthread_mutex_lock(&dev->lock);
	if (is_register(offset, len)) {
		uint32_t value = read_register(dev, offset);

		memcpy(bytes, &value, sizeof(value));
	} else if (offset >= VIRTIO_MMIO_CONFIG && dev->ops->config_read) {
		dev->ops->config_read(dev, offset - VIRTIO_MMIO_CONFIG, bytes,
				      len);
	}
	pthread_mutex_unlock(&dev->lock);
}

static void mmio_write(void *arg, uint64_t offset, const void *bytes,
		       unsigned len)
{
	struct virtio_device *dev = arg;
	uint32_t value;

	pthread_mutex_lock(&dev->lock);
	if (is_register(offset, len)) {
		memcpy(&value, bytes, sizeof(value));
		if (write_register(dev, offset, value) < 0)
			virtio_broken(dev);
	} else if (offset >= VIRTIO_MMIO_CONFIG && dev->ops->config_write) {
		dev->ops->config_write(dev, offset - VIRTIO_MMIO_CONFIG, bytes,
				       len);
	}
	pthread_mutex_unlock(&dev->lock);
}

static const struct bus_ops mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
};

int mmio_attach(struct virtio_device *dev, struct bus *bus, gpa_t base)
{
	return bus_add(bus, base, REGISTERS_BYTES, &mmio_ops, dev);
}
