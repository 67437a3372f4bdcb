/* SPDX-License-Identifier: MIT */
/* The file server's vhost-user socket, with another VMM that does not keep to the rules. */
#include "microvm/host/vhost_user.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/fd.h"
#include "tests/unit/fuse_guest.h"
#include "tests/unit/test.h"

#define VERSION	     1u
#define ASK	     (1u << 3)
#define RAM_BYTES    (1u << 20)
#define RAM_GPA	     0x100000ULL /* of the guest, */
#define RAM_USER     0x7f0000000000ULL /* and in the other process */
#define DESC	     0x1000u /* offsets in it */
#define AVAIL	     0x2000u
#define USED	     0x3000u
#define REQUEST	     0x4000u
#define ANSWER_AT    0x5000u
#define QUEUE_SIZE   8u
#define STUCK_AFTER  20 /* s: a server that hangs is killed */

enum {
	GET_FEATURES = 1,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	NO_MESSAGE = 41,
};

struct head {
	uint32_t type, flags, size;
};

struct region {
	uint64_t gpa, bytes, user, offset;
};

struct table {
	uint32_t n, padding;
	struct region regions[8];
};

struct addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

static const struct region whole = {RAM_GPA, RAM_BYTES, RAM_USER, 0};

/* The other VMM: all that it says is said before the server listens. */
struct peer {
	struct guest files; /* what the server serves */
	int sock[2]; /* the server's, ours */
	int ram, kick, call;
	uint8_t *bytes; /* of ram */
};

static void peer_open(struct peer *p)
{
	alarm(STUCK_AFTER);
	/* vm_agent_signals() keeps it from the server. */
	signal(SIGPIPE, SIG_IGN);
	p->ram = memfd_create("ram", MFD_CLOEXEC);
	p->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!guest_start(&p->files, false) || ftruncate(p->ram, RAM_BYTES) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p->sock) < 0)
		abort();
	p->bytes = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			p->ram, 0);
	if (p->bytes == MAP_FAILED)
		abort();
}

static void peer_close(struct peer *p)
{
	munmap(p->bytes, RAM_BYTES);
	close(p->ram);
	close(p->kick);
	close(p->call);
	close(p->sock[0]);
	cleanup_fd(&p->sock[1]);
	guest_stop(&p->files);
	fail_clear();
}

static void say_fds(struct peer *p, uint32_t type, const void *payload,
		    uint32_t size, const int *fds, size_t n_fds)
{
	uint8_t bytes[1024];
	const struct head h = {type, VERSION, size};

	memcpy(bytes, &h, sizeof(h));
	if (size)
		memcpy(bytes + sizeof(h), payload, size);
	if (fd_send(p->sock[1], bytes, sizeof(h) + size, fds, n_fds) < 0)
		abort();
}

static void say(struct peer *p, uint32_t type, const void *payload,
		uint32_t size)
{
	say_fds(p, type, payload, size, NULL, 0);
}

static void say_raw(struct peer *p, const void *bytes, size_t len)
{
	if (write(p->sock[1], bytes, len) != (ssize_t)len)
		abort();
}

static void say_pair(struct peer *p, uint32_t type, uint32_t index,
		     uint32_t num)
{
	say(p, type, (uint32_t[]){index, num}, 8);
}

static void say_fd(struct peer *p, uint32_t type, uint64_t index, int fd)
{
	say_fds(p, type, &index, sizeof(index), &fd, 1);
}

static void say_table(struct peer *p, const struct region *regions, uint32_t n)
{
	struct table t = {.n = n};
	int fds[8];

	for (uint32_t i = 0; i < n; i++) {
		t.regions[i] = regions[i];
		fds[i] = p->ram;
	}
	say_fds(p, SET_MEM_TABLE, &t,
		8 + n * (uint32_t)sizeof(struct region), fds, n);
}

static void say_rings(struct peer *p, uint32_t desc)
{
	const struct addr a = {.desc = RAM_USER + desc,
			       .used = RAM_USER + USED,
			       .avail = RAM_USER + AVAIL};

	say(p, SET_VRING_ADDR, &a, sizeof(a));
}

/* All that queue 0 needs; enabled it is not. */
static void set_up(struct peer *p)
{
	say_table(p, &whole, 1);
	say_pair(p, SET_VRING_NUM, 0, QUEUE_SIZE);
	say_pair(p, SET_VRING_BASE, 0, 0);
	say_rings(p, DESC);
	say_fd(p, SET_VRING_KICK, 0, p->kick);
	say_fd(p, SET_VRING_CALL, 0, p->call);
}

