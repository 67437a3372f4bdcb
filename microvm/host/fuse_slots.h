/* SPDX-License-Identifier: MIT */
/* Numbers for things: 64-bit ids that are never given twice. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fuse_slot {
	void *item;          /* NULL: free */
	uint32_t generation; /* upper half of the id */
	uint32_t next_free;
};

/*
 * A zeroed struct is empty. The first id is 1, which is FUSE_ROOT_ID; 0 is
 * none. guarded by: a lock of its user.
 */
struct fuse_slots {
	struct fuse_slot *slots;
	uint32_t n, room;
	uint32_t first_free; /* 0: none, since slot 0 is not used */
};

/* Gives item (not NULL; borrowed) an id. Returns it, or 0: out of memory. */
uint64_t fuse_slots_add(struct fuse_slots *s, void *item);

/* The item of an id, NULL when there is none. id may be anything. */
void *fuse_slots_get(const struct fuse_slots *s, uint64_t id);

/* Forgets an id that is there. */
void fuse_slots_remove(struct fuse_slots *s, uint64_t id);

/* Frees the table, not the items. */
void fuse_slots_fini(struct fuse_slots *s);
