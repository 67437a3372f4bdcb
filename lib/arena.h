/* SPDX-License-Identifier: MIT */
/* An arena: memory that is allocated piece by piece and freed in one call. */
#pragma once

#include <stddef.h>

struct arena_block;

/* A zeroed struct is an empty arena. owned by: whoever embeds it. */
struct arena {
	struct arena_block *blocks;
	size_t used; /* bytes used of the newest block */
};

/* Frees all that was allocated; the arena is empty and usable again. */
void arena_fini(struct arena *a);

/* size zeroed bytes, aligned for any type; NULL when out of memory. */
void *arena_alloc(struct arena *a, size_t size);

/* count zeroed elements; NULL when out of memory or on overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A NUL-terminated copy of len bytes; NULL when out of memory. */
char *arena_strndup(struct arena *a, const char *s, size_t len);

/* A copy of s; NULL when out of memory. */
char *arena_strdup(struct arena *a, const char *s);

/* Formatted text; NULL when out of memory. */
char *arena_printf(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
