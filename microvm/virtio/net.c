/* SPDX-License-Identifier: MIT */
/* virtio-net: a network interface on a tap. */
#include <errno.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/loop.h"
#include "microvm/microvm.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

#define QUEUE_SIZE  256
#define HEADER      sizeof(struct virtio_net_hdr_v1)
#define LINK_HEADER 18    /* Ethernet with a VLAN tag */
#define LARGE       65535 /* what segmentation offload may deliver at once */

enum queue { RECEIVE, TRANSMIT, QUEUES };

/* guarded by: dev.lock. */
struct net {
	struct virtio_device dev;
	struct vm_net config;
	bool readable; /* as far as the tap told; it is watched by edges */
};

static struct net *net_of(struct virtio_device *dev)
{
	return (struct net *)dev;
}

/* -- To the guest --------------------------------------------------------- */

/* The chains that one packet may fill. */
struct room {
	struct iovec iov[QUEUE_SIZE];
	unsigned n_iov, n_chains;
	size_t bytes;
	struct {
		uint16_t head;
		size_t bytes;
	} chains[QUEUE_SIZE];
};

/* Bytes that the largest packet needs: the tap cuts what has no room. */
static size_t packet_max(const struct net *n)
{
	size_t mtu = n->config.mtu > 1500 ? n->config.mtu : 1500;
	bool large = virtio_has(&n->dev, VIRTIO_NET_F_GUEST_TSO4) ||
		     virtio_has(&n->dev, VIRTIO_NET_F_GUEST_TSO6);

	return HEADER + LINK_HEADER + (large ? LARGE : mtu);
}

static void put_back(struct virtq *q, struct room *room, unsigned keep)
{
	for (; room->n_chains > keep; room->n_chains--)
		virtq_undo_next(q);
}

/* Collects chains for one packet: one, or as many as it may need. */
static int collect(struct net *n, struct room *room)
{
	struct virtq *q = &n->dev.queues[RECEIVE];
	size_t want =
		virtio_has(&n->dev, VIRTIO_NET_F_MRG_RXBUF) ? packet_max(n) : 1;

	room->n_iov = room->n_chains = 0;
	room->bytes = 0;
	while (room->bytes < want && room->n_chains < QUEUE_SIZE) {
		struct virtq_chain chain = {.iov = room->iov + room->n_iov,
					    .room = QUEUE_SIZE - room->n_iov};
		int r = virtq_next(q, &chain);

		if (r == 1 && (chain.n_read || chain.write_bytes < HEADER))
			r = fail_plain(EINVAL, "receive buffer without room");
		if (r != 1) {
			put_back(q, room, 0);
			return r;
		}
		room->chains[room->n_chains].head = chain.head;
		room->chains[room->n_chains++].bytes = chain.write_bytes;
		room->n_iov += chain.n_write;
		room->bytes += chain.write_bytes;
	}
	return 1;
}

static void deliver(struct virtq *q, struct room *room, size_t len)
{
	const struct virtq_chain all = {.iov = room->iov,
					.n_write = room->n_iov};
	uint16_t used = 0;

	for (size_t left = len; left > 0; used++)
		left -= left < room->chains[used].bytes
				? left
				: room->chains[used].bytes;
	put_back(q, room, used);
	virtq_copy_in(&all, offsetof(struct virtio_net_hdr_v1, num_buffers),
		      &used, sizeof(used));
	for (unsigned i = 0; i < used; i++) {
		size_t part = len < room->chains[i].bytes
				      ? len
				      : room->chains[i].bytes;

		virtq_push(q, room->chains[i].head, (uint32_t)part);
		len -= part;
	}
}

/* Without buffers the tap is not read: its queue drops. */
static int receive(struct net *n)
{
	struct virtq *q = &n->dev.queues[RECEIVE];
	struct room room;
	int r = 1;

	for (unsigned i = 0; r == 1 && i < q->size; i++) {
		ssize_t len;

		if (!n->readable) {
			r = 0;
			break;
		}
		r = collect(n, &room);
		if (r != 1)
			break;
		len = readv(n->config.tap, room.iov, (int)room.n_iov);
		if (len > 0) {
			deliver(q, &room, (size_t)len);
			continue;
		}
		put_back(q, &room, 0);
		n->readable = len < 0 && errno == EINTR;
	}
	virtq_signal(q);
	return r;
}

