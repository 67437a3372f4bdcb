/* SPDX-License-Identifier: MIT */
/* virtio-console: the kernel's log, and the agent's port joined to a socket. */
#include <errno.h>
#include <limits.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/loop.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

/*
 * Theory of operation
 *
 * Each port has a pair of queues, and one pair carries control messages: the
 * driver says that it is ready, we add the two ports, the driver says of each
 * that it is ready, we say what it is. Messages to the driver are bits of
 * `pending`, rows of messages[]: however often the guest asks, no more than
 * one of each kind waits for a buffer.
 *
 * The socket is watched edge-triggered. `readable` and `writable` hold until
 * the socket says EAGAIN, so that nothing has to be watched or not when the
 * guest has no buffers: a kick or an edge calls pump(), which moves what can
 * be moved.
 */

#define QUEUE_SIZE 128
#define LOG_MAX    65536 /* bytes of one chain that reach the log */
#define PORTS      2
#define AGENT_NAME "bulkhead.agent" /* AGENT_PORT of the agent's ABI */

enum queue {
	LOG_IN, /* the kernel's console has no input */
	LOG_OUT,
	CONTROL_IN,
	CONTROL_OUT,
	AGENT_IN,
	AGENT_OUT,
	QUEUES,
};

enum port { PORT_LOG, PORT_AGENT };

static const struct message {
	uint32_t port;
	uint16_t event, value;
	const char *name; /* behind the message */
} messages[] = {
	{PORT_LOG, VIRTIO_CONSOLE_PORT_ADD, 1, NULL},
	{PORT_AGENT, VIRTIO_CONSOLE_PORT_ADD, 1, NULL},
	{PORT_LOG, VIRTIO_CONSOLE_CONSOLE_PORT, 1, NULL},
	{PORT_LOG, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL},
	{PORT_AGENT, VIRTIO_CONSOLE_PORT_NAME, 1, AGENT_NAME},
	{PORT_AGENT, VIRTIO_CONSOLE_PORT_OPEN, 1, NULL},
	{PORT_AGENT, VIRTIO_CONSOLE_PORT_OPEN, 0, NULL},
};

#define ADD_PORTS    (1U << 0 | 1U << 1)
#define LOG_READY    (1U << 2 | 1U << 3)
#define AGENT_READY  (1U << 4 | 1U << 5)
#define AGENT_CLOSED (1U << 6)

/* guarded by: dev.lock. */
struct console {
	struct virtio_device dev;
	int log, agent;          /* -1: none */
	uint32_t pending;        /* bits: rows of messages[] */
	bool guest_open;         /* the guest has the agent's port open */
	bool readable, writable; /* as far as the socket told */
	bool ended;              /* the socket's other side is gone */
	size_t sent;             /* bytes of the first chain in AGENT_OUT */
};

static struct console *console_of(struct virtio_device *dev)
{
	return (struct console *)dev;
}

/* -- Port 0 --------------------------------------------------------------- */

/* Writes what goes without waiting; the rest is dropped. After POLLOUT a pipe
 * takes PIPE_BUF bytes at once, whatever its flags. */
static void write_log(int log, const struct virtq_chain *chain)
{
	uint8_t bytes[PIPE_BUF];
	struct pollfd p = {.fd = log, .events = POLLOUT};

	size_t len = chain->read_bytes < LOG_MAX ? chain->read_bytes : LOG_MAX;

	for (size_t done = 0; log >= 0 && done < len;) {
		size_t n = virtq_copy_out(chain, done, bytes, sizeof(bytes));

		if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT) ||
		    write(log, bytes, n) < 0)
			return;
		done += n;
	}
}

/* -- Control -------------------------------------------------------------- */

