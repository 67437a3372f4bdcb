/* SPDX-License-Identifier: MIT */
/* Maps the guest's RAM and turns guest addresses into pointers. */
#include "microvm/memory.h"

#include <sys/mman.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/layout.h"

#define HUGE_PAGE (2ULL << 20)

/* Maps bytes at a multiple of 2 MiB; fd -1 is private memory. */
static uint8_t *map_aligned(uint64_t bytes, int fd, uint64_t offset)
{
	uint8_t *room =
		mmap(NULL, bytes + HUGE_PAGE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		return NULL;

	uint64_t before = -(uintptr_t)room % HUGE_PAGE;
	uint8_t *start = room + before;
	int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	if (mmap(start, bytes, PROT_READ | PROT_WRITE,
		 kind | MAP_FIXED | MAP_NORESERVE, fd,
		 (off_t)offset) == MAP_FAILED) {
		int err = errno;

		munmap(room, bytes + HUGE_PAGE);
		errno = err;
		return NULL;
	}
	if (before)
		munmap(room, before);
	if (before < HUGE_PAGE)
		munmap(start + bytes, HUGE_PAGE - before);
	/* A kernel without huge pages gives small ones. */
	(void)madvise(start, bytes, MADV_HUGEPAGE);
	return start;
}

static int add_region(struct guestmem *mem, gpa_t base, uint64_t bytes, int fd,
		      uint64_t offset)
{
	uint8_t *host = map_aligned(bytes, fd, offset);

	if (!host)
		return fail(errno, "map %llu MiB of guest memory",
			    (unsigned long long)bytes >> 20);
	mem->regions[mem->n_regions++] =
		(struct guestmem_region){base, bytes, host};
	return 0;
}

static int add_regions(struct guestmem *mem, uint64_t bytes, int fd)
{
	uint64_t low = bytes < LAYOUT_LOW_RAM_END ? bytes : LAYOUT_LOW_RAM_END;
	int r = add_region(mem, 0, low, fd, 0);

	if (r == 0 && bytes > low)
		r = add_region(mem, LAYOUT_HIGH_RAM, bytes - low, fd, low);
	return r;
}

int guestmem_create(struct guestmem *mem, uint64_t bytes, bool shared)
{
	_cleanup_fd_ int fd = -1;

	*mem = (struct guestmem){.fd = -1};
	if (bytes == 0 || bytes % HUGE_PAGE || bytes > INT64_MAX - HUGE_PAGE)
		return fail(EINVAL, "guest memory of %llu bytes",
			    (unsigned long long)bytes);
	if (shared) {
		fd = memfd_create("guest", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
			return fail(errno, "make a memfd of guest memory");
	}

	int r = add_regions(mem, bytes, fd);

	if (r < 0)
		guestmem_destroy(mem);
	else
		mem->fd = take_fd(&fd);
	return r;
}

void guestmem_destroy(struct guestmem *mem)
{
	if (mem->n_regions == 0)
		return;
	for (unsigned i = 0; i < mem->n_regions; i++)
		munmap(mem->regions[i].host, mem->regions[i].bytes);
	if (mem->fd >= 0)
		close(mem->fd);
	*mem = (struct guestmem){.fd = -1};
}

void *guestmem_at(const struct guestmem *mem, gpa_t gpa, uint64_t len)
{
	for (unsigned i = 0; i < mem->n_regions; i++) {
		const struct guestmem_region *r = &mem->regions[i];
		uint64_t offset = gpa - r->base;

		if (gpa >= r->base && offset < r->bytes && len > 0 &&
		    len <= r->bytes - offset)
			return r->host + offset;
	}
	return NULL;
}
