/* SPDX-License-Identifier: MIT */
/* The files that the guest knows, and those that it has open. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "microvm/host/fuse_server.h"

void fuse_table_init(struct fuse_table *t)
{
	pthread_mutex_init(&t->lock, NULL);
}

static size_t bucket(uint64_t n)
{
	return n * 0x9e3779b97f4a7c15ULL >> 52;
}

static size_t key_bucket(dev_t dev, ino_t ino, uint64_t mount)
{
	return bucket(ino ^ (uint64_t)dev << 20 ^ mount << 40);
}

static void free_inode(struct fuse_inode *inode)
{
	close(inode->fd);
	free(inode);
}

static void free_handle(struct fuse_handle *h)
{
	close(h->fd);
	pthread_mutex_destroy(&h->position);
	free(h);
}

void fuse_table_clear(struct fuse_table *t)
{
	for (size_t i = 0; i < FUSE_BUCKETS; i++) {
		while (t->by_id[i]) {
			struct fuse_inode *inode = t->by_id[i];

			t->by_id[i] = inode->next_by_id;
			free_inode(inode);
		}
		t->by_key[i] = NULL;
		while (t->handles[i]) {
			struct fuse_handle *h = t->handles[i];

			t->handles[i] = h->next;
			free_handle(h);
		}
	}
}

/* -- Inodes; with the lock held ------------------------------------------- */

static struct fuse_inode *find_id(struct fuse_table *t, uint64_t nodeid)
{
	struct fuse_inode *i = t->by_id[bucket(nodeid)];

	while (i && i->nodeid != nodeid)
		i = i->next_by_id;
	return i;
}

static struct fuse_inode *find_key(struct fuse_table *t, dev_t dev, ino_t ino,
				   uint64_t mount)
{
	struct fuse_inode *i = t->by_key[key_bucket(dev, ino, mount)];

	while (i && (i->dev != dev || i->ino != ino || i->mount != mount))
		i = i->next_by_key;
	return i;
}

static void unlink_inode(struct fuse_table *t, struct fuse_inode *inode)
{
	struct fuse_inode **at = &t->by_id[bucket(inode->nodeid)];

	while (*at != inode)
		at = &(*at)->next_by_id;
	*at = inode->next_by_id;
	at = &t->by_key[key_bucket(inode->dev, inode->ino, inode->mount)];
	while (*at != inode)
		at = &(*at)->next_by_key;
	*at = inode->next_by_key;
}

static void drop_if_unused(struct fuse_table *t, struct fuse_inode *inode)
{
	if (inode->lookups || inode->users)
		return;
	unlink_inode(t, inode);
	free_inode(inode);
}

static struct fuse_inode *insert(struct fuse_table *t, int fd,
				 const struct statx *st, dev_t dev)
{
	struct fuse_inode *inode = calloc(1, sizeof(*inode));
	struct fuse_inode **id, **key;

	if (!inode)
		return NULL;
	*inode = (struct fuse_inode){
		.nodeid = ++t->last_nodeid,
		.fd = fd,
		.dev = dev,
		.ino = st->stx_ino,
		.mount = st->stx_mnt_id,
		.type = st->stx_mode & S_IFMT,
	};
	id = &t->by_id[bucket(inode->nodeid)];
	key = &t->by_key[key_bucket(dev, inode->ino, inode->mount)];
	inode->next_by_id = *id;
	inode->next_by_key = *key;
	*id = *key = inode;
	return inode;
}

/* -- Inodes --------------------------------------------------------------- */

struct fuse_inode *fuse_inode_get(struct fuse_server *s, uint64_t nodeid)
{
	struct fuse_inode *inode;

	pthread_mutex_lock(&s->table.lock);
	inode = find_id(&s->table, nodeid);
	if (inode)
		inode->users++;
	pthread_mutex_unlock(&s->table.lock);
	return inode;
}

