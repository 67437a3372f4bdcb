/* SPDX-License-Identifier: MIT */
/* virtio-balloon: pages that the guest does not need go back to the host. */
#include <errno.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/fail.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

#define QUEUE_SIZE 128
#define PAGE       4096ULL
#define PAGES_MAX  4096 /* taken of one chain; Linux sends 256 */

enum queue { INFLATE, DEFLATE, REPORTING, QUEUES };

/* Whole pages inside the range are given back; they read as at the start. */
static void give_back(const struct virtio_device *dev, void *host, size_t len)
{
	uintptr_t start = ((uintptr_t)host + PAGE - 1) & ~(PAGE - 1);
	uintptr_t end = ((uintptr_t)host + len) & ~(PAGE - 1);

	/* A refusal costs memory and nothing else. */
	if (start < end)
		(void)madvise((void *)start, end - start,
			      dev->mem->fd < 0 ? MADV_DONTNEED : MADV_REMOVE);
}

/* The chain is a list of page numbers. */
static int inflate(const struct virtio_device *dev,
		   const struct virtq_chain *chain)
{
	uint32_t pages[PAGES_MAX];
	size_t bytes = virtq_copy_out(chain, 0, pages, sizeof(pages));

	for (size_t i = 0; i < bytes / sizeof(pages[0]); i++) {
		void *host = guestmem_at(dev->mem, pages[i] * PAGE, PAGE);

		if (!host)
			return fail_plain(EFAULT, "page %#x is not in memory",
					  pages[i]);
		give_back(dev, host, PAGE);
	}
	return 1;
}

/* The chain's buffers are free memory themselves. */
static int take_report(const struct virtio_device *dev,
		       const struct virtq_chain *chain)
{
	const struct iovec *iov = chain->iov + chain->n_read;

	for (unsigned i = 0; i < chain->n_write; i++)
		give_back(dev, iov[i].iov_base, iov[i].iov_len);
	return 1;
}

static int kick(struct virtio_device *dev, unsigned i)
{
	struct virtq *q = &dev->queues[i];
	struct iovec iov[QUEUE_SIZE];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_SIZE};
	int r = 1;

	for (unsigned n = 0; r == 1 && n < q->size; n++) {
		r = virtq_next(q, &chain);
		if (r == 1 && i == INFLATE)
			r = inflate(dev, &chain);
		else if (r == 1 && i == REPORTING)
			r = take_report(dev, &chain);
		if (r == 1)
			virtq_push(q, chain.head, 0);
	}
	virtq_signal(q);
	return r;
}

static void destroy(struct virtio_device *dev)
{
	virtio_fini(dev);
	free(dev);
}

/* The configuration space is zeroes: no page is asked for. */
static const struct virtio_ops balloon_ops = {
	.name = "balloon",
	.id = VIRTIO_ID_BALLOON,
	.n_queues = QUEUES,
	.queue_max = QUEUE_SIZE,
	.features = 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM |
		    1ULL << VIRTIO_BALLOON_F_REPORTING,
	.kick = kick,
	.destroy = destroy,
};

struct virtio_device *balloon_create(const struct guestmem *mem,
				     struct loop *loop)
{
	struct virtio_device *dev = calloc(1, sizeof(*dev));
	int r = dev ? virtio_init(dev, &balloon_ops, mem, loop)
		    : fail(ENOMEM, "virtio-balloon");

	if (r < 0) {
		free(dev);
		errno = -r;
		return NULL;
	}
	return dev;
}
