/* SPDX-License-Identifier: MIT */
/* Fuzz target: sequences of FUSE requests of any shape, on a scratch directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/fail.h"
#include "tests/unit/fuse_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct guest g;

static void stop(void)
{
	guest_stop(&g);
}

static void start(void)
{
	/* A file may not fill the disk. */
	struct rlimit limit = {1 << 20, 1 << 20};
	uint64_t fh;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	if (!guest_start(&g, false) || atexit(stop) != 0)
		abort();
	mkdirat(g.root, "d", 0755);
	if (guest_create(&g, 1, "a", O_RDWR, 0644, &fh) != 0)
		abort();
}

/*
 * The input is records: opcode, nodeid, length of the rest, rest. Numbers of
 * one byte, so that known ones are met often.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (!g.server)
		start();
	while (len >= 3) {
		size_t rest = bytes[2] < len - 3 ? bytes[2] : len - 3;

		guest_begin(&g, bytes[0], bytes[1]);
		guest_put(&g, bytes + 3, rest);
		if (guest_send(&g) > 1)
			abort();
		if (g.got > (ssize_t)sizeof(g.answer))
			abort();
		bytes += 3 + rest;
		len -= 3 + rest;
	}
	fuse_server_reset(g.server);
	return 0;
}
