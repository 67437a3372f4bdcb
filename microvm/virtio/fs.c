/* SPDX-License-Identifier: MIT */
/* virtio-fs: the file server of host/fuse.c on virtqueues (virtio 1.2, section 5.11). */
#include <errno.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "microvm/host/fuse.h"
#include "microvm/microvm.h"
#include "microvm/virtio/devices.h"
#include "microvm/virtio/virtio.h"

#define QUEUES	   2 /* hiprio (FORGET, INTERRUPT), and one for the rest */
#define QUEUE_MAX  1024
#define CHAIN_ROOM 1024

/*
 * A kick wakes the worker, which serves both queues: requests wait for the
 * host's disks, and change the thread's credentials. It holds `busy` while it
 * is at the queues; who resets the device takes it, after the device's lock.
 */
struct fs {
	struct virtio_device dev;
	struct fuse_server *server;
	const struct vm_config *config;
	char tag[sizeof(((struct virtio_fs_config *)0)->tag)];
	pthread_t thread;
	bool started; /* the thread was */
	bool quit; /* atomic */
	bool active; /* guarded by: busy */
	bool stale; /* guarded by: busy; what the server knows is of the past */
	int work; /* eventfd: to the worker */
	pthread_mutex_t busy;
	struct iovec iov[CHAIN_ROOM]; /* the worker's */
};

/* -- The worker ----------------------------------------------------------- */

static int serve_queue(struct fs *fs, struct virtq *q)
{
	int r;

	for (;;) {
		struct virtq_chain chain = {.iov = fs->iov, .room = CHAIN_ROOM};
		ssize_t n;

		r = virtq_next(q, &chain);
		if (r <= 0)
			return r;
		n = fuse_server_handle(fs->server, chain.iov, chain.n_read,
				       chain.iov + chain.n_read,
				       chain.n_write);
		if (n < 0)
			return (int)n;
		virtq_push(q, chain.head, (uint32_t)n);
		/* Each by itself: most callers wait for one answer. */
		virtq_signal(q);
	}
}

/* A mistake of the guest; unless it has reset the device meanwhile. */
static void report(struct fs *fs)
{
	pthread_mutex_lock(&fs->dev.lock);
	/* Set by fs_reset() with this lock, and cleared by this thread. */
	if (!fs->stale)
		virtio_broken(&fs->dev);
	pthread_mutex_unlock(&fs->dev.lock);
}

static void serve(struct fs *fs)
{
	int r = 0;

	pthread_mutex_lock(&fs->busy);
	if (fs->stale)
		fuse_server_reset(fs->server);
	fs->stale = false;
	for (unsigned i = 0; fs->active && r >= 0 && i < QUEUES; i++)
		r = serve_queue(fs, &fs->dev.queues[i]);
	if (r < 0)
		fs->active = false;
	pthread_mutex_unlock(&fs->busy);
	if (r < 0)
		report(fs);
}

static int prepare(struct fs *fs)
{
	const struct vm_config *c = fs->config;
	int r = fuse_server_thread_init(fs->server);

	if (r == 0 && c->confine)
		r = c->confine(VM_THREAD_FS, c->confine_arg);
	return r;
}

static void *worker(void *arg)
{
	struct fs *fs = arg;
	uint64_t count;

	if (prepare(fs) < 0) {
		/* Without it the guest has no files: it cannot go on. */
		log_error("file server: %s", fail_text());
		_exit(1);
	}
	while (read(fs->work, &count, sizeof(count)) == sizeof(count) &&
	       !__atomic_load_n(&fs->quit, __ATOMIC_ACQUIRE))
		serve(fs);
	return NULL;
}

/* -- The device ----------------------------------------------------------- */

static void fs_config_read(struct virtio_device *dev, uint64_t offset,
			   void *bytes, unsigned len)
{
	const struct fs *fs = (struct fs *)dev;
	struct virtio_fs_config config = {.num_request_queues = QUEUES - 1};

	memcpy(config.tag, fs->tag, sizeof(config.tag));
	virtio_config_copy(&config, sizeof(config), offset, bytes, len);
}

static int fs_activate(struct virtio_device *dev)
{
	struct fs *fs = (struct fs *)dev;

	pthread_mutex_lock(&fs->busy);
	fs->active = true;
	pthread_mutex_unlock(&fs->busy);
	return 0;
}

static int fs_kick(struct virtio_device *dev, unsigned q)
{
	(void)q;
	virtq_poke(((struct fs *)dev)->work);
	return 0;
}

static void fs_reset(struct virtio_device *dev)
{
	struct fs *fs = (struct fs *)dev;

	pthread_mutex_lock(&fs->busy);
	fs->active = false;
	/* The worker's work: this thread may not touch files. */
	fs->stale = true;
	pthread_mutex_unlock(&fs->busy);
}

static void fs_destroy(struct virtio_device *dev)
{
	struct fs *fs = (struct fs *)dev;

	if (fs->started) {
		__atomic_store_n(&fs->quit, true, __ATOMIC_RELEASE);
		virtq_poke(fs->work);
		pthread_join(fs->thread, NULL);
	}
	virtio_fini(dev);
	fuse_server_destroy(fs->server);
	pthread_mutex_destroy(&fs->busy);
	cleanup_fd(&fs->work);
	free(fs);
}

static const struct virtio_ops fs_ops = {
	.name = "file system",
	.id = VIRTIO_ID_FS,
	.n_queues = QUEUES,
	.queue_max = QUEUE_MAX,
	.config_read = fs_config_read,
	.activate = fs_activate,
	.kick = fs_kick,
	.reset = fs_reset,
	.destroy = fs_destroy,
};

/* Before the I/O thread is confined, whose confinement it would inherit. */
static int start_worker(struct fs *fs)
{
	int r = pthread_create(&fs->thread, NULL, worker, fs);

	fs->started = r == 0;
	return r ? fail(r, "start the file server's thread") : 0;
}

static int fs_init(struct fs *fs, const struct guestmem *mem,
		   struct loop *loop, const struct vm_fs *export)
{
	const struct fuse_config config = {.root = export->root,
					   .proc = fs->config->proc,
					   .readonly = export->readonly};
	int r = fuse_server_create(&config, &fs->server);

	if (r < 0)
		return r;
	fs->work = eventfd(0, EFD_CLOEXEC);
	if (fs->work < 0)
		return fail(errno, "file server");
	r = virtio_init(&fs->dev, &fs_ops, mem, loop);
	return r < 0 ? r : start_worker(fs);
}

struct virtio_device *fs_create(const struct guestmem *mem, struct loop *loop,
				const struct vm_fs *export,
				const struct vm_config *config)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	int r;

	if (!fs) {
		fail(ENOMEM, "file server");
		return NULL;
	}
	fs->config = config;
	fs->work = -1;
	memcpy(fs->tag, export->tag, strnlen(export->tag, sizeof(fs->tag)));
	pthread_mutex_init(&fs->busy, NULL);
	r = fs_init(fs, mem, loop, export);
	if (r < 0) {
		fs_destroy(&fs->dev);
		errno = -r;
		return NULL;
	}
	return &fs->dev;
}
