/* SPDX-License-Identifier: MIT */
/* The files and directories that the guest has open. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "microvm/host/fuse_server.h"

/* With the lock held. */
static void drop_unused(struct fuse_handle *handle)
{
	if (handle->refs || !handle->released)
		return;
	close(handle->fd);
	pthread_mutex_destroy(&handle->reading);
	free(handle);
}

/* With the lock held. */
static void release(struct fuse_server *s, struct fuse_handle *handle)
{
	fuse_slots_remove(&s->handles, handle->fh);
	handle->released = true;
	drop_unused(handle);
}

int fuse_handle_add(struct fuse_server *s, int fd, bool directory, uint64_t *fh)
{
	struct fuse_handle *handle = calloc(1, sizeof(*handle));

	if (!handle) {
		close(fd);
		return -ENOMEM;
	}
	handle->fd = fd;
	handle->directory = directory;
	pthread_mutex_init(&handle->reading, NULL);
	pthread_mutex_lock(&s->handles_lock);
	handle->fh = *fh = fuse_slots_add(&s->handles, handle);
	pthread_mutex_unlock(&s->handles_lock);
	if (*fh)
		return 0;
	handle->released = true;
	drop_unused(handle);
	return -ENOMEM;
}

struct fuse_handle *fuse_handle_hold(struct fuse_server *s, uint64_t fh,
				     bool directory)
{
	struct fuse_handle *handle;

	pthread_mutex_lock(&s->handles_lock);
	handle = fuse_slots_get(&s->handles, fh);
	if (handle && handle->directory == directory)
		handle->refs++;
	else
		handle = NULL;
	pthread_mutex_unlock(&s->handles_lock);
	return handle;
}

void fuse_handle_put(struct fuse_server *s, struct fuse_handle *handle)
{
	if (!handle)
		return;
	pthread_mutex_lock(&s->handles_lock);
	handle->refs--;
	drop_unused(handle);
	pthread_mutex_unlock(&s->handles_lock);
}

int fuse_handle_release(struct fuse_server *s, uint64_t fh)
{
	struct fuse_handle *handle;

	pthread_mutex_lock(&s->handles_lock);
	handle = fuse_slots_get(&s->handles, fh);
	if (handle)
		release(s, handle);
	pthread_mutex_unlock(&s->handles_lock);
	return handle ? 0 : -EBADF;
}

void fuse_handle_release_all(struct fuse_server *s)
{
	pthread_mutex_lock(&s->handles_lock);
	for (uint32_t i = 0; i < s->handles.n; i++) {
		if (s->handles.slots[i].item)
			release(s, s->handles.slots[i].item);
	}
	pthread_mutex_unlock(&s->handles_lock);
}
