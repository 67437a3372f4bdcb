/* SPDX-License-Identifier: MIT */
/* virtio-net: a network interface on a tap device (virtio 1.2, section 5.1). */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/loop.h"
#include "microvm/microvm.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

/*
 * Theory of operation
 *
 * The tap speaks the guest's own header (TUNSETVNETHDRSZ), so that checksums
 * and segmentation pass through as they are. A frame is written from the
 * guest's memory; one that comes is read into a buffer of ours first, since
 * how many of the guest's buffers it needs is known only then, and it is kept
 * there until the guest has given enough of them. The tap is watched
 * edge-triggered: a frame that waits stops the reading, and the guest's next
 * kick goes on with it.
 */

#define QUEUE_MAX  256
#define HEADER     sizeof(struct virtio_net_hdr_v1)
#define FRAME_MAX  (HEADER + 65535 + 14)
#define MTU_MIN    68
#define BIT(n)     (1ULL << (n))
#define MERGED_MAX 64 /* buffers of one frame */

enum { RX, TX, N_QUEUES };

/* guarded by: dev.lock */
struct net {
	struct virtio_device dev;
	struct virtio_ops ops; /* the features depend on the interface */
	int tap;               /* borrowed */
	uint8_t mac[6];
	uint16_t mtu;
	size_t frame_bytes; /* of the frame that waits; 0: none does */
	uint8_t frame[FRAME_MAX];
};

/* Which offload of the tap needs which feature of the guest. */
static const struct {
	unsigned feature, offload;
} offloads[] = {
	{VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM},
	{VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4},
	{VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6},
	{VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN},
};

static struct net *net_of(struct virtio_device *dev)
{
	return (struct net *)dev;
}

/* How many of the guest's buffers the waiting frame needs; none is taken.
 * Returns 0 when there are too few of them yet, or -errno. */
static int count_buffers(struct net *n)
{
	struct virtq *q = &n->dev.queues[RX];
	int most = virtio_has(&n->dev, VIRTIO_NET_F_MRG_RXBUF) ? MERGED_MAX : 1;
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};
	size_t room = 0;
	int count = 0, r = 1;

	while (room < n->frame_bytes && count < most) {
		r = virtq_next(q, &chain);
		if (r <= 0)
			break;
		count++;
		room += chain.write_bytes;
		if (chain.write_bytes >= HEADER)
			continue;
		r = fail_plain(EINVAL, "input buffer of %zu bytes",
			       chain.write_bytes);
		break;
	}
	for (int i = 0; i < count; i++)
		virtq_undo_next(q);
	return r <= 0 ? r : count;
}

/* Puts the waiting frame into the guest's buffers; what they cannot hold is
 * cut off. Returns 1, 0 when the guest has to give more of them first, or
 * -errno. */
static int deliver(struct net *n)
{
	struct virtq *q = &n->dev.queues[RX];
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};
	int count = count_buffers(n);
	uint16_t n_buffers = (uint16_t)count;
	size_t done = 0;

	if (count <= 0)
		return count;
	memcpy(n->frame + offsetof(struct virtio_net_hdr_v1, num_buffers),
	       &n_buffers, sizeof(n_buffers));
	for (int i = 0; i < count; i++) {
		int r = virtq_next(q, &chain);

		if (r < 0)
			return r;
		if (r == 0) /* it took them back */
			return fail_plain(EINVAL, "input buffers vanish");

		size_t bytes = virtq_copy_in(&chain, 0, n->frame + done,
					     n->frame_bytes - done);

		virtq_push(q, chain.head, (uint32_t)bytes);
		done += bytes;
	}
	n->frame_bytes = 0;
	return 1;
}

/* Frames from the tap to the guest, as long as both sides go on. */
static int pump_in(struct net *n)
{
	struct virtq *q = &n->dev.queues[RX];
	unsigned taken = 0;
	int r = 1;

	while (q->ready && r > 0) {
		if (taken++ == q->size) { /* others want the loop, too */
			virtq_poke(q->notify);
			break;
		}
		if (n->frame_bytes == 0) {
			ssize_t got = read(n->tap, n->frame, sizeof(n->frame));

			if (got < 0)
				break;
			if ((size_t)got < HEADER)
				continue;
			n->frame_bytes = (size_t)got;
		}
		r = deliver(n);
	}
	virtq_signal(q);
	return r < 0 ? r : 0;
}

