/* SPDX-License-Identifier: MIT */
/* The loopback interface of a new network namespace. */
#include "isolate/lo.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

int lo_up(void)
{
	/* A fresh one has no flag but IFF_LOOPBACK, which cannot be unset. */
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	_cleanup_fd_ int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return fail(errno, "create a socket");
	if (ioctl(sock, SIOCSIFFLAGS, &lo) < 0)
		return fail(errno, "bring up the loopback interface");
	return 0;
}
