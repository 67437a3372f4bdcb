/* SPDX-License-Identifier: MIT */
/* Numbers for things: an index below, the slot's generation above. */
#include "microvm/host/fuse_slots.h"

#include <stdlib.h>
#include <string.h>

static struct fuse_slot *slot_of(const struct fuse_slots *s, uint64_t id)
{
	uint32_t index = (uint32_t)id;

	if (index >= s->n || !s->slots[index].item ||
	    s->slots[index].generation != id >> 32)
		return NULL;
	return &s->slots[index];
}

static int grow(struct fuse_slots *s)
{
	uint32_t room = s->room ? 2 * s->room : 64;
	struct fuse_slot *slots;

	if (room < s->room)
		return -1;
	slots = reallocarray(s->slots, room, sizeof(*slots));
	if (!slots)
		return -1;
	memset(slots + s->room, 0, (room - s->room) * sizeof(*slots));
	s->slots = slots;
	s->room = room;
	return 0;
}

uint64_t fuse_slots_add(struct fuse_slots *s, void *item)
{
	uint32_t index = s->first_free;

	if (index) {
		s->first_free = s->slots[index].next_free;
	} else {
		if (s->n + 1 >= s->room && grow(s) < 0)
			return 0;
		if (s->n == 0)
			s->n = 1;
		index = s->n++;
	}
	s->slots[index].item = item;
	return (uint64_t)s->slots[index].generation << 32 | index;
}

void *fuse_slots_get(const struct fuse_slots *s, uint64_t id)
{
	struct fuse_slot *slot = slot_of(s, id);

	return slot ? slot->item : NULL;
}

void fuse_slots_remove(struct fuse_slots *s, uint64_t id)
{
	struct fuse_slot *slot = slot_of(s, id);

	slot->item = NULL;
	/* A slot whose generations are used up is not used again. */
	if (++slot->generation == 0)
		return;
	slot->next_free = s->first_free;
	s->first_free = (uint32_t)id;
}

void fuse_slots_fini(struct fuse_slots *s)
{
	free(s->slots);
	*s = (struct fuse_slots){0};
}