void fuse_inode_put(struct fuse_server *s, struct fuse_inode *inode)
{
	if (!inode)
		return;
	pthread_mutex_lock(&s->table.lock);
	inode->users--;
	drop_if_unused(&s->table, inode);
	pthread_mutex_unlock(&s->table.lock);
}

struct fuse_inode *fuse_inode_of(struct fuse_server *s, int fd,
				 struct statx *st)
{
	struct fuse_inode *inode;
	int r = fuse_stat(fd, st);
	dev_t dev;

	if (r < 0) {
		close(fd);
		errno = -r;
		return NULL;
	}
	dev = makedev(st->stx_dev_major, st->stx_dev_minor);
	pthread_mutex_lock(&s->table.lock);
	inode = find_key(&s->table, dev, st->stx_ino, st->stx_mnt_id);
	if (inode)
		close(fd);
	else
		inode = insert(&s->table, fd, st, dev);
	if (inode)
		inode->lookups++;
	pthread_mutex_unlock(&s->table.lock);
	if (!inode) {
		close(fd);
		errno = ENOMEM;
	}
	return inode;
}

void fuse_inode_forget(struct fuse_server *s, uint64_t nodeid, uint64_t n)
{
	struct fuse_inode *inode;

	if (nodeid == FUSE_ROOT_ID)
		return;
	pthread_mutex_lock(&s->table.lock);
	inode = find_id(&s->table, nodeid);
	if (inode) {
		/* More than it has is a lie, and hurts nobody. */
		inode->lookups -= n < inode->lookups ? n : inode->lookups;
		drop_if_unused(&s->table, inode);
	}
	pthread_mutex_unlock(&s->table.lock);
}

/* -- Handles -------------------------------------------------------------- */

uint64_t fuse_handle_add(struct fuse_server *s, int fd, bool is_dir)
{
	struct fuse_handle *h = calloc(1, sizeof(*h));
	struct fuse_table *t = &s->table;
	uint64_t id;

	if (!h) {
		close(fd);
		errno = ENOMEM;
		return 0;
	}
	h->fd = fd;
	h->is_dir = is_dir;
	pthread_mutex_init(&h->position, NULL);
	pthread_mutex_lock(&t->lock);
	id = h->id = ++t->last_handle;
	h->next = t->handles[bucket(id)];
	t->handles[bucket(id)] = h;
	pthread_mutex_unlock(&t->lock);
	return id;
}

/* With the lock held. */
static struct fuse_handle *find_handle(struct fuse_table *t, uint64_t id)
{
	struct fuse_handle *h = t->handles[bucket(id)];

	while (h && h->id != id)
		h = h->next;
	return h && !h->released ? h : NULL;
}

/* With the lock held. */
static void drop_handle(struct fuse_table *t, struct fuse_handle *h)
{
	struct fuse_handle **at = &t->handles[bucket(h->id)];

	if (h->users || !h->released)
		return;
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	free_handle(h);
}

struct fuse_handle *fuse_handle_get(struct fuse_server *s, uint64_t id,
				    bool is_dir)
{
	struct fuse_handle *h;

	pthread_mutex_lock(&s->table.lock);
	h = find_handle(&s->table, id);
	if (h && h->is_dir != is_dir)
		h = NULL;
	if (h)
		h->users++;
	pthread_mutex_unlock(&s->table.lock);
	return h;
}

void fuse_handle_put(struct fuse_server *s, struct fuse_handle *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&s->table.lock);
	h->users--;
	drop_handle(&s->table, h);
	pthread_mutex_unlock(&s->table.lock);
}

void fuse_handle_release(struct fuse_server *s, uint64_t id)
{
	struct fuse_handle *h;

	pthread_mutex_lock(&s->table.lock);
	h = find_handle(&s->table, id);
	if (h) {
		h->released = true;
		drop_handle(&s->table, h);
	}
	pthread_mutex_unlock(&s->table.lock);
}
