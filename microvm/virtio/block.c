/* SPDX-License-Identifier: MIT */
/* virtio-blk: a disk on a raw file or a block device. */
#include <errno.h>
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

#include "lib/fail.h"
#include "microvm/microvm.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

#define QUEUE_SIZE  128
#define SECTOR      512
#define REQUEST_MAX (32ULL << 20) /* bytes that hold the I/O thread at once */
#define ZEROES_MAX  (1U << 22)    /* sectors of one discard */

/* guarded by: dev.lock. */
struct block {
	struct virtio_device dev;
	int fd;
	bool readonly;
	uint64_t sectors;
	char serial[VIRTIO_BLK_ID_BYTES];
};

static struct block *block_of(struct virtio_device *dev)
{
	return (struct block *)dev;
}

/* Are these bytes from sector on inside the disk? */
static bool is_inside(const struct block *b, uint64_t sector, uint64_t bytes)
{
	return bytes % SECTOR == 0 && sector <= b->sectors &&
	       bytes / SECTOR <= b->sectors - sector;
}

/* A run of host memory that shrinks from its front. */
struct run {
	struct iovec *iov;
	unsigned n;
};

static void skip(struct run *run, size_t bytes)
{
	while (run->n > 0 && bytes >= run->iov->iov_len) {
		bytes -= run->iov->iov_len;
		run->iov++;
		run->n--;
	}
	if (run->n > 0) {
		run->iov->iov_base = (uint8_t *)run->iov->iov_base + bytes;
		run->iov->iov_len -= bytes;
	}
}

typedef ssize_t move_bytes(int fd, const struct iovec *iov, int n, off_t at);

/* Moves all of len bytes by preadv or pwritev. */
static uint8_t transfer(const struct block *b, struct run run, uint64_t sector,
			size_t len, move_bytes *move)
{
	off_t at = (off_t)(sector * SECTOR);

	if (len > REQUEST_MAX || !is_inside(b, sector, len))
		return VIRTIO_BLK_S_IOERR;
	while (len > 0) {
		ssize_t n = move(b->fd, run.iov, (int)run.n, at);

		if (n < 0 && errno == EINTR)
			continue;
		/* The end within the disk: somebody cut the file. */
		if (n <= 0)
			return VIRTIO_BLK_S_IOERR;
		skip(&run, (size_t)n);
		at += n;
		len -= (size_t)n;
	}
	return VIRTIO_BLK_S_OK;
}

/* The last byte that the device writes is the status. */
static uint8_t read_disk(const struct block *b, const struct virtq_chain *c,
			 uint64_t sector)
{
	struct run run = {c->iov + c->n_read, c->n_write};

	run.iov[run.n - 1].iov_len--;
	return transfer(b, run, sector, c->write_bytes - 1, preadv);
}

static uint8_t write_disk(const struct block *b, const struct virtq_chain *c,
			  uint64_t sector)
{
	const size_t head = sizeof(struct virtio_blk_outhdr);
	struct run run = {c->iov, c->n_read};

	if (b->readonly)
		return VIRTIO_BLK_S_IOERR;
	skip(&run, head);
	return transfer(b, run, sector, c->read_bytes - head, pwritev);
}

