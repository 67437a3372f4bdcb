/* SPDX-License-Identifier: MIT */
/* Guest memory: the only road from a guest address to a pointer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t gpa_t; /* a guest physical address */

#define GUESTMEM_REGIONS_MAX 8 /* two of ours; a vhost-user peer may have more */

struct guestmem_region {
	gpa_t base;
	uint64_t bytes;
	uint8_t *host;
};

/*
 * The guest's RAM, and nothing else: what is not in a region cannot be named.
 * Made before the first vCPU runs, constant until the last thread has ended.
 * The guest writes it at any moment: whoever reads a value that is checked
 * copies it first.
 */
struct guestmem {
	struct guestmem_region regions[GUESTMEM_REGIONS_MAX];
	unsigned n_regions;
	int fd; /* memfd that other processes map, or -1: private memory */
};

/*
 * Maps bytes (a multiple of 2 MiB) of RAM, aligned so that huge pages fit.
 * Private anonymous memory, or a shared memfd (mem->fd) when shared: only for
 * another process that must map it, since clones and huge pages want private.
 * Returns 0 or -errno with fail() text; guestmem_destroy() frees.
 */
int guestmem_create(struct guestmem *mem, uint64_t bytes, bool shared);

/* Unmaps; safe on a zeroed struct. */
void guestmem_destroy(struct guestmem *mem);

/*
 * The host address of len bytes at gpa; NULL unless all of them are in one
 * region. len 0 is NULL, too. Any thread.
 */
void *guestmem_at(const struct guestmem *mem, gpa_t gpa, uint64_t len);
