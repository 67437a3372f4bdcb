/* SPDX-License-Identifier: MIT */
/* The inodes that the guest knows: nodeid to O_PATH fd, and file to nodeid. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "microvm/host/fuse_server.h"

static size_t bucket_of(const struct fuse_server *s,
			const struct fuse_inode *key)
{
	uint64_t h = key->ino ^ (uint64_t)key->dev_minor << 40 ^
		     (uint64_t)key->dev_major << 52 ^ key->mount << 20;

	return (h * 0x9e3779b97f4a7c15ULL >> 32) & (s->n_buckets - 1);
}

static bool same_file(const struct fuse_inode *a, const struct fuse_inode *b)
{
	return a->ino == b->ino && a->mount == b->mount &&
	       a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

static struct fuse_inode *find(const struct fuse_server *s,
			       const struct fuse_inode *key)
{
	struct fuse_inode *i =
		s->n_buckets ? s->buckets[bucket_of(s, key)] : NULL;

	while (i && !same_file(i, key))
		i = i->next;
	return i;
}

static void link_in(struct fuse_server *s, struct fuse_inode *inode)
{
	struct fuse_inode **bucket = &s->buckets[bucket_of(s, inode)];

	inode->next = *bucket;
	*bucket = inode;
}

static int grow(struct fuse_server *s)
{
	size_t n_old = s->n_buckets;
	struct fuse_inode **old = s->buckets, **buckets;

	if (s->n_inodes < n_old)
		return 0;
	buckets = calloc(n_old ? 2 * n_old : 64, sizeof(struct fuse_inode *));
	if (!buckets)
		return n_old ? 0 : -ENOMEM;
	s->buckets = buckets;
	s->n_buckets = n_old ? 2 * n_old : 64;
	for (size_t b = 0; b < n_old; b++) {
		for (struct fuse_inode *i = old[b], *next; i; i = next) {
			next = i->next;
			link_in(s, i);
		}
	}
	free(old);
	return 0;
}

static void unlink_from(struct fuse_server *s, struct fuse_inode *inode)
{
	struct fuse_inode **at = &s->buckets[bucket_of(s, inode)];

	while (*at != inode)
		at = &(*at)->next;
	*at = inode->next;
}

/* With the lock held. */
static void drop_unused(struct fuse_server *s, struct fuse_inode *inode)
{
	if (inode->lookups || inode->refs)
		return;
	unlink_from(s, inode);
	fuse_slots_remove(&s->inodes, inode->nodeid);
	s->n_inodes--;
	close(inode->fd);
	free(inode);
}

/* With the lock held. Takes over key->fd on success. */
static int insert(struct fuse_server *s, const struct fuse_inode *key,
		  struct fuse_inode **out)
{
	struct fuse_inode *inode = malloc(sizeof(*inode));

	if (!inode || grow(s) < 0) {
		free(inode);
		return -ENOMEM;
	}
	*inode = *key;
	inode->nodeid = fuse_slots_add(&s->inodes, inode);
	if (!inode->nodeid) {
		free(inode);
		return -ENOMEM;
	}
	link_in(s, inode);
	s->n_inodes++;
	*out = inode;
	return 0;
}

int fuse_inode_add(struct fuse_server *s, int fd, struct statx *st,
		   uint64_t *nodeid)
{
	struct fuse_inode key = {.fd = fd};
	struct fuse_inode *inode;
	int r = fuse_stat(fd, st);

	if (r < 0) {
		close(fd);
		return r;
	}
	key.ino = st->stx_ino;
	key.mount = st->stx_mnt_id;
	key.dev_major = st->stx_dev_major;
	key.dev_minor = st->stx_dev_minor;
	key.type = st->stx_mode & S_IFMT;
	pthread_mutex_lock(&s->inodes_lock);
	inode = find(s, &key);
	if (!inode)
		r = insert(s, &key, &inode);
	if (r == 0) {
		inode->lookups++;
		*nodeid = inode->nodeid;
	}
	/* The table's fd keeps the file: its number is not used again. */
	if (r < 0 || inode->fd != fd)
		close(fd);
	pthread_mutex_unlock(&s->inodes_lock);
	return r;
}

struct fuse_inode *fuse_inode_hold(struct fuse_server *s, uint64_t nodeid)
{
	struct fuse_inode *inode;

	pthread_mutex_lock(&s->inodes_lock);
	inode = fuse_slots_get(&s->inodes, nodeid);
	/* One without lookups is on its way out: the guest forgot it. */
	if (inode && inode->lookups)
		inode->refs++;
	else
		inode = NULL;
	pthread_mutex_unlock(&s->inodes_lock);
	return inode;
}

void fuse_inode_put(struct fuse_server *s, struct fuse_inode *inode)
{
	if (!inode)
		return;
	pthread_mutex_lock(&s->inodes_lock);
	inode->refs--;
	drop_unused(s, inode);
	pthread_mutex_unlock(&s->inodes_lock);
}

void fuse_inode_forget(struct fuse_server *s, uint64_t nodeid, uint64_t lookups)
{
	struct fuse_inode *inode;

	if (nodeid == FUSE_ROOT_ID)
		return;
	pthread_mutex_lock(&s->inodes_lock);
	inode = fuse_slots_get(&s->inodes, nodeid);
	if (inode) {
		inode->lookups -=
			lookups < inode->lookups ? lookups : inode->lookups;
		drop_unused(s, inode);
	}
	pthread_mutex_unlock(&s->inodes_lock);
}

void fuse_inode_forget_all(struct fuse_server *s)
{
	pthread_mutex_lock(&s->inodes_lock);
	for (uint32_t i = 0; i < s->inodes.n; i++) {
		struct fuse_inode *inode = s->inodes.slots[i].item;

		if (inode && inode != s->root) {
			inode->lookups = 0;
			drop_unused(s, inode);
		}
	}
	pthread_mutex_unlock(&s->inodes_lock);
}

int fuse_inode_root(struct fuse_server *s, int fd)
{
	uint64_t nodeid;
	struct statx st;
	int r = fuse_inode_add(s, fd, &st, &nodeid);

	if (r == 0)
		s->root = fuse_slots_get(&s->inodes, nodeid);
	return r;
}

const char *fuse_fd_name(int fd, char name[FUSE_FD_NAME])
{
	snprintf(name, FUSE_FD_NAME, "%d", fd);
	return name;
}

int fuse_inode_open(struct fuse_server *s, const struct fuse_inode *inode,
		    int flags)
{
	char name[FUSE_FD_NAME];
	int fd;

	/* Devices, pipes and sockets are the guest's own. */
	if (inode->type != S_IFREG && inode->type != S_IFDIR)
		return inode->type == S_IFLNK ? -ELOOP : -EACCES;
	fd = openat(s->fds, fuse_fd_name(inode->fd, name),
		    (flags & ~O_NOFOLLOW) | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}