/* The server hears it all, and then that we are done. */
static int serve(struct peer *p)
{
	shutdown(p->sock[1], SHUT_WR);
	return vhost_user_fs_run(p->sock[0], p->files.server);
}

/* The next answer's number; ~0: there is none. */
static uint64_t answer(struct peer *p, uint32_t type)
{
	struct {
		struct head head;
		uint32_t low, high;
	} a;

	if (recv(p->sock[1], &a, sizeof(a), MSG_DONTWAIT) != sizeof(a) ||
	    a.head.type != type || a.head.flags != (VERSION | 1u << 2) ||
	    a.head.size != 8)
		return ~0ULL;
	return a.low | (uint64_t)a.high << 32;
}

static unsigned count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* -- What an honest one gets ---------------------------------------------- */

static void answers(void)
{
	struct peer p;

	peer_open(&p);
	say(&p, GET_QUEUE_NUM, NULL, 0);
	say(&p, GET_FEATURES, NULL, 0);
	CHECK_INT(serve(&p), 0);
	CHECK_INT(answer(&p, GET_QUEUE_NUM), 2);
	CHECK(answer(&p, GET_FEATURES) & 1ULL << 32);
	peer_close(&p);
}

static void acknowledges(void)
{
	const struct head h = {SET_VRING_NUM, VERSION | ASK, 8};
	struct peer p;

	peer_open(&p);
	say_raw(&p, &h, sizeof(h));
	say_raw(&p, (uint32_t[]){0, QUEUE_SIZE}, 8);
	CHECK_INT(serve(&p), 0);
	CHECK_INT(answer(&p, SET_VRING_NUM), 0);
	peer_close(&p);
}

/* A FUSE_INIT in the ring: a part to read, a part to write. */
static void put_request(struct peer *p)
{
	const struct fuse_in_header head = {
		.len = sizeof(head) + sizeof(struct fuse_init_in),
		.opcode = FUSE_INIT,
		.unique = 5};
	const struct fuse_init_in init = {.major = 7, .minor = 36};
	const struct vring_desc descs[2] = {
		{RAM_GPA + REQUEST, head.len, VRING_DESC_F_NEXT, 1},
		{RAM_GPA + ANSWER_AT, 4096, VRING_DESC_F_WRITE, 0}};
	struct vring_avail *avail = (void *)(p->bytes + AVAIL);

	memcpy(p->bytes + REQUEST, &head, sizeof(head));
	memcpy(p->bytes + REQUEST + sizeof(head), &init, sizeof(init));
	memcpy(p->bytes + DESC, descs, sizeof(descs));
	avail->ring[0] = 0;
	avail->idx = 1;
}

static void serves(void)
{
	struct fuse_out_header out;
	struct peer p;

	peer_open(&p);
	put_request(&p);
	set_up(&p);
	say_pair(&p, SET_VRING_ENABLE, 0, 1);
	say_pair(&p, GET_VRING_BASE, 0, 0);
	CHECK_INT(serve(&p), 0);
	CHECK_INT(((struct vring_used *)(p.bytes + USED))->idx, 1);
	memcpy(&out, p.bytes + ANSWER_AT, sizeof(out));
	CHECK_INT(out.unique, 5);
	CHECK_INT(out.error, 0);
	CHECK_INT(answer(&p, GET_VRING_BASE), 1ULL << 32);
	CHECK_INT(poll(&(struct pollfd){p.call, POLLIN, 0}, 1, 0), 1);
	peer_close(&p);
}

/* -- Lies, each of which ends the session --------------------------------- */

static void unknown_message(struct peer *p)
{
	say(p, NO_MESSAGE, NULL, 0);
}

static void half_a_header(struct peer *p)
{
	say_raw(p, "\1\0\0\0\1", 5);
}

static void half_a_payload(struct peer *p)
{
	const struct head h = {SET_VRING_ADDR, VERSION, sizeof(struct addr)};

	say_raw(p, &h, sizeof(h));
	say_raw(p, "half", 4);
}

static void payload_too_long(struct peer *p)
{
	const struct head h = {GET_FEATURES, VERSION, UINT32_MAX};

	say_raw(p, &h, sizeof(h));
}

static void payload_too_short(struct peer *p)
{
	say(p, SET_VRING_ADDR, (uint32_t[]){0, 0}, 8);
}

static void no_payload(struct peer *p)
{
	say(p, SET_VRING_BASE, NULL, 0);
}

