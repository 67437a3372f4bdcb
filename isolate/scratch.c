/* SPDX-License-Identifier: MIT */
/* Fds that are done with, closed together rather than one by one. */
#include "isolate/scratch.h"

#include <assert.h>

#include "lib/cleanup.h"
#include "lib/compat.h"

void scratch_close(struct scratch *s)
{
	for (unsigned i = 0; i < s->n;) {
		unsigned end = i + 1;

		while (end < s->n && s->fds[end] == s->fds[end - 1] + 1)
			end++;
		sys_close_range((unsigned)s->fds[i], (unsigned)s->fds[end - 1],
				0);
		i = end;
	}
	s->n = 0;
}

void scratch_reserve(struct scratch *s, unsigned n)
{
	if (s->n + n > ARRAY_SIZE(s->fds))
		scratch_close(s);
}

int scratch_keep(struct scratch *s, int fd)
{
	assert(s->n < ARRAY_SIZE(s->fds));
	if (fd < 0)
		return fd;

	/* In order, for a number that was free in between may come late. */
	unsigned at = s->n++;

	for (; at > 0 && s->fds[at - 1] > fd; at--)
		s->fds[at] = s->fds[at - 1];
	return s->fds[at] = fd;
}
