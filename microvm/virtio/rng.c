/* SPDX-License-Identifier: MIT */
/* virtio-rng: the host's random numbers (virtio 1.2, section 5.4). */
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/fail.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

#define QUEUE_MAX 8
#define BYTES_MAX 256 /* of one request: the kernel gives them in one go */

static int serve(struct virtio_device *dev, const struct virtq_chain *chain,
		 uint32_t *written)
{
	uint8_t bytes[BYTES_MAX];
	size_t want = chain->write_bytes;
	ssize_t n = getrandom(bytes, want < BYTES_MAX ? want : BYTES_MAX, 0);

	(void)dev;
	if (n < 0)
		return fail(errno, "random numbers");
	*written = (uint32_t)virtq_copy_in(chain, 0, bytes, (size_t)n);
	return 0;
}

static int rng_kick(struct virtio_device *dev, unsigned q)
{
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};

	return virtio_serve_queue(dev, q, &chain, serve);
}

static void rng_destroy(struct virtio_device *dev)
{
	virtio_fini(dev);
	free(dev);
}

static const struct virtio_ops rng_ops = {
	.name = "rng",
	.id = VIRTIO_ID_RNG,
	.n_queues = 1,
	.queue_max = QUEUE_MAX,
	.kick = rng_kick,
	.destroy = rng_destroy,
};

struct virtio_device *rng_create(const struct guestmem *mem, struct loop *loop)
{
	struct virtio_device *dev = calloc(1, sizeof(*dev));

	if (!dev) {
		fail(ENOMEM, "rng");
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
