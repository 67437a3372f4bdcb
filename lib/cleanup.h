/* SPDX-License-Identifier: MIT */
/* Scope-bound release of fds and memory, and the taking over of both. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)	__attribute__((cleanup(f)))
#define _cleanup_fd_	_cleanup_(cleanup_fd)
#define _cleanup_free_	_cleanup_(cleanup_free)

/* Closes *fd when it is not negative; errno survives. */
static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Frees what the pointer variable at p holds. */
static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* Hands over ownership of an fd: returns *fd and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Hands over ownership of a pointer and leaves NULL behind. */
#define take_ptr(p)                                                            \
	({                                                                     \
		__typeof__(p) _p = (p);                                        \
		__typeof__(*_p) _taken = *_p;                                  \
		*_p = NULL;                                                    \
		_taken;                                                        \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
