/* SPDX-License-Identifier: MIT */
/* Fuzz target: whatever a guest says on the agent channel, to the host's end of it. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/fail.h"
#include "runtime/agent_abi.h"
#include "runtime/vm_agent.h"

#define INPUT_MAX 65536 /* bytes that are read at once */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int why(void *arg)
{
	(void)arg;
	return fail_plain(EIO, "the machine has ended");
}

/* More than a window of input for the guest, so that its credit counts. */
static int make_stdin(void)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 3 * AGENT_WINDOW) < 0)
		abort();
	return fd;
}

static void use_stdio(int in, int out, int err)
{
	if (lseek(in, 0, SEEK_SET) < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(err, 2) < 0)
		abort();
}

/* All has been said, and the machine has ended, when the agent begins. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static int in = -1, null, own[2];
	int channel[2], sync[2];
	int ended = eventfd(1, EFD_CLOEXEC);
	int signals = eventfd(0, EFD_CLOEXEC);

	if (in < 0) {
		in = make_stdin();
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		own[0] = fcntl(1, F_DUPFD_CLOEXEC, 3);
		own[1] = fcntl(2, F_DUPFD_CLOEXEC, 3);
	}
	if (len > INPUT_MAX || ended < 0 || signals < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, channel) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sync) < 0)
		abort();
	if (write(channel[1], bytes, len) != (ssize_t)len)
		abort();

	const struct vm_agent_config config = {
		.channel = channel[0],
		.sync = sync[0],
		.listener = -1,
		.ended = ended,
		.why = why,
		.create = "create",
		.create_bytes = 6,
	};

	use_stdio(in, null, null);

	int r = vm_agent_run(&config, signals);

	use_stdio(in, own[0], own[1]);
	/* An exit code, or an error that has words. */
	if (r > 255 || (r < 0 && !*fail_text()))
		abort();
	fail_clear();
	close(channel[0]);
	close(channel[1]);
	close(sync[1]);
	close(ended);
	close(signals);
	return 0;
}
