/* SPDX-License-Identifier: MIT */
/* A small event loop on epoll: fds with handlers, run until told to stop. */
#include "lib/loop.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/fail.h"

#define EVENTS_AT_ONCE 16

struct loop_source {
	struct loop_source *next;
	int fd; /* -1: no longer watched */
	loop_handler *handler;
	void *arg;
};

int loop_init(struct loop *l)
{
	*l = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
	return l->epoll < 0 ? fail(errno, "create an epoll instance") : 0;
}

void loop_fini(struct loop *l)
{
	while (l->sources) {
		struct loop_source *next = l->sources->next;

		free(l->sources);
		l->sources = next;
	}
	if (l->epoll >= 0)
		close(l->epoll);
	l->epoll = -1;
}

static struct loop_source *find(struct loop *l, int fd)
{
	for (struct loop_source *s = l->sources; s; s = s->next)
		if (s->fd == fd)
			return s;
	return NULL;
}

int loop_add(struct loop *l, int fd, uint32_t events, loop_handler *handler,
	     void *arg)
{
	struct loop_source *s = calloc(1, sizeof(*s));

	if (!s)
		return fail(ENOMEM, "watch fd %d", fd);
	*s = (struct loop_source){
		.next = l->sources, .fd = fd, .handler = handler, .arg = arg};

	struct epoll_event ev = {.events = events, .data.ptr = s};

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
		int err = errno;

		free(s);
		return fail(err, "watch fd %d", fd);
	}
	l->sources = s;
	return 0;
}

int loop_modify(struct loop *l, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = find(l, fd)};

	if (!ev.data.ptr)
		return fail(ENOENT, "change the watch of fd %d", fd);
	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev) < 0)
		return fail(errno, "change the watch of fd %d", fd);
	return 0;
}

void loop_remove(struct loop *l, int fd)
{
	struct loop_source *s = find(l, fd);

	if (!s)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	s->fd = -1;
}

/* Between two rounds no event for a removed source is under way. */
static void sweep(struct loop *l)
{
	struct loop_source **at = &l->sources;

	while (*at) {
		struct loop_source *s = *at;

		if (s->fd >= 0) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free(s);
	}
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

int loop_run(struct loop *l)
{
	l->stopped = false;
	while (!l->stopped) {
		struct epoll_event events[EVENTS_AT_ONCE];
		int n = epoll_wait(l->epoll, events, EVENTS_AT_ONCE, -1);

		if (n < 0 && errno != EINTR)
			return fail(errno, "wait for events");
		for (int i = 0; i < n && !l->stopped; i++) {
			struct loop_source *s = events[i].data.ptr;

			if (s->fd < 0)
				continue;
			int r = s->handler(s->arg, events[i].events);
			if (r < 0)
				return r;
		}
		sweep(l);
	}
	return 0;
}
