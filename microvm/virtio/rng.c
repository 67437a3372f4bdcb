/* SPDX-License-Identifier: MIT */
/* virtio-rng: random numbers of the host's. */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/fail.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

#define QUEUE_SIZE  64
#define REQUEST_MAX 4096 /* bytes for one chain; the driver asks again */

static uint32_t fill(const struct virtq_chain *chain)
{
	uint8_t bytes[REQUEST_MAX];
	size_t want = chain->write_bytes < REQUEST_MAX ? chain->write_bytes
						       : REQUEST_MAX;
	ssize_t n = getrandom(bytes, want, GRND_NONBLOCK);

	return n < 0 ? 0 : (uint32_t)virtq_copy_in(chain, 0, bytes, (size_t)n);
}

static int kick(struct virtio_device *dev, unsigned q)
{
	struct virtq *queue = &dev->queues[q];
	struct iovec iov[QUEUE_SIZE];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_SIZE};
	int r = 1;

	for (unsigned n = 0; r == 1 && n < queue->size; n++) {
		r = virtq_next(queue, &chain);
		if (r == 1)
			virtq_push(queue, chain.head, fill(&chain));
	}
	virtq_signal(queue);
	return r;
}

static void destroy(struct virtio_device *dev)
{
	virtio_fini(dev);
	free(dev);
}

static const struct virtio_ops rng_ops = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.n_queues = 1,
	.queue_max = QUEUE_SIZE,
	.kick = kick,
	.destroy = destroy,
};

struct virtio_device *rng_create(const struct guestmem *mem, struct loop *loop)
{
	struct virtio_device *dev = calloc(1, sizeof(*dev));

	if (!dev) {
		errno = -fail(ENOMEM, "virtio-rng");
		return NULL;
	}

	int r = virtio_init(dev, &rng_ops, mem, loop);

	if (r < 0) {
		free(dev);
		errno = -r;
		return NULL;
	}
	return dev;
}
