/* SPDX-License-Identifier: MIT */
/* virtio-balloon: memory that the guest does not use goes to the host (5.5). */
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/fail.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

#define QUEUE_MAX 32 /* free page reporting comes in chains of 32 */
#define PAGE      (1ULL << VIRTIO_BALLOON_PFN_SHIFT)
#define PAGES_MAX 256 /* frame numbers copied at a time */

/* The third is the reporting queue: those of features that are not offered
 * have no place. */
enum { INFLATE, DEFLATE, REPORTING, N_QUEUES };

/* The pages read as zeroes from now on. A failure leaves them as they are:
 * that costs memory only. */
static void give_back(const struct guestmem *mem, uint8_t *host, size_t bytes)
{
	size_t before = -(uintptr_t)host % PAGE;

	if (bytes < before)
		return;
	(void)madvise(host + before, (bytes - before) / PAGE * PAGE,
		      mem->fd < 0 ? MADV_DONTNEED : MADV_REMOVE);
}

static int give_page(const struct guestmem *mem, uint32_t frame)
{
	uint8_t *host = guestmem_at(mem, frame * PAGE, PAGE);

	if (!host)
		return fail_plain(EINVAL, "page frame %#x", frame);
	give_back(mem, host, PAGE);
	return 0;
}

static int serve_inflate(struct virtio_device *dev,
			 const struct virtq_chain *chain, uint32_t *written)
{
	uint32_t frames[PAGES_MAX];
	size_t done = 0, n;
	int r = 0;

	*written = 0;
	if (chain->read_bytes > QUEUE_MAX * PAGE)
		return fail_plain(EINVAL, "%zu bytes of page frames",
				  chain->read_bytes);
	do {
		n = virtq_copy_out(chain, done, frames, sizeof(frames));
		done += n;
		for (size_t i = 0; r == 0 && i < n / sizeof(frames[0]); i++)
			r = give_page(dev->mem, frames[i]);
	} while (r == 0 && n == sizeof(frames));
	return r;
}

/* Nothing to do: the host gives the pages when they are touched. */
static int serve_deflate(struct virtio_device *dev,
			 const struct virtq_chain *chain, uint32_t *written)
{
	(void)dev;
	(void)chain;
	*written = 0;
	return 0;
}

/* The buffers themselves are the free memory; they lie in RAM, as all do. */
static int serve_reporting(struct virtio_device *dev,
			   const struct virtq_chain *chain, uint32_t *written)
{
	const struct iovec *free_pages = chain->iov + chain->n_read;

	for (unsigned i = 0; i < chain->n_write; i++)
		give_back(dev->mem, free_pages[i].iov_base,
			  free_pages[i].iov_len);
	*written = 0;
	return 0;
}

static int balloon_kick(struct virtio_device *dev, unsigned q)
{
	static virtio_serve *const serve[N_QUEUES] = {
		[INFLATE] = serve_inflate,
		[DEFLATE] = serve_deflate,
		[REPORTING] = serve_reporting,
	};
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};

	return virtio_serve_queue(dev, q, &chain, serve[q]);
}

/* The balloon is wished to be empty: what counts is the reporting. */
static void balloon_config_read(struct virtio_device *dev, uint64_t offset,
				void *bytes, unsigned len)
{
	struct virtio_balloon_config config = {};

	(void)dev;
	virtio_config_copy(&config, sizeof(config), offset, bytes, len);
}

static void balloon_destroy(struct virtio_device *dev)
{
	virtio_fini(dev);
	free(dev);
}

static const struct virtio_ops balloon_ops = {
	.name = "balloon",
	.id = VIRTIO_ID_BALLOON,
	.n_queues = N_QUEUES,
	.queue_max = QUEUE_MAX,
	.features = 1ULL << VIRTIO_BALLOON_F_REPORTING |
		    1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM,
	.config_read = balloon_config_read,
	.kick = balloon_kick,
	.destroy = balloon_destroy,
};

struct virtio_device *balloon_create(const struct guestmem *mem,
				     struct loop *loop)
{
	struct virtio_device *dev = calloc(1, sizeof(*dev));

	if (!dev) {
		fail(ENOMEM, "balloon");
		return NULL;
	}

	int r = virtio_init(dev, &balloon_ops, mem, loop);

	if (r < 0) {
		free(dev);
		errno = -r;
		return NULL;
	}
	return dev;
}
