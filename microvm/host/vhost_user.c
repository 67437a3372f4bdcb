/* SPDX-License-Identifier: MIT */
/* The file server behind a vhost-user socket, for another VMM's guest. */
#include "microvm/host/vhost_user.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "microvm/host/fuse.h"
#include "microvm/virtio/virtq.h"

#define QUEUES	    2 /* hiprio and one for requests */
#define CHAIN_ROOM  1024
#define PAYLOAD_MAX 512
#define REGIONS_MAX GUESTMEM_REGIONS_MAX

#define FLAG_VERSION 1u
#define VERSION_BITS 3u
#define FLAG_REPLY   (1u << 2)
#define FLAG_ASK     (1u << 3) /* wants an answer to what has none */

#define F_PROTOCOL_FEATURES 30 /* vhost-user's own, among virtio's */
#define P_REPLY_ACK	    3

enum message_type {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
};

struct header {
	uint32_t type, flags, size;
};

struct vring_state {
	uint32_t index, num;
};

struct vring_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log; /* addresses of the other process */
};

struct region {
	uint64_t gpa, bytes, user, offset;
};

struct mem_table {
	uint32_t n_regions, padding;
	struct region regions[REGIONS_MAX];
};

struct message {
	uint32_t aligns; /* head and what follows it without a gap */
	struct header head;
	union {
		uint64_t number;
		struct vring_state state;
		struct vring_addr addr;
		struct mem_table table;
		uint8_t bytes[PAYLOAD_MAX];
	};
	int fds[FD_RECV_MAX];
	size_t n_fds;
};

_Static_assert(offsetof(struct message, bytes) ==
		       offsetof(struct message, head) + sizeof(struct header),
	       "payload follows its header");

/* owned by: the serving thread. */
struct session {
	int sock;
	struct fuse_server *server;
	struct loop loop;
	struct guestmem mem;
	uint64_t user[REGIONS_MAX]; /* addresses of mem's regions there */
	uint64_t map_bytes[REGIONS_MAX]; /* of the whole mapping */
	uint8_t *maps[REGIONS_MAX];
	uint64_t features;
	struct queue {
		struct session *session;
		struct virtq q;
		struct vring_addr addr;
		uint32_t num;
		uint32_t isr; /* of nobody's interest: interrupts are fds */
		uint16_t base;
		bool running;
		bool broken;
	} queues[QUEUES];
	struct iovec iov[CHAIN_ROOM];
};

/* -- Memory --------------------------------------------------------------- */

static void unmap_all(struct session *s)
{
	for (unsigned i = 0; i < s->mem.n_regions; i++)
		munmap(s->maps[i], s->map_bytes[i]);
	s->mem.n_regions = 0;
}

