/* SPDX-License-Identifier: MIT */
/* The loopback interface carries traffic once it is up. */
#include "isolate/lo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

static void comes_up(void)
{
	struct ifreq lo = {.ifr_name = "lo"};
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(here);
	char c = 0;

	if (unshare(CLONE_NEWNET) < 0)
		SKIP("the right to make namespaces");

	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(sock >= 0 && ioctl(sock, SIOCGIFFLAGS, &lo) == 0);
	CHECK(!(lo.ifr_flags & IFF_UP));
	CHECK_INT(lo_up(), 0);
	CHECK(ioctl(sock, SIOCGIFFLAGS, &lo) == 0);
	CHECK(lo.ifr_flags & IFF_UP);
	CHECK(lo.ifr_flags & IFF_LOOPBACK);
	CHECK(bind(sock, (struct sockaddr *)&here, len) == 0);
	CHECK(getsockname(sock, (struct sockaddr *)&here, &len) == 0);
	CHECK(sendto(sock, "x", 1, 0, (struct sockaddr *)&here, len) == 1);
	CHECK(recv(sock, &c, 1, 0) == 1 && c == 'x');
}

static void needs_rights(void)
{
	if (geteuid() == 0)
		CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK_INT(lo_up(), -EPERM);
	CHECK_HAS(fail_text(), "loopback");
}

int main(void)
{
	TEST("lo is up and carries a datagram", comes_up);
	TEST("without rights the error names it", needs_rights);
	return test_done();
}
