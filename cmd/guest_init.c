/* SPDX-License-Identifier: MIT */
/* bulkhead-init: PID 1 of the micro-VM. */
#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/log.h"
#include "runtime/agent_abi.h"
#include "runtime/guest/agent.h"
#include "runtime/guest/boot.h"
#include "runtime/guest/port.h"

static int serve(void)
{
	int port, r = guest_boot();

	if (r < 0)
		return r;
	port = port_open(AGENT_PORT);
	return port < 0 ? port : agent_serve(port);
}

/* The kernel starts it as /init, with the console on 0, 1 and 2. */
int main(void)
{
	serve();
	log_error("%s", fail_text());
	/* A machine without its agent is of no use to anybody. */
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
