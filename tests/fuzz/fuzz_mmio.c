/* SPDX-License-Identifier: MIT */
/* Fuzz target: register accesses and guest memory of any kind. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/log.h"
#include "microvm/microvm.h"
#include "microvm/virtio/devices.h"
#include "tests/unit/driver.h"

#define WINDOW 4096 /* what one step writes of memory, at most */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* One step: an access, or bytes into a page of the guest's memory. */
struct step {
	uint8_t kind;
	uint8_t len;
	uint16_t at;
	uint32_t value;
};

enum { KIND_WRITE, KIND_READ, KIND_MEMORY, KIND_RUN, KIND_START, KINDS };

/* Files that the devices use; made once. */
struct files {
	int log, disk, agent, peer;
};

static struct files open_files(void)
{
	struct files f;
	int sock[2];

	f.log = open("/dev/null", O_WRONLY | O_CLOEXEC);
	f.disk = memfd_create("disk", MFD_CLOEXEC);
	if (f.log < 0 || f.disk < 0 || ftruncate(f.disk, 64 << 10) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       sock) < 0)
		abort();
	f.agent = sock[0];
	f.peer = sock[1];
	log_set_level(LOG_LEVEL_ERROR);
	return f;
}

/* All but those that need another's rights: a tap, a file server. */
static struct virtio_device *make_device(unsigned kind, struct driver *d,
					 const struct files *f)
{
	struct vm_disk disk = {.fd = f->disk, .serial = "fuzz"};

	switch (kind % 4) {
	case 0: return rng_create(&d->mem, &d->loop);
	case 1: return block_create(&d->mem, &d->loop, &disk);
	case 2: return balloon_create(&d->mem, &d->loop);
	default: return console_create(&d->mem, &d->loop, f->log, f->agent);
	}
}

/* Runs what is ready once; the fuzzer may keep the loop busy for ever. */
static void run_once(struct driver *d)
{
	uint64_t one = 1;

	(void)!write(d->stop, &one, sizeof(one));
	if (loop_run(&d->loop) < 0)
		abort();
}

/* Returns how many of the bytes behind it the step has taken. */
static size_t do_step(struct driver *d, const struct step *s,
		      const uint8_t *rest, size_t n_rest)
{
	uint64_t address = DRIVER_BASE + s->at % 0x200;
	uint64_t value = s->value;
	unsigned len = 1U << s->len % 4;

	switch (s->kind % KINDS) {
	case KIND_WRITE: bus_write(&d->bus, address, &value, len); return 0;
	case KIND_READ: bus_read(&d->bus, address, &value, len); return 0;
	case KIND_MEMORY:
		n_rest =
			n_rest < s->value % WINDOW ? n_rest : s->value % WINDOW;
		memcpy(d->mem.regions[0].host + s->at * 16, rest, n_rest);
		return n_rest;
	case KIND_RUN: run_once(d); return 0;
	default: /* a handshake: the fuzzer would be long at finding it */
		driver_negotiate(d, 1ULL << VIRTIO_F_VERSION_1 | s->value);
		for (unsigned q = 0; q < d->dev->ops->n_queues; q++)
			driver_queue(d, q, 8);
		driver_set(d, VIRTIO_MMIO_STATUS, 0xf);
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct files f;
	struct driver d;
	struct step s;
	char drained[4096];

	if (f.peer == 0)
		f = open_files();
	if (len == 0)
		return 0;
	driver_open(&d);
	driver_attach(&d, make_device(bytes[0], &d, &f));
	bytes++;
	len--;
	while (len >= sizeof(s)) {
		memcpy(&s, bytes, sizeof(s));
		bytes += sizeof(s);
		len -= sizeof(s);

		size_t taken = do_step(&d, &s, bytes, len);

		bytes += taken;
		len -= taken;
		if (recv(f.peer, drained, sizeof(drained), 0) > 0)
			(void)send(f.peer, "reply", 5, MSG_NOSIGNAL);
	}
	run_once(&d);
	driver_close(&d);
	return 0;
}
