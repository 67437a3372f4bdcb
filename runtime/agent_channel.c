/* SPDX-License-Identifier: MIT */
/* Frames of the agent channel over a byte stream that does not block. */
#include "runtime/agent_channel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/loop.h"

#define READ_BYTES 65536

/* Kept for a side that does not read: the largest frame, and as much of small
 * ones as flow control and signals ever need. */
#define OUT_MAX (AGENT_CREATE_MAX + (1u << 20))

static uint32_t length_max(const struct channel *ch,
			   const struct agent_header *h)
{
	return h->type == AGENT_CREATE ? ch->create_max : AGENT_FRAME_MAX;
}

/* Hands on all whole frames; what is left stays for later. */
static int take_frames(struct channel *ch)
{
	struct agent_header h;
	size_t at = 0;
	int r = 0;

	while (r == 0 && ch->in.len - at >= sizeof(h)) {
		memcpy(&h, ch->in.data + at, sizeof(h));
		if (h.type == 0 || h.type >= AGENT_TYPES ||
		    h.length > length_max(ch, &h))
			return fail_plain(EPROTO,
					  "frame of type %u and %u bytes on "
					  "the agent channel",
					  h.type, h.length);
		if (ch->in.len - at - sizeof(h) < h.length)
			break;
		at += sizeof(h);
		r = ch->handler(ch->arg, &h, (uint8_t *)ch->in.data + at);
		at += h.length;
	}
	if (at) {
		memmove(ch->in.data, ch->in.data + at, ch->in.len - at);
		ch->in.len -= at;
	}
	return r;
}

static int receive(struct channel *ch)
{
	char bytes[READ_BYTES];
	ssize_t n = read(ch->fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		ch->closed = true;
		return fail_plain(EPIPE, "the agent channel was closed");
	}
	buf_put(&ch->in, bytes, (size_t)n);
	return ch->in.failed ? fail(ENOMEM, "agent channel") : take_frames(ch);
}

/* Writes what it can. Returns 0 or -errno with text. */
static int flush(struct channel *ch)
{
	while (ch->out_done < ch->out.len) {
		ssize_t n = write(ch->fd, ch->out.data + ch->out_done,
				  ch->out.len - ch->out_done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0) {
			ch->closed = errno == EPIPE || errno == ECONNRESET;
			return fail(errno, "write to the agent channel");
		}
		ch->out_done += (size_t)n;
	}
	ch->out.len = ch->out_done = 0;
	return 0;
}

static int on_ready(void *arg, uint32_t events)
{
	struct channel *ch = arg;
	int r = 0;

	if (events & EPOLLOUT) {
		r = flush(ch);
		if (r == 0 && ch->out.len == 0)
			r = loop_modify(ch->loop, ch->fd, EPOLLIN);
	}
	if (r == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		r = receive(ch);
	return r;
}

int channel_init(struct channel *ch, int fd, struct loop *loop,
		 channel_handler *handler, void *arg)
{
	*ch = (struct channel){
		.fd = fd, .loop = loop, .handler = handler, .arg = arg};
	return loop_add(loop, fd, EPOLLIN, on_ready, ch);
}

void channel_fini(struct channel *ch)
{
	if (ch->loop)
		loop_remove(ch->loop, ch->fd);
	buf_fini(&ch->in);
	buf_fini(&ch->out);
	ch->loop = NULL;
}

int channel_send(struct channel *ch, enum agent_type type, uint16_t process,
		 const void *payload, size_t len)
{
	const struct agent_header h = {
		.type = (uint16_t)type,
		.process = process,
		.length = (uint32_t)len,
	};
	bool was_idle = ch->out.len == 0;
	int r;

	if (ch->out.len + sizeof(h) + len > OUT_MAX)
		return fail_plain(EPROTO, "the other side does not read the "
					  "agent channel");
	buf_put(&ch->out, &h, sizeof(h));
	buf_put(&ch->out, payload, len);
	if (ch->out.failed)
		return fail(ENOMEM, "agent channel");
	if (!was_idle)
		return 0;
	r = flush(ch);
	if (r == 0 && ch->out.len)
		r = loop_modify(ch->loop, ch->fd, EPOLLIN | EPOLLOUT);
	return r;
}

void channel_send_error(struct channel *ch, uint16_t process, int r)
{
	struct buf payload = {};
	int32_t err = -r;

	buf_put(&payload, &err, sizeof(err));
	buf_puts(&payload, fail_text());
	if (!payload.failed)
		channel_send(ch, AGENT_ERROR, process, payload.data,
			     payload.len);
	buf_fini(&payload);
}

int channel_error(const struct agent_header *h, const uint8_t *payload)
{
	int32_t err;

	if (h->length < sizeof(err))
		return fail_plain(EPROTO, "short error on the agent channel");
	memcpy(&err, payload, sizeof(err));
	if (err <= 0 || err > 4095)
		err = EPROTO;
	if (h->length == sizeof(err) || !payload[sizeof(err)])
		return fail(err, "an error without words in the guest");
	return fail_from(err, (const char *)payload + sizeof(err),
			 h->length - sizeof(err));
}
