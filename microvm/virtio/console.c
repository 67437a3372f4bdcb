/* SPDX-License-Identifier: MIT */
/* virtio-console: the guest's log and the agent's channel (5.3). */
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
 * Each port has a queue towards the guest and one from it; a pair of control
 * queues carries what the ports are. What the device has to say there is kept
 * as one bit a message, not as messages: a guest that takes none makes us
 * store none.
 *
 * The agent's socket is watched edge-triggered and for both directions, once
 * and for all. Each of its events, and each kick, moves bytes until the one
 * side has no more or the other no room; nothing is stored in between, so
 * that a full socket holds the guest up and a guest without buffers the
 * socket. What was sent of a chain that did not fit is counted, and the chain
 * is put back and taken again later.
 */

#define QUEUE_MAX     64
#define LOG_CHAIN_MAX (64 << 10) /* bytes logged of one chain */
#define AGENT_NAME    "bulkhead.agent"

enum {
	RX0,
	TX0,
	CONTROL_RX,
	CONTROL_TX,
	RX1,
	TX1,
	N_QUEUES,
};

enum { PORT_LOG, PORT_AGENT, N_PORTS };

/* What the guest has to be told of a port; sent in this order. */
enum {
	TELL_ADD = 1 << 0,
	TELL_CONSOLE = 1 << 1,
	TELL_NAME = 1 << 2,
	TELL_OPEN = 1 << 3, /* or closed: what is true when it is sent */
};

/* guarded by: dev.lock */
struct console {
	struct virtio_device dev;
	int log, agent; /* borrowed; -1: none */
	unsigned tell[N_PORTS];
	bool agent_ended; /* nothing more comes from the socket */
	bool guest_open;  /* the guest has opened the agent's port */
	size_t sent;      /* bytes of the next chain of TX1 that were sent */
};

struct control_message {
	struct virtio_console_control head;
	char name[sizeof(AGENT_NAME) - 1];
};

static struct console *console_of(struct virtio_device *dev)
{
	return (struct console *)dev;
}

/* Takes the first message off the port's bits; returns its bytes. */
static size_t take_message(struct console *c, uint32_t port,
			   struct control_message *m)
{
	unsigned bit = c->tell[port] & -c->tell[port];
	size_t bytes = sizeof(m->head);

	c->tell[port] &= ~bit;
	*m = (struct control_message){.head = {.id = port, .value = 1}};
	switch (bit) {
	case TELL_ADD: m->head.event = VIRTIO_CONSOLE_PORT_ADD; break;
	case TELL_CONSOLE: m->head.event = VIRTIO_CONSOLE_CONSOLE_PORT; break;
	case TELL_NAME:
		m->head.event = VIRTIO_CONSOLE_PORT_NAME;
		memcpy(m->name, AGENT_NAME, sizeof(m->name));
		bytes += sizeof(m->name);
		break;
	default:
		m->head.event = VIRTIO_CONSOLE_PORT_OPEN;
		m->head.value = port == PORT_LOG || !c->agent_ended;
		break;
	}
	return bytes;
}

static int send_control(struct console *c)
{
	struct virtq *q = &c->dev.queues[CONTROL_RX];
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};
	uint32_t port = 0;
	int r = 0;

	while (port < N_PORTS) {
		struct control_message m;

		if (c->tell[port] == 0) {
			port++;
			continue;
		}
		r = virtq_next(q, &chain);
		if (r <= 0)
			break;

		size_t bytes = take_message(c, port, &m);

		if (virtq_copy_in(&chain, 0, &m, bytes) < bytes) {
			r = fail_plain(EINVAL, "control buffer of %zu bytes",
				       chain.write_bytes);
			break;
		}
		virtq_push(q, chain.head, (uint32_t)bytes);
	}
	virtq_signal(q);
	return r < 0 ? r : 0;
}

/* Bytes of the socket's into the guest's buffers. */
static int pump_in(struct console *c)
{
	struct virtq *q = &c->dev.queues[RX1];
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};
	unsigned taken = 0;
	int r = 0;

	while (c->guest_open && !c->agent_ended) {
		if (taken++ == q->size) { /* others want the loop, too */
			virtq_poke(q->notify);
			break;
		}
		r = virtq_next(q, &chain);
		if (r <= 0)
			break;
		if (chain.n_write == 0) {
			r = fail_plain(EINVAL, "input buffer of no bytes");
			break;
		}

		struct msghdr m = {
			.msg_iov = iov + chain.n_read,
			.msg_iovlen = chain.n_write,
		};
		ssize_t n = recvmsg(c->agent, &m, MSG_DONTWAIT);

		if (n <= 0) {
			virtq_undo_next(q);
			c->agent_ended = n == 0 || errno != EAGAIN;
			break;
		}
		virtq_push(q, chain.head, (uint32_t)n);
	}
	virtq_signal(q);
	if (r >= 0 && c->guest_open && c->agent_ended) {
		c->guest_open = false;
		c->tell[PORT_AGENT] |= TELL_OPEN;
		r = send_control(c);
	}
	return r < 0 ? r : 0;
}

/* Leaves off the first bytes of the n parts; returns how many are left. */
static unsigned skip_sent(struct iovec **iov, unsigned n, size_t bytes)
{
	while (n > 0 && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		n--;
	}
	if (n > 0) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + bytes;
		(*iov)->iov_len -= bytes;
	}
	return n;
}

/* Sends what is left of a chain. Returns whether all of it has gone; a peer
 * that takes no more gets nothing, and the guest is not held up by it. */
