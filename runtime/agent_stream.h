/* SPDX-License-Identifier: MIT */
/* One stdio stream over the agent channel, with flow control. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "runtime/agent_abi.h"

struct channel;
struct loop;

/*
 * Bytes go from an fd of the source's side, at most AGENT_WINDOW of them
 * ahead of what the sink has written to its fd and given back by CREDIT. The
 * fds are never switched to O_NONBLOCK, since they may be shared with others:
 * they are read and written when the loop says so, in small pieces.
 */

/* The side that reads an fd. owned by: the loop's thread. */
struct stream_source {
	struct channel *channel;
	struct loop *loop;
	enum agent_type type; /* of its frames */
	uint16_t process;
	int fd; /* owned; -1: ended */
	uint32_t window; /* bytes that may still be sent */
	bool watched;
	bool always_ready; /* a file: nothing to wait for */
};

/* The side that writes an fd. owned by: the loop's thread. */
struct stream_sink {
	struct channel *channel;
	struct loop *loop;
	enum agent_stream stream; /* named in its CREDIT frames */
	uint16_t process;
	int fd; /* owned; -1: closed, bytes are dropped */
	struct buf pending;
	bool watched;
	bool end; /* close fd when all is written */
	bool always_ready;
};

/*
 * Begins to read fd (taken) in loop. All other members but fd, loop and
 * window are set by the caller. Returns 0 or -errno with fail() text.
 */
int stream_source_start(struct stream_source *s, struct loop *loop, int fd);

/* The sink gave credit. -EPROTO with text when it is more than was sent. */
int stream_source_credit(struct stream_source *s, uint32_t bytes);

/*
 * The writers have ended: sends what is left to read, without waiting for
 * more. Returns 1 when the end was sent, 0 when credit is awaited, -errno.
 */
int stream_source_drain(struct stream_source *s);

/* Closes; safe on a zeroed struct whose fd is -1. */
void stream_source_stop(struct stream_source *s);

/* Begins to write to fd (taken). Returns 0 or -errno with fail() text. */
int stream_sink_start(struct stream_sink *s, struct loop *loop, int fd);

/*
 * A frame came; none: the end. -EPROTO with fail() text when it exceeds the
 * window, or comes after the end.
 */
int stream_sink_put(struct stream_sink *s, const void *bytes, uint32_t len);

/* Writes what is pending, waiting as long as it takes. Best effort. */
void stream_sink_flush(struct stream_sink *s);

/* Closes and frees; safe on a zeroed struct whose fd is -1. */
void stream_sink_stop(struct stream_sink *s);
