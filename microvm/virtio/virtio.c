/* SPDX-License-Identifier: MIT */
/* What every virtio device has: kicks, interrupts, reset, and being broken. */
#include "microvm/virtio/virtio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/log.h"
#include "lib/loop.h"

bool virtio_is_active(const struct virtio_device *dev)
{
	return dev->activated;
}

static void activate(struct virtio_device *dev)
{
	bool event_idx = virtio_has(dev, VIRTIO_RING_F_EVENT_IDX);
	int r = 0;

	for (unsigned q = 0; q < dev->ops->n_queues; q++)
		dev->queues[q].event_idx = event_idx;
	dev->activated = true;
	if (dev->ops->activate)
		r = dev->ops->activate(dev);
	if (r < 0)
		virtio_broken(dev);
}

static void kicked(struct virtio_device *dev, unsigned q)
{
	if (!(dev->status & VIRTIO_CONFIG_S_DRIVER_OK) ||
	    dev->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	if (!dev->activated)
		activate(dev);
	if (!dev->queues[q].ready)
		return;

	int r = dev->ops->kick(dev, q);

	if (r < 0) {
		fail_in(r, "queue %u", q);
		virtio_broken(dev);
	}
}

static int on_notify(void *arg, uint32_t events)
{
	const struct virtio_wire *wire = arg;
	struct virtio_device *dev = wire->dev;
	uint64_t count;

	(void)events;
	/* It fails when someone else has taken the count only. */
	(void)!read(dev->queues[wire->q].notify, &count, sizeof(count));
	pthread_mutex_lock(&dev->lock);
	kicked(dev, wire->q);
	pthread_mutex_unlock(&dev->lock);
	return 0;
}

static int make_eventfd(int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? fail(errno, "eventfd") : 0;
}

static int init_queue(struct virtio_device *dev, unsigned q)
{
	struct virtq *queue = &dev->queues[q];
	int r = make_eventfd(&queue->notify);

	queue->mem = dev->mem;
	queue->irq = dev->irq;
	queue->isr = &dev->isr;
	dev->wires[q] = (struct virtio_wire){dev, q};
	if (r == 0)
		r = loop_add(dev->loop, queue->notify, EPOLLIN, on_notify,
			     &dev->wires[q]);
	return r;
}

int virtio_init(struct virtio_device *dev, const struct virtio_ops *ops,
		const struct guestmem *mem, struct loop *loop)
{
	*dev = (struct virtio_device){
		.ops = ops,
		.mem = mem,
		.loop = loop,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.irq = -1,
	};
	for (unsigned q = 0; q < ops->n_queues; q++)
		dev->queues[q].notify = -1;

	int r = make_eventfd(&dev->irq);

	for (unsigned q = 0; r == 0 && q < ops->n_queues; q++)
		r = init_queue(dev, q);
	if (r < 0) {
		fail_in(r, "%s", ops->name);
		virtio_fini(dev);
	}
	return r;
}

void virtio_fini(struct virtio_device *dev)
{
	if (!dev->ops)
		return;
	for (unsigned q = 0; q < dev->ops->n_queues; q++) {
		int notify = dev->queues[q].notify;

		if (notify < 0)
			continue;
		loop_remove(dev->loop, notify);
		close(notify);
	}
	if (dev->irq >= 0)
		close(dev->irq);
	pthread_mutex_destroy(&dev->lock);
	dev->ops = NULL;
}

void virtio_destroy(struct virtio_device *dev)
{
	if (dev)
		dev->ops->destroy(dev);
}

static void interrupt_config(struct virtio_device *dev)
{
	/* Partner: the transport's read of the interrupt status. */
	__atomic_fetch_or(&dev->isr, VIRTIO_MMIO_INT_CONFIG, __ATOMIC_RELEASE);
	virtq_poke(dev->irq);
}

static void stop_queues(struct virtio_device *dev)
{
	for (unsigned q = 0; q < dev->ops->n_queues; q++)
		dev->queues[q].ready = false;
}

void virtio_broken(struct virtio_device *dev)
{
	if (!dev->reported)
		log_warn("guest breaks the rules of its %s device: %s",
			 dev->ops->name, fail_text());
	dev->reported = true;
	dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	dev->activated = false;
	stop_queues(dev);
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt_config(dev);
}

void virtio_config_changed(struct virtio_device *dev)
{
	dev->config_generation++;
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		interrupt_config(dev);
}

void virtio_activate(struct virtio_device *dev)
{
	for (unsigned q = 0; q < dev->ops->n_queues; q++)
		virtq_poke(dev->queues[q].notify);
}

void virtio_reset(struct virtio_device *dev)
{
	stop_queues(dev);
	dev->activated = false;
	if (dev->ops->reset)
		dev->ops->reset(dev);
	for (unsigned q = 0; q < dev->ops->n_queues; q++) {
		struct virtq *queue = &dev->queues[q];

		queue->size = 0;
		queue->desc = queue->avail = queue->used = 0;
		queue->event_idx = false;
	}
	dev->features = 0;
	dev->status = 0;
	dev->device_features_sel = dev->driver_features_sel = 0;
	dev->queue_sel = 0;
	__atomic_store_n(&dev->isr, 0, __ATOMIC_RELAXED);
}

void virtio_config_copy(const void *config, size_t config_bytes,
			uint64_t offset, void *bytes, unsigned len)
{
	if (offset >= config_bytes)
		return;
	if (len > config_bytes - offset)
		len = (unsigned)(config_bytes - offset);
	memcpy(bytes, (const uint8_t *)config + offset, len);
}

int virtio_serve_queue(struct virtio_device *dev, unsigned q,
		       struct virtq_chain *chain, virtio_serve *serve)
{
	struct virtq *queue = &dev->queues[q];
	unsigned n;
	int r = 0;

	for (n = 0; n < queue->size; n++) {
		uint32_t written = 0;

		r = virtq_next(queue, chain);
		if (r <= 0)
			break;
		r = serve(dev, chain, &written);
		if (r < 0)
			break;
		virtq_push(queue, chain->head, written);
	}
	virtq_signal(queue);
	if (n == queue->size)
		virtq_poke(queue->notify);
	return r < 0 ? r : 0;
}