static int map_region(struct session *s, const struct region *r, int fd)
{
	unsigned i = s->mem.n_regions;
	struct stat st;

	if (fstat(fd, &st) < 0 || r->bytes == 0 ||
	    r->offset + r->bytes < r->offset ||
	    r->offset + r->bytes > (uint64_t)st.st_size ||
	    r->gpa + r->bytes < r->gpa || r->user + r->bytes < r->user)
		return fail_plain(EPROTO, "memory region %u is none", i);
	for (unsigned k = 0; k < i; k++)
		if (r->gpa < s->mem.regions[k].base + s->mem.regions[k].bytes &&
		    s->mem.regions[k].base < r->gpa + r->bytes)
			return fail_plain(EPROTO, "memory regions %u and %u "
						  "overlap",
					  k, i);
	s->map_bytes[i] = r->offset + r->bytes;
	s->maps[i] = mmap(NULL, s->map_bytes[i], PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (s->maps[i] == MAP_FAILED)
		return fail(errno, "map guest memory");
	s->mem.regions[i] = (struct guestmem_region){
		.base = r->gpa, .bytes = r->bytes, .host = s->maps[i] + r->offset};
	s->user[i] = r->user;
	s->mem.n_regions++;
	return 0;
}

static int set_mem_table(struct session *s, const struct message *m)
{
	const struct mem_table *t = &m->table;
	int r = 0;

	for (int i = 0; i < QUEUES; i++)
		if (s->queues[i].running)
			return fail_plain(EPROTO, "memory changes under a "
						  "running queue");
	if (t->n_regions > REGIONS_MAX || t->n_regions != m->n_fds)
		return fail_plain(EPROTO, "%u memory regions with %zu fds",
				  t->n_regions, m->n_fds);
	unmap_all(s);
	for (unsigned i = 0; r == 0 && i < t->n_regions; i++)
		r = map_region(s, &t->regions[i], m->fds[i]);
	return r;
}

/* The other process's address as the guest's; ~0 when it is in no region. */
static gpa_t gpa_of(const struct session *s, uint64_t user)
{
	for (unsigned i = 0; i < s->mem.n_regions; i++)
		if (user - s->user[i] < s->mem.regions[i].bytes)
			return s->mem.regions[i].base + (user - s->user[i]);
	return ~(gpa_t)0;
}

/* -- Queues --------------------------------------------------------------- */

static int serve(struct session *s, struct virtq *q)
{
	struct virtq_chain chain;
	int r;

	for (;;) {
		ssize_t n;

		chain = (struct virtq_chain){.iov = s->iov, .room = CHAIN_ROOM};
		r = virtq_next(q, &chain);
		if (r <= 0)
			break;
		n = fuse_server_handle(s->server, chain.iov, chain.n_read,
				       chain.iov + chain.n_read,
				       chain.n_write);
		if (n < 0)
			return (int)n;
		virtq_push(q, chain.head, (uint32_t)n);
		virtq_signal(q);
	}
	return r;
}

static int on_kick(void *arg, uint32_t events)
{
	struct queue *qu = arg;
	uint64_t count;

	(void)events;
	if (read(qu->q.notify, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return fail(errno, "read a kick");
	if (!qu->running || qu->broken || serve(qu->session, &qu->q) >= 0)
		return 0;
	log_warn("file server: the guest's queue is broken: %s", fail_text());
	qu->broken = true;
	return 0;
}

static int start_queue(struct session *s, struct queue *qu)
{
	int r;

	if (qu->num > UINT16_MAX)
		return fail_plain(EPROTO, "queue of %u", qu->num);
	qu->q.mem = &s->mem;
	qu->q.isr = &qu->isr;
	qu->q.size = (uint16_t)qu->num;
	qu->q.desc = gpa_of(s, qu->addr.desc);
	qu->q.avail = gpa_of(s, qu->addr.avail);
	qu->q.used = gpa_of(s, qu->addr.used);
	qu->q.event_idx = s->features >> VIRTIO_RING_F_EVENT_IDX & 1;
	r = virtq_start(&qu->q);
	if (r < 0)
		return r;
	qu->q.last_avail = qu->q.used_index = qu->q.signalled = qu->base;
	qu->running = true;
	qu->broken = false;
	/* What was kicked before we looked. */
	return on_kick(qu, 0);
}

/* An eventfd of the other side's that blocks would keep us from hearing that
 * it has gone. */
static int unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return fail(errno, "eventfd of the VMM");
	return 0;
}

static int set_kick(struct session *s, struct queue *qu, struct message *m)
{
	int r = m->n_fds == 1 ? unblock(m->fds[0])
			      : fail_plain(EPROTO, "a kick without an fd");

	if (r < 0)
		return r;
	if (qu->q.notify >= 0) {
		loop_remove(&s->loop, qu->q.notify);
		close(qu->q.notify);
	}
	qu->q.notify = take_fd(&m->fds[0]);
	return loop_add(&s->loop, qu->q.notify, EPOLLIN, on_kick, qu);
}

static int set_call(struct queue *qu, struct message *m)
{
	int r = m->n_fds == 1 ? unblock(m->fds[0]) : 0;

	if (r < 0)
		return r;
	cleanup_fd(&qu->q.irq);
	qu->q.irq = m->n_fds == 1 ? take_fd(&m->fds[0]) : -1;
	return 0;
}

/* -- Messages ------------------------------------------------------------- */

static int reply(struct session *s, struct message *m, uint32_t size)
{
	int r;

	m->head.flags = FLAG_VERSION | FLAG_REPLY;
	m->head.size = size;
	r = fd_send(s->sock, &m->head, sizeof(m->head) + size, NULL, 0);
	return r < 0 ? fail(-r, "answer the VMM") : 0;
}

static int reply_number(struct session *s, struct message *m, uint64_t number)
{
	m->number = number;
	return reply(s, m, sizeof(number));
}

/* The queue that a message is about. NULL with text when there is none. */
static struct queue *queue_of(struct session *s, uint64_t index)
{
	if (index < QUEUES)
		return &s->queues[index];
	fail_plain(EPROTO, "queue %llu", (unsigned long long)index);
	return NULL;
}

/* 1 when it was answered, 0, or -errno. */
static int vring_message(struct session *s, struct message *m)
{
	bool has_fd = m->head.type >= SET_VRING_KICK &&
		      m->head.type <= SET_VRING_ERR;
	struct queue *qu = queue_of(s, has_fd ? m->number & 0xff
					      : m->state.index);
	int r;

	if (!qu)
		return -EPROTO;
	switch (m->head.type) {
	case SET_VRING_NUM: qu->num = m->state.num; return 0;
	case SET_VRING_ADDR: qu->addr = m->addr; return 0;
	case SET_VRING_BASE: qu->base = (uint16_t)m->state.num; return 0;
	case GET_VRING_BASE:
		qu->running = qu->q.ready = false;
		m->state.num = qu->q.last_avail;
		r = reply(s, m, sizeof(m->state));
		return r < 0 ? r : 1;
	case SET_VRING_KICK: return set_kick(s, qu, m);
	case SET_VRING_CALL: return set_call(qu, m);
	case SET_VRING_ERR: return 0;
	case SET_VRING_ENABLE:
		if (m->state.num && !qu->running)
			return start_queue(s, qu);
		qu->running = m->state.num;
		return 0;
	default: return -EPROTO;
	}
}

static int handle(struct session *s, struct message *m)
{
	int r;

	switch (m->head.type) {
	case GET_FEATURES:
		r = reply_number(s, m,
				 1ULL << VIRTIO_F_VERSION_1 |
					 1ULL << VIRTIO_RING_F_INDIRECT_DESC |
					 1ULL << VIRTIO_RING_F_EVENT_IDX |
					 1ULL << F_PROTOCOL_FEATURES);
		return r < 0 ? r : 1;
	case GET_PROTOCOL_FEATURES:
		r = reply_number(s, m, 1ULL << P_REPLY_ACK);
		return r < 0 ? r : 1;
	case GET_QUEUE_NUM:
		r = reply_number(s, m, QUEUES);
		return r < 0 ? r : 1;
	case SET_FEATURES: s->features = m->number; return 0;
	case SET_PROTOCOL_FEATURES:
	case SET_OWNER: return 0;
	case SET_MEM_TABLE: return set_mem_table(s, m);
	case SET_VRING_NUM:
	case SET_VRING_ADDR:
	case SET_VRING_BASE:
	case GET_VRING_BASE:
	case SET_VRING_KICK:
	case SET_VRING_CALL:
	case SET_VRING_ERR:
	case SET_VRING_ENABLE: return vring_message(s, m);
	default:
		return fail_plain(EPROTO, "vhost-user message %u",
				  m->head.type);
	}
}

/* What a message has at least; a memory table's regions come on top. */
static uint32_t payload_min(uint32_t type)
{
	switch (type) {
	case SET_FEATURES:
	case SET_PROTOCOL_FEATURES:
	case SET_VRING_KICK:
	case SET_VRING_CALL:
	case SET_VRING_ERR: return sizeof(uint64_t);
	case SET_VRING_NUM:
	case SET_VRING_BASE:
	case GET_VRING_BASE:
	case SET_VRING_ENABLE: return sizeof(struct vring_state);
	case SET_VRING_ADDR: return sizeof(struct vring_addr);
	case SET_MEM_TABLE: return offsetof(struct mem_table, regions);
	default: return 0;
	}
}

/* 1 with a message, 0 at the end of the stream, -errno. */
static int receive(struct session *s, struct message *m)
{
	ssize_t n;

	*m = (struct message){.n_fds = FD_RECV_MAX};
	/* The fds come with the first byte. */
	n = fd_recv(s->sock, &m->head, sizeof(m->head), m->fds, &m->n_fds);
	/* It has died with an answer unread: the end, too. */
	if (n == 0 || n == -ECONNRESET)
		return 0;
	if (n < 0)
		return fail((int)-n, "hear from the VMM");
	if (n != sizeof(m->head) || m->head.size > PAYLOAD_MAX ||
	    m->head.size < payload_min(m->head.type) ||
	    (m->head.flags & VERSION_BITS) != FLAG_VERSION)
		return fail_plain(EPROTO, "vhost-user message %u of %u bytes",
				  m->head.type, m->head.size);
	for (size_t at = 0; at < m->head.size; at += (size_t)n) {
		n = read(s->sock, m->bytes + at, m->head.size - at);
		if (n <= 0)
			return fail_plain(EPROTO, "half a message of the VMM");
	}
	return 1;
}

static int on_message(void *arg, uint32_t events)
{
	struct session *s = arg;
	struct message m;
	bool wants_answer;
	int r = receive(s, &m);

	(void)events;
	if (r == 0)
		loop_stop(&s->loop);
	if (r > 0) {
		wants_answer = m.head.flags & FLAG_ASK;
		r = handle(s, &m);
		if (r == 0 && wants_answer)
			r = reply_number(s, &m, 0);
	}
	for (size_t i = 0; i < m.n_fds; i++)
		cleanup_fd(&m.fds[i]);
	return r < 0 ? r : 0;
}

int vhost_user_fs_run(int sock, struct fuse_server *server)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return fail(ENOMEM, "file server");
	s->sock = sock;
	s->server = server;
	for (int i = 0; i < QUEUES; i++)
		s->queues[i] = (struct queue){
			.session = s, .q = {.notify = -1, .irq = -1}};
	r = fuse_server_thread_init(server);
	if (r == 0)
		r = loop_init(&s->loop);
	if (r == 0)
		r = loop_add(&s->loop, sock, EPOLLIN, on_message, s);
	if (r == 0)
		r = loop_run(&s->loop);
	for (int i = 0; i < QUEUES; i++) {
		cleanup_fd(&s->queues[i].q.notify);
		cleanup_fd(&s->queues[i].q.irq);
	}
	loop_fini(&s->loop);
	unmap_all(s);
	free(s);
	return r;
}