/* Sends what waits, as far as there are buffers. */
static int send_control(struct console *c)
{
	struct virtq *q = &c->dev.queues[CONTROL_IN];
	struct iovec iov[QUEUE_SIZE];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_SIZE};
	int r = 1;

	for (unsigned i = 0; r == 1 && i < ARRAY_SIZE(messages); i++) {
		const struct message *m = &messages[i];
		const struct virtio_console_control head = {m->port, m->event,
							    m->value};
		size_t name = m->name ? strlen(m->name) : 0;

		if (!(c->pending & 1U << i))
			continue;
		r = virtq_next(q, &chain);
		if (r != 1)
			break;
		if (chain.write_bytes < sizeof(head) + name)
			return fail_plain(EINVAL, "control buffer of %zu bytes",
					  chain.write_bytes);
		virtq_copy_in(&chain, 0, &head, sizeof(head));
		virtq_copy_in(&chain, sizeof(head), m->name, name);
		virtq_push(q, chain.head, (uint32_t)(sizeof(head) + name));
		c->pending &= ~(1U << i);
	}
	virtq_signal(q);
	return r < 0 ? r : 0;
}

static void take_control(struct console *c, const struct virtq_chain *chain)
{
	struct virtio_console_control m;

	if (virtq_copy_out(chain, 0, &m, sizeof(m)) < sizeof(m))
		return;
	switch (m.event) {
	case VIRTIO_CONSOLE_DEVICE_READY:
		if (m.value == 1)
			c->pending |= ADD_PORTS;
		break;
	case VIRTIO_CONSOLE_PORT_READY:
		if (m.value == 1 && m.id == PORT_LOG)
			c->pending |= LOG_READY;
		if (m.value == 1 && m.id == PORT_AGENT)
			c->pending |= AGENT_READY;
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		if (m.id == PORT_AGENT)
			c->guest_open = m.value == 1;
		break;
	}
}

/* -- Port 1 --------------------------------------------------------------- */

static void end_agent(struct console *c)
{
	if (!c->ended)
		c->pending |= AGENT_CLOSED;
	c->ended = true;
}

/* Sends a chain's rest; returns false when the socket is full. */
static bool send_chain(struct console *c, const struct virtq_chain *chain)
{
	while (!c->ended && c->sent < chain->read_bytes) {
		uint8_t bytes[16384];
		size_t n = virtq_copy_out(chain, c->sent, bytes, sizeof(bytes));
		ssize_t sent =
			send(c->agent, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			c->writable = false;
			return false;
		}
		if (sent < 0)
			end_agent(c);
		else
			c->sent += (size_t)sent;
	}
	c->sent = 0;
	return true;
}

/* From the guest to the socket; what nobody takes any more is dropped. */
static int pump_out(struct console *c)
{
	struct virtq *q = &c->dev.queues[AGENT_OUT];
	struct iovec iov[QUEUE_SIZE];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_SIZE};
	int r = 1;

	for (unsigned n = 0; r == 1 && n < q->size; n++) {
		if (!c->writable && !c->ended) {
			r = 0;
			break;
		}
		r = virtq_next(q, &chain);
		if (r == 1 && !send_chain(c, &chain)) {
			virtq_undo_next(q);
			r = 0;
		} else if (r == 1) {
			virtq_push(q, chain.head, 0);
		}
	}
	virtq_signal(q);
	return r;
}

/* From the socket to the guest. */
static int pump_in(struct console *c)
{
	struct virtq *q = &c->dev.queues[AGENT_IN];
	struct iovec iov[QUEUE_SIZE];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_SIZE};
	int r = 1;

	for (unsigned n = 0; r == 1 && n < q->size; n++) {
		if (!c->guest_open || !c->readable || c->ended) {
			r = 0;
			break;
		}
		r = virtq_next(q, &chain);
		if (r != 1)
			break;
		if (chain.n_write == 0) {
			virtq_push(q, chain.head, 0);
			continue;
		}
		struct msghdr m = {.msg_iov = iov + chain.n_read,
				   .msg_iovlen = chain.n_write};
		ssize_t got = recvmsg(c->agent, &m, MSG_DONTWAIT);

		if (got > 0) {
			virtq_push(q, chain.head, (uint32_t)got);
			continue;
		}
		virtq_undo_next(q);
		if (got < 0 && errno == EINTR)
			continue;
		c->readable = false;
		if (got == 0 || errno != EAGAIN)
			end_agent(c);
	}
	virtq_signal(q);
	return r;
}

