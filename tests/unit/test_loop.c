/* SPDX-License-Identifier: MIT */
/* Tests of lib/loop.c. */
#include "lib/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

struct watch {
	struct loop loop;
	int fd, other;
	int calls, result;
};

static int on_event(void *arg, uint32_t events)
{
	struct watch *w = arg;
	uint64_t n;

	w->calls++;
	if (events & EPOLLIN && read(w->fd, &n, sizeof(n)) < 0)
		return -errno;
	if (w->calls == 3)
		loop_stop(&w->loop);
	else if (eventfd_write(w->fd, 1) < 0)
		return -errno;
	return w->result;
}

/* Stops watching the other fd, whose event may be the next in the batch. */
static int on_remove_other(void *arg, uint32_t events)
{
	struct watch *w = arg;

	(void)events;
	w->calls++;
	loop_remove(&w->loop, w->fd);
	loop_remove(&w->loop, w->other);
	loop_stop(&w->loop);
	return 0;
}

static void runs(int result, int calls, int want)
{
	struct watch w = {.result = result, .fd = eventfd(1, EFD_CLOEXEC)};

	CHECK_INT(loop_init(&w.loop), 0);
	CHECK_INT(loop_add(&w.loop, w.fd, EPOLLIN, on_event, &w), 0);
	CHECK_INT(loop_run(&w.loop), want);
	CHECK_INT(w.calls, calls);
	loop_fini(&w.loop);
	close(w.fd);
}

static void removed(void)
{
	struct watch w = {.fd = eventfd(1, EFD_CLOEXEC),
			  .other = eventfd(1, EFD_CLOEXEC)};

	CHECK_INT(loop_init(&w.loop), 0);
	CHECK_INT(loop_add(&w.loop, w.fd, EPOLLIN, on_remove_other, &w), 0);
	CHECK_INT(loop_add(&w.loop, w.other, EPOLLIN, on_remove_other, &w), 0);
	CHECK_INT(loop_run(&w.loop), 0);
	CHECK_INT(w.calls, 1);
	CHECK_INT(loop_modify(&w.loop, w.fd, EPOLLIN), -ENOENT);
	/* The same fd can be watched again. */
	CHECK_INT(loop_add(&w.loop, w.fd, EPOLLIN, on_remove_other, &w), 0);
	CHECK_INT(loop_run(&w.loop), 0);
	CHECK_INT(w.calls, 2);
	loop_fini(&w.loop);
	close(w.fd);
	close(w.other);
}

static void modified(void)
{
	struct watch w = {.fd = eventfd(0, EFD_CLOEXEC)};

	CHECK_INT(loop_init(&w.loop), 0);
	CHECK_INT(loop_add(&w.loop, w.fd, EPOLLIN, on_event, &w), 0);
	/* Nothing to read, but room to write: this one is called. */
	CHECK_INT(loop_modify(&w.loop, w.fd, EPOLLOUT), 0);
	w.result = -ECANCELED;
	CHECK_INT(loop_run(&w.loop), -ECANCELED);
	CHECK_INT(w.calls, 1);
	loop_fini(&w.loop);
	close(w.fd);
}

int main(void)
{
	TEST("handlers are called until one of them stops the loop")
	{
		runs(0, 3, 0);
	}
	TEST("a handler's error ends the loop and is returned")
	{
		runs(-EPROTO, 1, -EPROTO);
	}
	TEST("a source that was removed gets no event of the same batch",
	     removed);
	TEST("the events watched for can be changed", modified);
	TEST("a regular file is refused with EPERM")
	{
		_cleanup_fd_ int fd =
			open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		struct loop l;

		CHECK_INT(loop_init(&l), 0);
		CHECK_INT(loop_add(&l, fd, EPOLLIN, on_event, NULL), -EPERM);
		CHECK_HAS(fail_text(), "watch fd ");
		loop_fini(&l);
	}
	return test_done();
}
