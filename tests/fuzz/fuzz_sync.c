/* SPDX-License-Identifier: MIT */
/* Fuzz target: datagrams of any shape into sync_recv(). */
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isolate/sync.h"
#include "lib/fail.h"
#include "lib/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/*
 * First byte: how many fds come with each datagram. Then datagrams, each a
 * length of two bytes and as many bytes of contents as there are.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct sync_msg msg;
	int fds[FD_RECV_MAX];
	int ends[2];

	if (len < 1 || sync_open(&ends[0], &ends[1]) < 0)
		return 0;
	size_t n_fds = *bytes++ % (FD_RECV_MAX + 1);
	len--;
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = ends[0];
	while (len >= 2) {
		size_t want = bytes[0] | (size_t)bytes[1] << 8;
		size_t n = want < len - 2 ? want : len - 2;

		if (fd_send(ends[0], bytes + 2, n, fds, n_fds) < 0)
			break;
		msg.len = SIZE_MAX;

		int r = sync_recv(ends[1], &msg);

		/* Whoever reads what came stays inside the message. */
		if (r == 1 && (msg.len > SYNC_PAYLOAD_MAX || !msg.type ||
			       msg.type >= SYNC_TYPES))
			abort();
		if (r < 0 && !*fail_text() && msg.type != SYNC_ERROR)
			abort();
		if (msg.fd >= 0)
			close(msg.fd);
		bytes += 2 + n;
		len -= 2 + n;
	}
	close(ends[0]);
	close(ends[1]);
	/* A leak of descriptors shows as an unexpectedly high number. */
	int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (probe > 64)
		abort();
	close(probe);
	return 0;
}
