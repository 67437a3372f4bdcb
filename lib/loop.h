/* SPDX-License-Identifier: MIT */
/* A small event loop on epoll: fds with handlers, run until told to stop. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;

/*
 * Handler of one fd. events: EPOLLIN, EPOLLOUT, EPOLLHUP, ….
 * Returns 0 to go on, or a negative errno that ends loop_run().
 */
typedef int loop_handler(void *arg, uint32_t events);

/* owned by: the thread that runs it. */
struct loop {
	int epoll; /* -1 before loop_init() */
	bool stopped;
	struct loop_source *sources; /* one no longer watched is kept until
					the round is over, since an event for
					it may still be under way */
};

/* Prepares an empty loop. Returns 0 or -errno with fail() text. */
int loop_init(struct loop *l);

/* Frees the loop; fds stay open, they are the caller's. */
void loop_fini(struct loop *l);

/*
 * Watches fd for events; handler is called with arg. fd is borrowed and must
 * outlive the watch. Returns 0 or -errno with fail() text; -EPERM for an fd
 * that epoll cannot watch (a regular file).
 */
int loop_add(struct loop *l, int fd, uint32_t events, loop_handler *handler,
	     void *arg);

/* Changes the events watched for on fd. Returns 0 or -errno with text. */
int loop_modify(struct loop *l, int fd, uint32_t events);

/* Stops watching fd. */
void loop_remove(struct loop *l, int fd);

/* Makes loop_run() return 0 after the present handler. */
void loop_stop(struct loop *l);

/* Runs handlers until loop_stop() or a handler's error, which it returns. */
int loop_run(struct loop *l);