static bool send_chain(struct console *c, const struct virtq_chain *chain)
{
	while (c->agent >= 0) {
		struct iovec *iov = chain->iov;
		struct iovec parts[QUEUE_MAX];

		memcpy(parts, iov, chain->n_read * sizeof(*iov));
		iov = parts;

		unsigned n = skip_sent(&iov, chain->n_read, c->sent);
		struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};

		if (n == 0)
			break;

		ssize_t done =
			sendmsg(c->agent, &m, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (done < 0 && errno == EAGAIN)
			return false;
		if (done < 0)
			break;
		c->sent += (size_t)done;
	}
	c->sent = 0;
	return true;
}

/* The guest's bytes into the socket. */
static int pump_out(struct console *c)
{
	struct virtq *q = &c->dev.queues[TX1];
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};
	unsigned taken = 0;
	int r = 0;

	for (;;) {
		if (taken++ == q->size) { /* others want the loop, too */
			virtq_poke(q->notify);
			break;
		}
		r = virtq_next(q, &chain);
		if (r <= 0)
			break;
		if (!send_chain(c, &chain)) {
			virtq_undo_next(q);
			break;
		}
		virtq_push(q, chain.head, 0);
	}
	virtq_signal(q);
	return r < 0 ? r : 0;
}

static int on_agent(void *arg, uint32_t events)
{
	struct console *c = arg;
	int r = 0;

	(void)events;
	pthread_mutex_lock(&c->dev.lock);
	if (virtio_is_active(&c->dev)) {
		r = pump_in(c);
		if (r == 0)
			r = pump_out(c);
		if (r < 0)
			virtio_broken(&c->dev);
	}
	pthread_mutex_unlock(&c->dev.lock);
	return 0;
}

/* Writes as much as the log takes without waiting; it may be a blocking
 * pipe, of which poll() promises PIPE_BUF bytes. */
static int serve_log(struct virtio_device *dev, const struct virtq_chain *chain,
		     uint32_t *written)
{
	struct pollfd p = {.fd = console_of(dev)->log, .events = POLLOUT};
	char bytes[PIPE_BUF];
	size_t done = 0;

	*written = 0;
	while (p.fd >= 0 && done < LOG_CHAIN_MAX) {
		size_t n = virtq_copy_out(chain, done, bytes, sizeof(bytes));

		if (n == 0 || poll(&p, 1, 0) != 1 || p.revents != POLLOUT)
			break;

		ssize_t put = write(p.fd, bytes, n);

		if (put < 0)
			break;
		done += (size_t)put;
	}
	return 0;
}

/* A message of the guest's. What it says of ports that are none is let by. */
static int serve_control(struct virtio_device *dev,
			 const struct virtq_chain *chain, uint32_t *written)
{
	struct console *c = console_of(dev);
	struct virtio_console_control m;

	*written = 0;
	if (virtq_copy_out(chain, 0, &m, sizeof(m)) < sizeof(m))
		return fail_plain(EINVAL, "control message of %zu bytes",
				  chain->read_bytes);
	if (m.event == VIRTIO_CONSOLE_DEVICE_READY && m.value) {
		c->tell[PORT_LOG] = c->tell[PORT_AGENT] = TELL_ADD;
	} else if (m.event == VIRTIO_CONSOLE_PORT_READY && m.value) {
		if (m.id == PORT_LOG)
			c->tell[PORT_LOG] |= TELL_CONSOLE | TELL_OPEN;
		else if (m.id == PORT_AGENT)
			c->tell[PORT_AGENT] |= TELL_NAME | TELL_OPEN;
	} else if (m.event == VIRTIO_CONSOLE_PORT_OPEN && m.id == PORT_AGENT) {
		c->guest_open = m.value;
	}
	return 0;
}

static int console_kick(struct virtio_device *dev, unsigned q)
{
	struct console *c = console_of(dev);
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};
	int r;

	switch (q) {
	case TX0: return virtio_serve_queue(dev, q, &chain, serve_log);
	case CONTROL_TX:
		r = virtio_serve_queue(dev, q, &chain, serve_control);
		if (r == 0)
			r = send_control(c);
		return r < 0 ? r : pump_in(c);
	case CONTROL_RX: return send_control(c);
	case RX1: return pump_in(c);
	case TX1: return pump_out(c);
	default: /* the log's port has no input */ return 0;
	}
}

static void console_reset(struct virtio_device *dev)
{
	struct console *c = console_of(dev);

	memset(c->tell, 0, sizeof(c->tell));
	c->guest_open = false;
	c->sent = 0;
}

static void console_config_read(struct virtio_device *dev, uint64_t offset,
				void *bytes, unsigned len)
{
	struct virtio_console_config config = {.max_nr_ports = N_PORTS};

	(void)dev;
	virtio_config_copy(&config, sizeof(config), offset, bytes, len);
}

static void console_destroy(struct virtio_device *dev)
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
	.n_queues = N_QUEUES,
	.queue_max = QUEUE_MAX,
	.features = 1ULL << VIRTIO_CONSOLE_F_MULTIPORT,
	.config_read = console_config_read,
	.kick = console_kick,
	.reset = console_reset,
	.destroy = console_destroy,
};

struct virtio_device *console_create(const struct guestmem *mem,
				     struct loop *loop, int log, int agent)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c) {
		fail(ENOMEM, "console");
		return NULL;
	}

	int r = virtio_init(&c->dev, &console_ops, mem, loop);

	c->log = log;
	c->agent = agent;
	c->agent_ended = agent < 0;
	if (r == 0 && agent >= 0)
		r = loop_add(loop, agent, EPOLLIN | EPOLLOUT | EPOLLET,
			     on_agent, c);
	if (r < 0) {
		virtio_fini(&c->dev);
		free(c);
		errno = -r;
		return NULL;
	}
	return &c->dev;
}
