/* SPDX-License-Identifier: MIT */
/* virtio-blk: a file or block device as a disk (virtio 1.2, section 5.2). */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/microvm.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

#define SECTOR       512ULL
#define QUEUE_MAX    128
#define SEGMENTS_MAX (QUEUE_MAX - 2) /* beside header and status */
#define ERASE_MAX    (1U << 22)      /* sectors of one discard: 2 GiB */

/* owned by: the I/O thread; constant but for the base. */
struct block {
	struct virtio_device dev;
	struct virtio_ops ops; /* the features depend on the disk */
	int fd;                /* borrowed */
	bool readonly;
	uint64_t sectors;
	char serial[VIRTIO_BLK_ID_BYTES];
};

/* A request: its header, and its data without header and status byte. */
struct request {
	struct virtio_blk_outhdr head;
	struct iovec data[QUEUE_MAX];
	unsigned n;
	size_t bytes;
};

static struct block *block_of(struct virtio_device *dev)
{
	return (struct block *)dev;
}

/* Takes bytes off, at the front or the end of what is left of r's data. */
static void trim_front(struct request *r, size_t bytes)
{
	unsigned whole = 0;

	r->bytes -= bytes;
	while (whole < r->n && bytes >= r->data[whole].iov_len)
		bytes -= r->data[whole++].iov_len;
	r->n -= whole;
	memmove(r->data, r->data + whole, r->n * sizeof(r->data[0]));
	if (r->n > 0) {
		r->data[0].iov_base = (uint8_t *)r->data[0].iov_base + bytes;
		r->data[0].iov_len -= bytes;
	}
}

static void trim_status(struct request *r)
{
	r->bytes--;
	if (--r->data[r->n - 1].iov_len == 0)
		r->n--;
}

static int parse(const struct virtq_chain *chain, struct request *r)
{
	bool to_guest;

	if (virtq_copy_out(chain, 0, &r->head, sizeof(r->head)) <
	    sizeof(r->head))
		return fail_plain(EINVAL, "request of %zu bytes",
				  chain->read_bytes);
	if (chain->write_bytes == 0)
		return fail_plain(EINVAL, "request without a status byte");
	to_guest = r->head.type == VIRTIO_BLK_T_IN ||
		   r->head.type == VIRTIO_BLK_T_GET_ID;
	r->n = to_guest ? chain->n_write : chain->n_read;
	r->bytes = to_guest ? chain->write_bytes : chain->read_bytes;
	memcpy(r->data, chain->iov + (to_guest ? chain->n_read : 0),
	       r->n * sizeof(r->data[0]));
	if (to_guest)
		trim_status(r);
	else
		trim_front(r, sizeof(r->head));
	return 0;
}

static bool is_inside(const struct block *b, uint64_t sector, uint64_t n)
{
	return sector <= b->sectors && n <= b->sectors - sector;
}

/* Reads or writes all of the request's data. */
static uint8_t transfer(const struct block *b, struct request *r, bool write)
{
	uint64_t at = r->head.sector * SECTOR;

	if (r->bytes % SECTOR ||
	    !is_inside(b, r->head.sector, r->bytes / SECTOR) ||
	    (write && b->readonly))
		return VIRTIO_BLK_S_IOERR;
	while (r->bytes > 0) {
		ssize_t n =
			write ? pwritev(b->fd, r->data, (int)r->n, (off_t)at)
			      : preadv(b->fd, r->data, (int)r->n, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) /* 0: the file has become shorter */
			return VIRTIO_BLK_S_IOERR;
		at += (uint64_t)n;
		trim_front(r, (size_t)n);
	}
	return VIRTIO_BLK_S_OK;
}

static uint8_t erase(const struct block *b, const struct virtq_chain *chain,
		     uint32_t type)
{
	struct virtio_blk_discard_write_zeroes range;
	bool zero = type == VIRTIO_BLK_T_WRITE_ZEROES;
	size_t at = sizeof(struct virtio_blk_outhdr);

	if (chain->read_bytes != at + sizeof(range) || b->readonly)
		return VIRTIO_BLK_S_IOERR;
	virtq_copy_out(chain, at, &range, sizeof(range));

	uint32_t allowed = zero ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
	bool punch = !zero || range.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;

	if (range.flags & ~allowed)
		return VIRTIO_BLK_S_UNSUPP;
	if (range.num_sectors == 0 || range.num_sectors > ERASE_MAX ||
	    !is_inside(b, range.sector, range.num_sectors))
		return VIRTIO_BLK_S_IOERR;
	if (fallocate(b->fd,
		      FALLOC_FL_KEEP_SIZE | (punch ? FALLOC_FL_PUNCH_HOLE
						   : FALLOC_FL_ZERO_RANGE),
		      (off_t)(range.sector * SECTOR),
		      (off_t)(range.num_sectors * SECTOR)) == 0)
		return VIRTIO_BLK_S_OK;
	return errno == EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
}