static void another_version(struct peer *p)
{
	const struct head h = {GET_FEATURES, VERSION + 1, 0};

	say_raw(p, &h, sizeof(h));
}

static void queue_too_many(struct peer *p)
{
	say_pair(p, SET_VRING_NUM, 2, QUEUE_SIZE);
}

static void queue_of_no_number(struct peer *p)
{
	say_pair(p, GET_VRING_BASE, UINT32_MAX, 0);
}

static void regions_too_many(struct peer *p)
{
	struct table t = {.n = 9};
	int fds[8];

	for (int i = 0; i < 8; i++)
		fds[i] = p->ram;
	say_fds(p, SET_MEM_TABLE, &t, sizeof(t), fds, 8);
}

static void regions_without_fds(struct peer *p)
{
	const struct table t = {.n = 1, .regions = {whole}};

	say(p, SET_MEM_TABLE, &t, sizeof(t));
}

static void fds_without_regions(struct peer *p)
{
	const struct table t = {.n = 1, .regions = {whole}};

	say_fds(p, SET_MEM_TABLE, &t, sizeof(t), (int[]){p->ram, p->ram}, 2);
}

static void regions_not_told(struct peer *p)
{
	const uint32_t n[2] = {1, 0};

	say_fds(p, SET_MEM_TABLE, n, sizeof(n), &p->ram, 1);
}

static void region_of_nothing(struct peer *p)
{
	say_table(p, &(struct region){RAM_GPA, 0, RAM_USER, 0}, 1);
}

static void region_past_its_file(struct peer *p)
{
	say_table(p, &(struct region){RAM_GPA, RAM_BYTES, RAM_USER, 1}, 1);
}

static void region_of_all_addresses(struct peer *p)
{
	say_table(p, &(struct region){0, UINT64_MAX, 0, 0}, 1);
}

static void region_round_the_file(struct peer *p)
{
	say_table(p, &(struct region){0, RAM_BYTES, 0, UINT64_MAX - 4095}, 1);
}

static void region_round_the_guest(struct peer *p)
{
	say_table(p, &(struct region){UINT64_MAX - 4095, RAM_BYTES, 0, 0}, 1);
}

static void region_round_the_peer(struct peer *p)
{
	say_table(p, &(struct region){0, RAM_BYTES, UINT64_MAX - 4095, 0}, 1);
}

static void regions_that_overlap(struct peer *p)
{
	const struct region both[] = {
		{RAM_GPA, 8192, RAM_USER, 0},
		{RAM_GPA + 4096, 8192, RAM_USER + 8192, 8192}};

	say_table(p, both, 2);
}

static void region_of_a_socket(struct peer *p)
{
	const struct table t = {.n = 1, .regions = {whole}};

	say_fds(p, SET_MEM_TABLE, &t, sizeof(t), &p->sock[1], 1);
}

static void memory_under_a_queue(struct peer *p)
{
	set_up(p);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
	say_table(p, &whole, 1);
}

static void kick_without_fd(struct peer *p)
{
	say(p, SET_VRING_KICK, &(uint64_t){0x100}, 8);
}

static void kick_of_two_fds(struct peer *p)
{
	say_fds(p, SET_VRING_KICK, &(uint64_t){0}, 8,
		(int[]){p->kick, p->call}, 2);
}

static void kick_of_a_file(struct peer *p)
{
	say_fd(p, SET_VRING_KICK, 0, p->ram);
}

static void queue_without_memory(struct peer *p)
{
	say_pair(p, SET_VRING_NUM, 0, QUEUE_SIZE);
	say_rings(p, DESC);
	say_fd(p, SET_VRING_KICK, 0, p->kick);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
}

static void queue_without_kick(struct peer *p)
{
	say_table(p, &whole, 1);
	say_pair(p, SET_VRING_NUM, 0, QUEUE_SIZE);
	say_rings(p, DESC);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
}

static void ring_over_the_end(struct peer *p)
{
	set_up(p);
	say_rings(p, RAM_BYTES - 16);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
}

static void ring_outside(struct peer *p)
{
	set_up(p);
	say_rings(p, RAM_BYTES);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
}

static void ring_of_no_power(struct peer *p)
{
	set_up(p);
	say_pair(p, SET_VRING_NUM, 0, 7);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
}

static void ring_of_65544(struct peer *p)
{
	set_up(p);
	say_pair(p, SET_VRING_NUM, 0, 65536 + QUEUE_SIZE);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
}

