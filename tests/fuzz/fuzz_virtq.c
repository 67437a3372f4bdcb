/* SPDX-License-Identifier: MIT */
/* Fuzz target: guest memory of any contents as a virtqueue. */
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "microvm/virtio/virtq.h"

#define MEMORY (2U << 20)
#define ROOM   8

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The input begins with these; what follows is the guest's memory. */
struct place {
	uint16_t size, desc, avail, used, event_idx;
};

/* All that a device does with a queue; touches each byte of small buffers. */
static void use(struct virtq *q)
{
	struct iovec iov[ROOM];
	struct virtq_chain chain = {.iov = iov, .room = ROOM};
	uint8_t small[64];

	for (unsigned i = 0; i < 64 && virtq_next(q, &chain) > 0; i++) {
		if (chain.n_read + chain.n_write > ROOM)
			abort();
		if (i % 8 == 7) {
			virtq_undo_next(q);
			continue;
		}
		virtq_copy_out(&chain, i, small, sizeof(small));
		virtq_copy_in(&chain, i, small, sizeof(small));
		virtq_push(q, chain.head, i);
		virtq_signal(q);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct guestmem mem;
	static size_t dirty; /* by the last input */
	static int irq;
	struct place p;
	uint32_t isr = 0;

	if (len < sizeof(p) || len - sizeof(p) > MEMORY)
		return 0;
	if (!mem.n_regions) {
		irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (irq < 0 || guestmem_create(&mem, MEMORY, false) < 0)
			abort();
	}
	memcpy(&p, bytes, sizeof(p));
	memset(mem.regions[0].host, 0, dirty > 1 << 17 ? dirty : 1 << 17);
	memcpy(mem.regions[0].host, bytes + sizeof(p), len - sizeof(p));
	dirty = len;

	struct virtq q = {
		.mem = &mem,
		.size = p.size,
		.desc = p.desc,
		.avail = p.avail,
		.used = p.used,
		.event_idx = p.event_idx & 1,
		.irq = irq,
		.isr = &isr,
	};

	if (virtq_start(&q) == 0)
		use(&q);
	return 0;
}