static uint8_t answer(const struct block *b, const struct virtq_chain *chain,
		      struct request *r)
{
	switch (r->head.type) {
	case VIRTIO_BLK_T_IN: return transfer(b, r, false);
	case VIRTIO_BLK_T_OUT: return transfer(b, r, true);
	case VIRTIO_BLK_T_FLUSH:
		return fdatasync(b->fd) < 0 ? VIRTIO_BLK_S_IOERR
					    : VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_GET_ID:
		virtq_copy_in(chain, 0, b->serial,
			      r->bytes < sizeof(b->serial) ? r->bytes
							   : sizeof(b->serial));
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES: return erase(b, chain, r->head.type);
	default: return VIRTIO_BLK_S_UNSUPP;
	}
}

static int serve(struct virtio_device *dev, const struct virtq_chain *chain,
		 uint32_t *written)
{
	struct request request;
	int r = parse(chain, &request);

	if (r < 0)
		return r;

	uint8_t status = answer(block_of(dev), chain, &request);

	/* The status is the last byte, wherever data ends. */
	virtq_copy_in(chain, chain->write_bytes - 1, &status, 1);
	*written = chain->write_bytes < UINT32_MAX
			   ? (uint32_t)chain->write_bytes
			   : UINT32_MAX;
	return 0;
}

static int block_kick(struct virtio_device *dev, unsigned q)
{
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};

	return virtio_serve_queue(dev, q, &chain, serve);
}

static void block_config_read(struct virtio_device *dev, uint64_t offset,
			      void *bytes, unsigned len)
{
	struct virtio_blk_config config = {
		.capacity = block_of(dev)->sectors,
		.seg_max = SEGMENTS_MAX,
		.blk_size = SECTOR,
		.max_discard_sectors = ERASE_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 4096 / SECTOR,
		.max_write_zeroes_sectors = ERASE_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};

	virtio_config_copy(&config, sizeof(config), offset, bytes, len);
}

static void block_destroy(struct virtio_device *dev)
{
	virtio_fini(dev);
	free(dev); /* the first member of struct block */
}

static const struct virtio_ops block_ops = {
	.name = "disk",
	.id = VIRTIO_ID_BLOCK,
	.n_queues = 1,
	.queue_max = QUEUE_MAX,
	.features = 1ULL << VIRTIO_BLK_F_SEG_MAX | 1ULL << VIRTIO_BLK_F_FLUSH |
		    1ULL << VIRTIO_BLK_F_BLK_SIZE,
	.config_read = block_config_read,
	.kick = block_kick,
	.destroy = block_destroy,
};

static int measure(struct block *b)
{
	struct stat st;
	uint64_t bytes;

	if (fstat(b->fd, &st) < 0)
		return fail(errno, "stat disk");
	bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(b->fd, BLKGETSIZE64, &bytes) < 0)
		return fail(errno, "size of disk");
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return fail(ENOTBLK, "disk");
	b->sectors = bytes / SECTOR;
	return 0;
}

struct virtio_device *block_create(const struct guestmem *mem,
				   struct loop *loop,
				   const struct vm_disk *disk)
{
	struct block *b = calloc(1, sizeof(*b));

	if (!b) {
		fail(ENOMEM, "disk");
		return NULL;
	}
	b->fd = disk->fd;
	b->readonly = disk->readonly;
	b->ops = block_ops;
	b->ops.features |= disk->readonly
				   ? 1ULL << VIRTIO_BLK_F_RO
				   : 1ULL << VIRTIO_BLK_F_DISCARD |
					     1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	if (disk->serial)
		memcpy(b->serial, disk->serial,
		       strnlen(disk->serial, sizeof(b->serial)));

	int r = measure(b);

	if (r == 0)
		r = virtio_init(&b->dev, &b->ops, mem, loop);
	if (r < 0) {
		free(b);
		errno = -r;
		return NULL;
	}
	return &b->dev;
}