/* Discards or zeroes the one range that a request has. */
static uint8_t clear(const struct block *b, const struct virtq_chain *c,
		     bool zeroes)
{
	const size_t head = sizeof(struct virtio_blk_outhdr);
	const uint32_t unmap = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	struct virtio_blk_discard_write_zeroes range;
	int mode = FALLOC_FL_KEEP_SIZE;

	if (b->readonly || c->read_bytes != head + sizeof(range))
		return VIRTIO_BLK_S_IOERR;
	virtq_copy_out(c, head, &range, sizeof(range));
	if (range.flags & ~(zeroes ? unmap : 0))
		return VIRTIO_BLK_S_UNSUPP;
	if (range.num_sectors == 0 || range.num_sectors > ZEROES_MAX ||
	    !is_inside(b, range.sector, range.num_sectors * 512ULL))
		return VIRTIO_BLK_S_IOERR;
	mode |= zeroes && !(range.flags & unmap) ? FALLOC_FL_ZERO_RANGE
						 : FALLOC_FL_PUNCH_HOLE;
	if (fallocate(b->fd, mode, (off_t)(range.sector * SECTOR),
		      (off_t)range.num_sectors * SECTOR) < 0)
		return errno == EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP
					   : VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static uint8_t tell_id(const struct block *b, const struct virtq_chain *c)
{
	if (c->write_bytes < sizeof(b->serial) + 1)
		return VIRTIO_BLK_S_IOERR;
	virtq_copy_in(c, 0, b->serial, sizeof(b->serial));
	return VIRTIO_BLK_S_OK;
}

static uint8_t serve(const struct block *b, const struct virtq_chain *c,
		     const struct virtio_blk_outhdr *head)
{
	switch (head->type) {
	case VIRTIO_BLK_T_IN: return read_disk(b, c, head->sector);
	case VIRTIO_BLK_T_OUT: return write_disk(b, c, head->sector);
	case VIRTIO_BLK_T_FLUSH:
		return fdatasync(b->fd) < 0 ? VIRTIO_BLK_S_IOERR
					    : VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_GET_ID: return tell_id(b, c);
	case VIRTIO_BLK_T_DISCARD: return clear(b, c, false);
	case VIRTIO_BLK_T_WRITE_ZEROES: return clear(b, c, true);
	default: return VIRTIO_BLK_S_UNSUPP;
	}
}

static int take_request(struct block *b, struct virtq *q,
			struct virtq_chain *chain)
{
	struct virtio_blk_outhdr head;
	uint8_t *status;
	const struct iovec *last;

	if (virtq_copy_out(chain, 0, &head, sizeof(head)) < sizeof(head) ||
	    chain->n_write == 0)
		return fail_plain(EINVAL, "request without header or status");
	last = &chain->iov[chain->n_read + chain->n_write - 1];
	status = (uint8_t *)last->iov_base + last->iov_len - 1;
	*status = serve(b, chain, &head);
	virtq_push(q, chain->head, (uint32_t)chain->write_bytes);
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
		if (r == 1)
			r = take_request(block_of(dev), q, &chain);
		virtq_signal(q);
	}
	return r;
}

static void config_read(struct virtio_device *dev, uint64_t offset, void *bytes,
			unsigned len)
{
	const struct virtio_blk_config config = {
		.capacity = block_of(dev)->sectors,
		.seg_max = QUEUE_SIZE - 2,
		.blk_size = SECTOR,
		.num_queues = 1,
		.max_discard_sectors = ZEROES_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 8,
		.max_write_zeroes_sectors = ZEROES_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};

	if (offset < sizeof(config) && len <= sizeof(config) - offset)
		memcpy(bytes, (const uint8_t *)&config + offset, len);
}

static void destroy(struct virtio_device *dev)
{
	virtio_fini(dev);
	free(dev);
}

static const struct virtio_ops block_ops = {
	.name = "blk",
	.id = VIRTIO_ID_BLOCK,
	.n_queues = 1,
	.queue_max = QUEUE_SIZE,
	.features = 1ULL << VIRTIO_BLK_F_SEG_MAX |
		    1ULL << VIRTIO_BLK_F_BLK_SIZE | 1ULL << VIRTIO_BLK_F_FLUSH,
	.config_read = config_read,
	.kick = kick,
	.destroy = destroy,
};

static int measure(struct block *b)
{
	struct stat st;
	uint64_t bytes;

	if (fstat(b->fd, &st) < 0)
		return fail(errno, "disk");
	bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(b->fd, BLKGETSIZE64, &bytes) < 0)
		return fail(errno, "size of a disk");
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return fail(ENOTBLK, "disk that is no file");
	b->sectors = bytes / SECTOR;
	return 0;
}

static int set_up(struct block *b, const struct guestmem *mem,
		  struct loop *loop, const struct vm_disk *disk)
{
	int r;

	b->fd = disk->fd;
	b->readonly = disk->readonly;
	if (disk->serial)
		memcpy(b->serial, disk->serial,
		       strnlen(disk->serial, sizeof(b->serial)));
	r = measure(b);
	if (r == 0)
		r = virtio_init(&b->dev, &block_ops, mem, loop);
	if (r == 0)
		b->dev.offered |=
			b->readonly ? 1ULL << VIRTIO_BLK_F_RO
				    : 1ULL << VIRTIO_BLK_F_DISCARD |
					      1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	return r;
}

struct virtio_device *block_create(const struct guestmem *mem,
				   struct loop *loop,
				   const struct vm_disk *disk)
{
	struct block *b = calloc(1, sizeof(*b));
	int r = b ? set_up(b, mem, loop, disk) : fail(ENOMEM, "virtio-blk");

	if (r < 0) {
		free(b);
		errno = -r;
		return NULL;
	}
	return &b->dev;
}
