/* SPDX-License-Identifier: MIT */
/* The text of a failure: recorded once where it happens, prefixed on the way up. */
#pragma once

#include <errno.h>
#include <stddef.h>

/*
 * Errors travel as negative errno values. Next to the number a text is kept
 * in a fixed, thread-local buffer: no allocation, so that it can be used
 * between clone and exec. The text crosses a process border only as an
 * explicit message (isolate/sync.h).
 *
 *	if (mount(...) < 0)
 *		return fail(errno, "mount %s on %s", src, dst);
 *	...
 *	r = mounts_apply(...);
 *	if (r < 0)
 *		return fail_in(r, "mounts");
 *
 * gives "mounts: mount proc on /proc: Operation not permitted".
 */

#define FAIL_TEXT_MAX 4096 /* bytes with the NUL; longer texts are cut */

/*
 * Records "FORMAT: strerror(err)" as the calling thread's error text.
 * err: positive errno. Returns -err.
 */
int fail(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* Like fail(), but without the kernel's word behind the text. */
int fail_plain(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* Puts "FORMAT: " before the recorded text. Returns r unchanged. */
int fail_in(int r, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* Appends " (FORMAT)", a hint at the cure, to the text. Returns r unchanged. */
int fail_hint(int r, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* Takes over a text that came from another process. Returns -err. */
int fail_from(int err, const char *text, size_t len) __attribute__((cold));

/* The calling thread's text; "" when none was recorded. Never NULL. */
const char *fail_text(void);

/* Forgets the calling thread's text. */
void fail_clear(void);
