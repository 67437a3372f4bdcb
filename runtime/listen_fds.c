/* SPDX-License-Identifier: MIT */
/* fds that go through to the program: --preserve-fds and LISTEN_FDS. */
#include "runtime/listen_fds.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/fail.h"

#define FDS_MAX 65536

/* A whole decimal number, or 0. */
static unsigned number_from_env(const char *name)
{
	const char *text = getenv(name);
	char *end;

	if (!text || *text < '0' || *text > '9')
		return 0;

	unsigned long n = strtoul(text, &end, 10);

	return *end || n > INT_MAX ? 0 : (unsigned)n;
}

unsigned listen_fds_given(void)
{
	if (number_from_env("LISTEN_PID") != (unsigned)getpid())
		return 0;

	unsigned n = number_from_env("LISTEN_FDS");

	return n > FDS_MAX ? 0 : n;
}

int listen_fds_count(unsigned n, unsigned *total)
{
	if (n > FDS_MAX)
		return fail_plain(EINVAL, "--preserve-fds %u: more than %d", n,
				  FDS_MAX);
	*total = n + listen_fds_given();
	for (unsigned i = 0; i < *total; i++) {
		int flags = fcntl(3 + (int)i, F_GETFD);

		/* What closes on exec is one of ours, in the hole's place. */
		if (flags < 0 || (flags & FD_CLOEXEC))
			return fail(EBADF, "--preserve-fds: file descriptor %u",
				    3 + i);
	}
	return 0;
}
