/* SPDX-License-Identifier: MIT */
/* One stdio stream over the agent channel, with flow control. */
#include "runtime/agent_stream.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/loop.h"
#include "runtime/agent_channel.h"

/* What a pipe that is ready surely takes without blocking (PIPE_BUF). */
#define PIECE_BYTES 4096

/* epoll refuses files; they are always ready. Returns 0 or -errno. */
static int watch(struct loop *loop, int fd, uint32_t events,
		 loop_handler *handler, void *arg, bool *always_ready)
{
	int r = loop_add(loop, fd, events, handler, arg);

	if (r != -EPERM)
		return r;
	fail_clear();
	*always_ready = true;
	return 0;
}

/* -- Source --------------------------------------------------------------- */

static int source_end(struct stream_source *s)
{
	stream_source_stop(s);
	return channel_send(s->channel, s->type, s->process, NULL, 0);
}

/* Reads and sends one piece. Returns the bytes, 0 at the end, -errno. */
static int source_piece(struct stream_source *s)
{
	char bytes[AGENT_FRAME_MAX];
	size_t room = s->window < sizeof(bytes) ? s->window : sizeof(bytes);
	ssize_t n = read(s->fd, bytes, room);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	/* A pty whose last user has gone says EIO. */
	if (n <= 0)
		return 0;
	s->window -= (uint32_t)n;
	r = channel_send(s->channel, s->type, s->process, bytes, (size_t)n);
	return r < 0 ? r : (int)n;
}

static int on_readable(void *arg, uint32_t events);

/* Watched while there is something to be gained from it. */
static int source_watch(struct stream_source *s)
{
	bool want = s->fd >= 0 && s->window > 0 && !s->always_ready;

	if (want == s->watched)
		return 0;
	s->watched = want;
	if (want)
		return watch(s->loop, s->fd, EPOLLIN, on_readable, s,
			     &s->always_ready);
	loop_remove(s->loop, s->fd);
	return 0;
}

static int on_readable(void *arg, uint32_t events)
{
	struct stream_source *s = arg;
	int r = source_piece(s);

	(void)events;
	if (r == 0)
		return source_end(s);
	return r < 0 && r != -EAGAIN ? r : source_watch(s);
}

/* Files: all that the window lets through, at once. */
static int source_pump(struct stream_source *s)
{
	int r = 1;

	while (s->always_ready && s->fd >= 0 && s->window > 0 && r > 0) {
		r = source_piece(s);
		if (r == 0)
			return source_end(s);
	}
	return r < 0 ? r : 0;
}

int stream_source_start(struct stream_source *s, struct loop *loop, int fd)
{
	int r;

	s->loop = loop;
	s->fd = fd;
	s->window = AGENT_WINDOW;
	r = source_watch(s);
	return r < 0 ? r : source_pump(s);
}

int stream_source_credit(struct stream_source *s, uint32_t bytes)
{
	int r;

	if (bytes > AGENT_WINDOW - s->window)
		return fail_plain(EPROTO, "credit for bytes never sent");
	s->window += bytes;
	if (s->fd < 0)
		return 0;
	r = source_watch(s);
	return r < 0 ? r : source_pump(s);
}

int stream_source_drain(struct stream_source *s)
{
	while (s->fd >= 0) {
		int r;

		if (s->window == 0)
			return 0;
		r = source_piece(s);
		if (r == 0 || r == -EAGAIN) {
			r = source_end(s);
			return r < 0 ? r : 1;
		}
		if (r < 0)
			return r;
	}
	return 1;
}

void stream_source_stop(struct stream_source *s)
{
	if (s->fd < 0)
		return;
	if (s->watched)
		loop_remove(s->loop, s->fd);
	s->watched = false;
	close(s->fd);
	s->fd = -1;
}

/* -- Sink ----------------------------------------------------------------- */

static int sink_credit(struct stream_sink *s, uint32_t bytes)
{
	const struct agent_credit credit = {.stream = s->stream,
					    .bytes = bytes};

	return channel_send(s->channel, AGENT_CREDIT, s->process, &credit,
			    sizeof(credit));
}

static void sink_close(struct stream_sink *s)
{
	if (s->fd < 0)
		return;
	if (s->watched)
		loop_remove(s->loop, s->fd);
	s->watched = false;
	close(s->fd);
	s->fd = -1;
}

/* Nobody reads any more: what comes is dropped, and given back. */
static int sink_give_up(struct stream_sink *s)
{
	uint32_t bytes = (uint32_t)s->pending.len;

	sink_close(s);
	s->pending.len = 0;
	return bytes ? sink_credit(s, bytes) : 0;
}

/* Writes one piece. Returns 0 or -errno with text. */
static int sink_piece(struct stream_sink *s)
{
	size_t len = s->pending.len < PIECE_BYTES ? s->pending.len
						  : PIECE_BYTES;
	ssize_t n = write(s->fd, s->pending.data, len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return sink_give_up(s);
	s->pending.len -= (size_t)n;
	memmove(s->pending.data, s->pending.data + n, s->pending.len);
	return sink_credit(s, (uint32_t)n);
}

static int on_writable(void *arg, uint32_t events);

static int sink_watch(struct stream_sink *s)
{
	bool want = s->fd >= 0 && s->pending.len && !s->always_ready;

	if (want == s->watched)
		return 0;
	s->watched = want;
	if (want)
		return watch(s->loop, s->fd, EPOLLOUT, on_writable, s,
			     &s->always_ready);
	loop_remove(s->loop, s->fd);
	return 0;
}

static int sink_settle(struct stream_sink *s)
{
	int r = sink_watch(s);

	while (r == 0 && s->always_ready && s->fd >= 0 && s->pending.len)
		r = sink_piece(s);
	if (r == 0 && s->end && s->pending.len == 0)
		sink_close(s);
	return r;
}

static int on_writable(void *arg, uint32_t events)
{
	struct stream_sink *s = arg;
	int r = sink_piece(s);

	(void)events;
	return r < 0 ? r : sink_settle(s);
}

int stream_sink_start(struct stream_sink *s, struct loop *loop, int fd)
{
	s->loop = loop;
	s->fd = fd;
	return 0;
}

int stream_sink_put(struct stream_sink *s, const void *bytes, uint32_t len)
{
	if (s->end)
		return fail_plain(EPROTO, "stream %d goes on after its end",
				  s->stream);
	if (len > AGENT_WINDOW - s->pending.len)
		return fail_plain(EPROTO, "stream %d runs over its window",
				  s->stream);
	s->end = len == 0;
	if (s->fd < 0)
		return len ? sink_credit(s, len) : 0;
	buf_put(&s->pending, bytes, len);
	if (s->pending.failed)
		return fail(ENOMEM, "stdio");
	return sink_settle(s);
}

void stream_sink_flush(struct stream_sink *s)
{
	if (s->fd >= 0 && s->pending.len)
		fd_write_all(s->fd, s->pending.data, s->pending.len);
	s->pending.len = 0;
}

void stream_sink_stop(struct stream_sink *s)
{
	sink_close(s);
	buf_fini(&s->pending);
}