/* A frame of the guest's; one that the tap does not take is lost, as frames
 * may be. */
static int serve_out(struct virtio_device *dev, const struct virtq_chain *chain,
		     uint32_t *written)
{
	*written = 0;
	if (chain->read_bytes < HEADER)
		return fail_plain(EINVAL, "frame of %zu bytes",
				  chain->read_bytes);
	if (chain->read_bytes <= FRAME_MAX)
		(void)!writev(net_of(dev)->tap, chain->iov, (int)chain->n_read);
	return 0;
}

static int on_tap(void *arg, uint32_t events)
{
	struct net *n = arg;

	(void)events;
	pthread_mutex_lock(&n->dev.lock);
	if (virtio_is_active(&n->dev) && pump_in(n) < 0)
		virtio_broken(&n->dev);
	pthread_mutex_unlock(&n->dev.lock);
	return 0;
}

static int net_kick(struct virtio_device *dev, unsigned q)
{
	struct iovec iov[QUEUE_MAX];
	struct virtq_chain chain = {.iov = iov, .room = QUEUE_MAX};

	if (q == RX)
		return pump_in(net_of(dev));
	return virtio_serve_queue(dev, q, &chain, serve_out);
}

/* The tap may send what the guest understands, and not more. */
static int net_activate(struct virtio_device *dev)
{
	unsigned long wanted = 0;

	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++)
		if (virtio_has(dev, offloads[i].feature))
			wanted |= offloads[i].offload;
	if (ioctl(net_of(dev)->tap, TUNSETOFFLOAD, wanted) < 0)
		return fail(errno, "offloads %#lx of a tap", wanted);
	return 0;
}

static void net_reset(struct virtio_device *dev)
{
	net_of(dev)->frame_bytes = 0;
}

static void net_config_read(struct virtio_device *dev, uint64_t offset,
			    void *bytes, unsigned len)
{
	const struct net *n = net_of(dev);
	struct virtio_net_config config = {.mtu = n->mtu};

	memcpy(config.mac, n->mac, sizeof(n->mac));
	virtio_config_copy(&config, sizeof(config), offset, bytes, len);
}

static void net_destroy(struct virtio_device *dev)
{
	struct net *n = net_of(dev);

	loop_remove(dev->loop, n->tap);
	virtio_fini(dev);
	free(n);
}

static const struct virtio_ops net_ops = {
	.name = "network interface",
	.id = VIRTIO_ID_NET,
	.n_queues = N_QUEUES,
	.queue_max = QUEUE_MAX,
	.features = BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_MRG_RXBUF) |
		    BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
		    BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) |
		    BIT(VIRTIO_NET_F_GUEST_CSUM) |
		    BIT(VIRTIO_NET_F_GUEST_TSO4) |
		    BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN),
	.config_read = net_config_read,
	.activate = net_activate,
	.kick = net_kick,
	.reset = net_reset,
	.destroy = net_destroy,
};

static int prepare_tap(int tap)
{
	int header = HEADER;
	int flags = fcntl(tap, F_GETFL);

	if (ioctl(tap, TUNSETVNETHDRSZ, &header) < 0)
		return fail(errno, "header size of a tap");
	if (flags < 0 || fcntl(tap, F_SETFL, flags | O_NONBLOCK) < 0)
		return fail(errno, "make a tap non-blocking");
	return 0;
}

struct virtio_device *net_create(const struct guestmem *mem, struct loop *loop,
				 const struct vm_net *net)
{
	struct net *n = calloc(1, sizeof(*n));

	if (!n) {
		fail(ENOMEM, "network interface");
		return NULL;
	}
	n->tap = net->tap;
	n->mtu = net->mtu;
	memcpy(n->mac, net->mac, sizeof(n->mac));
	n->ops = net_ops;
	if (net->mtu >= MTU_MIN)
		n->ops.features |= BIT(VIRTIO_NET_F_MTU);

	int r = prepare_tap(net->tap);

	if (r == 0)
		r = virtio_init(&n->dev, &n->ops, mem, loop);
	if (r == 0)
		r = loop_add(loop, net->tap, EPOLLIN | EPOLLET, on_tap, n);
	if (r < 0) {
		virtio_fini(&n->dev);
		free(n);
		errno = -r;
		return NULL;
	}
	return &n->dev;
}
