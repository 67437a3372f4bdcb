/* SPDX-License-Identifier: MIT */
/* What every virtio device has: its lock, its kicks, its interrupt, its end. */
#include "microvm/virtio/virtio.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/log.h"
#include "lib/loop.h"

#define FEATURES_OF_ALL                                                 \
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX | \
	 1ULL << VIRTIO_RING_F_INDIRECT_DESC)

static void raise_event(int eventfd)
{
	const uint64_t one = 1;

	/* It fails when the counter is full: then it is raised anyway. */
	(void)!write(eventfd, &one, sizeof(one));
}

bool virtio_is_running(const struct virtio_device *dev)
{
	return (dev->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       !(dev->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

void virtio_wake(struct virtio_device *dev, unsigned q)
{
	raise_event(dev->queues[q].notify);
}

void virtio_served(struct virtio_device *dev, unsigned q, int r)
{
	if (r < 0)
		virtio_broken(dev);
	else if (r > 0)
		virtio_wake(dev, q);
}

static void serve(struct virtio_device *dev, unsigned q)
{
	int r = 0;

	if (!virtio_is_running(dev))
		return;
	if (!dev->active) {
		dev->active = true;
		if (dev->ops->activate)
			r = dev->ops->activate(dev);
	}
	if (r == 0 && dev->queues[q].live && dev->ops->kick)
		r = dev->ops->kick(dev, q);
	virtio_served(dev, q, r);
}

static int handle_kick(void *arg, uint32_t events)
{
	const struct virtio_kick *kick = arg;
	struct virtio_device *dev = kick->dev;
	uint64_t count;

	(void)events;
	if (read(dev->queues[kick->q].notify, &count, sizeof(count)) < 0)
		return 0;
	pthread_mutex_lock(&dev->lock);
	serve(dev, kick->q);
	pthread_mutex_unlock(&dev->lock);
	return 0;
}

void virtio_activate(struct virtio_device *dev)
{
	for (unsigned i = 0; i < dev->ops->n_queues; i++)
		virtio_wake(dev, i);
}

void virtio_reset(struct virtio_device *dev)
{
	if (dev->active && dev->ops->reset)
		dev->ops->reset(dev);
	dev->active = false;
	dev->features = 0;
	dev->status = 0;
	dev->device_features_sel = dev->driver_features_sel = 0;
	dev->queue_sel = 0;
	for (unsigned i = 0; i < dev->ops->n_queues; i++)
		dev->queues[i] = (struct virtq){
			.mem = dev->mem,
			.notify = dev->queues[i].notify,
			.irq = dev->irq,
			.isr = &dev->isr,
		};
	__atomic_store_n(&dev->isr, 0, __ATOMIC_RELAXED);
}

static void tell_config(struct virtio_device *dev)
{
	/* Pairs with the acquire of the transport's InterruptStatus. */
	__atomic_fetch_or(&dev->isr, VIRTIO_MMIO_INT_CONFIG, __ATOMIC_RELEASE);
	raise_event(dev->irq);
}

void virtio_broken(struct virtio_device *dev)
{
	if (!dev->reported)
		log_warn(
			"guest: virtio-%s: %s (the device waits for its reset)",
			dev->ops->name, fail_text());
	dev->reported = true;
	dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		tell_config(dev);
}

void virtio_config_changed(struct virtio_device *dev)
{
	dev->config_generation++;
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		tell_config(dev);
}

static int init_queue(struct virtio_device *dev, unsigned q)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return fail(errno, "create an eventfd");
	dev->queues[q].notify = fd;
	dev->kicks[q] = (struct virtio_kick){dev, q};
	return loop_add(dev->loop, fd, EPOLLIN, handle_kick, &dev->kicks[q]);
}

int virtio_init(struct virtio_device *dev, const struct virtio_ops *ops,
		const struct guestmem *mem, struct loop *loop)
{
	int r = 0;

	*dev = (struct virtio_device){
		.ops = ops,
		.mem = mem,
		.loop = loop,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.offered = ops->features | FEATURES_OF_ALL,
		.irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	for (unsigned i = 0; i < ops->n_queues; i++)
		dev->queues[i].notify = -1;
	if (dev->irq < 0)
		r = fail(errno, "create an eventfd");
	for (unsigned i = 0; r == 0 && i < ops->n_queues; i++)
		r = init_queue(dev, i);
	if (r == 0)
		virtio_reset(dev);
	else
		virtio_fini(dev);
	return r < 0 ? fail_in(r, "virtio-%s", ops->name) : 0;
}

void virtio_fini(struct virtio_device *dev)
{
	if (!dev->ops)
		return;
	for (unsigned i = 0; i < dev->ops->n_queues; i++) {
		if (dev->queues[i].notify < 0)
			continue;
		loop_remove(dev->loop, dev->queues[i].notify);
		close(dev->queues[i].notify);
	}
	if (dev->irq >= 0)
		close(dev->irq);
	pthread_mutex_destroy(&dev->lock);
	*dev = (struct virtio_device){};
}

void virtio_destroy(struct virtio_device *dev)
{
	if (dev)
		dev->ops->destroy(dev);
}