static int handle_tap(void *arg, uint32_t events)
{
	struct net *n = arg;

	(void)events;
	pthread_mutex_lock(&n->dev.lock);
	n->readable = true;
	if (virtio_is_running(&n->dev) && n->dev.active)
		virtio_served(&n->dev, RECEIVE, receive(n));
	pthread_mutex_unlock(&n->dev.lock);
	return 0;
}

/* -- From the guest ------------------------------------------------------- */

/* The kernel checks header and packet; what it refuses is dropped. */
static int transmit(struct net *n)
{
	struct virtq *q = &n->dev.queues[TRANSMIT];
	struct iovec iov[QUEUE_SIZE];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_SIZE};
	int r = 1;

	for (unsigned i = 0; r == 1 && i < q->size; i++) {
		r = virtq_next(q, &chain);
		if (r != 1)
			break;
		if (chain.read_bytes <= HEADER + LINK_HEADER + LARGE)
			(void)!writev(n->config.tap, iov, (int)chain.n_read);
		virtq_push(q, chain.head, 0);
	}
	virtq_signal(q);
	return r;
}

/* -- The device ----------------------------------------------------------- */

static int kick(struct virtio_device *dev, unsigned q)
{
	struct net *n = net_of(dev);

	return q == RECEIVE ? receive(n) : transmit(n);
}

/* The tap delivers what the driver understands. */
static int activate(struct virtio_device *dev)
{
	static const struct {
		unsigned feature, offload;
	} offloads[] = {
		{VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM},
		{VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4},
		{VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6},
	};
	int header = HEADER;
	unsigned bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++)
		if (virtio_has(dev, offloads[i].feature))
			bits |= offloads[i].offload;
	/* Segmentation needs checksums, also when a driver forgets. */
	if (!(bits & TUN_F_CSUM))
		bits = 0;
	if (ioctl(net_of(dev)->config.tap, TUNSETVNETHDRSZ, &header) < 0 ||
	    ioctl(net_of(dev)->config.tap, TUNSETOFFLOAD, bits) < 0)
		return fail(errno, "set up the tap");
	return 0;
}

static void config_read(struct virtio_device *dev, uint64_t offset, void *bytes,
			unsigned len)
{
	const struct vm_net *net = &net_of(dev)->config;
	struct virtio_net_config config = {
		.status = VIRTIO_NET_S_LINK_UP,
		.max_virtqueue_pairs = 1,
		.mtu = net->mtu,
	};

	memcpy(config.mac, net->mac, sizeof(config.mac));
	if (offset < sizeof(config) && len <= sizeof(config) - offset)
		memcpy(bytes, (const uint8_t *)&config + offset, len);
}

static void destroy(struct virtio_device *dev)
{
	loop_remove(dev->loop, net_of(dev)->config.tap);
	virtio_fini(dev);
	free(dev);
}

static const struct virtio_ops net_ops = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.n_queues = QUEUES,
	.queue_max = QUEUE_SIZE,
	.features = 1ULL << VIRTIO_NET_F_MAC | 1ULL << VIRTIO_NET_F_STATUS |
		    1ULL << VIRTIO_NET_F_MRG_RXBUF | 1ULL << VIRTIO_NET_F_CSUM |
		    1ULL << VIRTIO_NET_F_GUEST_CSUM |
		    1ULL << VIRTIO_NET_F_HOST_TSO4 |
		    1ULL << VIRTIO_NET_F_HOST_TSO6 |
		    1ULL << VIRTIO_NET_F_GUEST_TSO4 |
		    1ULL << VIRTIO_NET_F_GUEST_TSO6,
	.config_read = config_read,
	.activate = activate,
	.kick = kick,
	.destroy = destroy,
};

static int set_up(struct net *n, const struct guestmem *mem, struct loop *loop,
		  const struct vm_net *config)
{
	int r = virtio_init(&n->dev, &net_ops, mem, loop);

	if (r < 0)
		return r;
	n->config = *config;
	if (config->mtu)
		n->dev.offered |= 1ULL << VIRTIO_NET_F_MTU;
	r = loop_add(loop, config->tap, EPOLLIN | EPOLLET, handle_tap, n);
	if (r < 0)
		virtio_fini(&n->dev);
	return r;
}

struct virtio_device *net_create(const struct guestmem *mem, struct loop *loop,
				 const struct vm_net *net)
{
	struct net *n = calloc(1, sizeof(*n));
	int r = n ? set_up(n, mem, loop, net) : fail(ENOMEM, "virtio-net");

	if (r < 0) {
		free(n);
		errno = -r;
		return NULL;
	}
	return &n->dev;
}