/* Moves what can be moved; 1: there is more. */
static int pump(struct console *c)
{
	int out = pump_out(c);
	int in = out < 0 ? out : pump_in(c);
	int r = in < 0 ? in : send_control(c);

	return r < 0 ? r : out | in;
}

static int handle_agent(void *arg, uint32_t events)
{
	struct console *c = arg;

	pthread_mutex_lock(&c->dev.lock);
	c->readable |= (events & ~EPOLLOUT) != 0;
	c->writable |= (events & ~EPOLLIN) != 0;
	if (virtio_is_running(&c->dev) && c->dev.active)
		virtio_served(&c->dev, AGENT_OUT, pump(c));
	pthread_mutex_unlock(&c->dev.lock);
	return 0;
}

/* -- The device ----------------------------------------------------------- */

/* What the guest wrote to the log or to control. */
static int take_chains(struct console *c, unsigned i)
{
	struct virtq *q = &c->dev.queues[i];
	struct iovec iov[QUEUE_SIZE];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_SIZE};
	int r = 1;

	for (unsigned n = 0; r == 1 && n < q->size; n++) {
		r = virtq_next(q, &chain);
		if (r != 1)
			break;
		if (i == LOG_OUT)
			write_log(c->log, &chain);
		else
			take_control(c, &chain);
		virtq_push(q, chain.head, 0);
	}
	virtq_signal(q);
	return r;
}

static int kick(struct virtio_device *dev, unsigned i)
{
	struct console *c = console_of(dev);
	int more = 0;
	int r;

	if (i == LOG_IN)
		return 0;
	if (i == LOG_OUT)
		return take_chains(c, i);
	if (i == CONTROL_OUT)
		more = take_chains(c, i);
	if (more < 0)
		return more;
	r = pump(c);
	if (r > 0)
		virtio_wake(dev, AGENT_OUT);
	return r < 0 ? r : more;
}

static void config_read(struct virtio_device *dev, uint64_t offset, void *bytes,
			unsigned len)
{
	const struct virtio_console_config config = {.max_nr_ports = PORTS};

	(void)dev;
	if (offset < sizeof(config) && len <= sizeof(config) - offset)
		memcpy(bytes, (const uint8_t *)&config + offset, len);
}

static void reset(struct virtio_device *dev)
{
	struct console *c = console_of(dev);

	c->pending = 0;
	c->guest_open = false;
	c->sent = 0;
}

static void destroy(struct virtio_device *dev)
{
	struct console *c = console_of(dev);

	if (c->agent >= 0)
		loop_remove(dev->loop, c->agent);
	virtio_fini(dev);
	free(c);
}

static const struct virtio_ops console_ops = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.n_queues = QUEUES,
	.queue_max = QUEUE_SIZE,
	.features = 1ULL << VIRTIO_CONSOLE_F_MULTIPORT,
	.config_read = config_read,
	.kick = kick,
	.reset = reset,
	.destroy = destroy,
};

struct virtio_device *console_create(const struct guestmem *mem,
				     struct loop *loop, int log, int agent)
{
	struct console *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		errno = -fail(ENOMEM, "virtio-console");
		return NULL;
	}
	r = virtio_init(&c->dev, &console_ops, mem, loop);
	if (r < 0) {
		free(c);
		errno = -r;
		return NULL;
	}
	c->log = log;
	c->agent = -1;
	c->ended = agent < 0;
	if (agent >= 0)
		r = loop_add(loop, agent, EPOLLIN | EPOLLOUT | EPOLLET,
			     handle_agent, c);
	if (r < 0) {
		destroy(&c->dev);
		errno = -r;
		return NULL;
	}
	c->agent = agent;
	return &c->dev;
}