/* The memory of a queue that has been stopped is not used again. */
static void queue_whose_memory_went(struct peer *p)
{
	set_up(p);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
	say_pair(p, SET_VRING_ENABLE, 0, 0);
	say_table(p, NULL, 0);
	say_pair(p, SET_VRING_ENABLE, 0, 1);
}

#define LIE(f) {#f, f}

static const struct lie {
	const char *name;
	void (*tell)(struct peer *p);
} lies[] = {
	LIE(unknown_message),	     LIE(half_a_header),
	LIE(half_a_payload),	     LIE(payload_too_long),
	LIE(payload_too_short),	     LIE(no_payload),
	LIE(another_version),	     LIE(queue_too_many),
	LIE(queue_of_no_number),     LIE(regions_too_many),
	LIE(regions_without_fds),    LIE(fds_without_regions),
	LIE(regions_not_told),	     LIE(region_of_nothing),
	LIE(region_past_its_file),   LIE(region_of_all_addresses),
	LIE(region_round_the_file),  LIE(region_round_the_guest),
	LIE(region_round_the_peer),  LIE(regions_that_overlap),
	LIE(region_of_a_socket),     LIE(memory_under_a_queue),
	LIE(kick_without_fd),	     LIE(kick_of_two_fds),
	LIE(kick_of_a_file),	     LIE(queue_without_memory),
	LIE(queue_without_kick),     LIE(ring_over_the_end),
	LIE(ring_outside),	     LIE(ring_of_no_power),
	LIE(ring_of_65544),	     LIE(queue_whose_memory_went),
};

/* Refused with words, nothing after it is heard, and no fd stays. */
static void believes_no_lie(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct peer p;

		peer_open(&p);
		lies[i].tell(&p);

		unsigned before = count_fds();
		int r = serve(&p);

		if (r >= 0 || !*fail_text() || count_fds() != before) {
			printf("# %s: %d, %s, %u fds of %u\n", lies[i].name, r,
			       fail_text(), count_fds(), before);
			test_fail();
		}
		peer_close(&p);
	}
}

/* -- Lies that the server outlives ---------------------------------------- */

/* The guest's mistake is not its VMM's: the queue stops, the session not. */
static void outlives_a_broken_ring(void)
{
	struct peer p;

	peer_open(&p);
	put_request(&p);
	((struct vring_avail *)(p.bytes + AVAIL))->idx = QUEUE_SIZE + 1;
	set_up(&p);
	say_pair(&p, SET_VRING_ENABLE, 0, 1);
	say(&p, GET_QUEUE_NUM, NULL, 0);
	CHECK_INT(serve(&p), 0);
	CHECK_INT(((struct vring_used *)(p.bytes + USED))->idx, 0);
	CHECK_INT(answer(&p, GET_QUEUE_NUM), 2);
	peer_close(&p);
}

static void waits_for_no_eventfd(void)
{
	struct peer p;

	peer_open(&p);
	put_request(&p);
	close(p.kick);
	close(p.call);
	p.kick = eventfd(0, EFD_CLOEXEC);
	p.call = eventfd(0, EFD_CLOEXEC);
	CHECK_INT(eventfd_write(p.call, UINT64_MAX - 1), 0);
	set_up(&p);
	say_pair(&p, SET_VRING_ENABLE, 0, 1);
	CHECK_INT(serve(&p), 0);
	CHECK_INT(((struct vring_used *)(p.bytes + USED))->idx, 1);
	peer_close(&p);
}

/* It dies with an answer unread: the socket says "connection reset". */
static void ends_with_the_peer(void)
{
	int before, in;
	struct peer p;

	peer_open(&p);
	in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(dup2(in, STDIN_FILENO) == STDIN_FILENO);
	before = (int)count_fds();
	if (write(p.sock[0], "unread", 6) != 6)
		abort();
	close(p.sock[1]);
	p.sock[1] = -1;
	CHECK_INT(vhost_user_fs_run(p.sock[0], p.files.server), 0);
	CHECK_INT(count_fds(), before - 1);
	CHECK(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	peer_close(&p);
}

int main(void)
{
	TEST("questions are answered, and a closed socket is the end", answers);
	TEST("what is to be acknowledged is", acknowledges);
	TEST("a request in a ring is served", serves);
	TEST("a lie of the VMM ends the session with an error that says so",
	     believes_no_lie);
	TEST("a ring that the guest has broken stops alone",
	     outlives_a_broken_ring);
	TEST("an eventfd that blocks holds nothing up", waits_for_no_eventfd);
	TEST("a VMM that dies with answers unread ends the session, "
	     "and closes nothing else",
	     ends_with_the_peer);
	return test_done();
}
