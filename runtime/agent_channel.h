/* SPDX-License-Identifier: MIT */
/* Frames of the agent channel over a byte stream that does not block. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "runtime/agent_abi.h"

struct loop;

/*
 * Called for each whole frame; payload is valid during the call. Returns 0,
 * or -errno with fail() text, which ends the loop.
 */
typedef int channel_handler(void *arg, const struct agent_header *h,
			    const uint8_t *payload);

/* One end of the channel. Zeroed but for fd (-1) before channel_init().
 * owned by: the thread that runs its loop. */
struct channel {
	int fd; /* borrowed */
	struct loop *loop;
	channel_handler *handler;
	void *arg;
	uint32_t create_max; /* largest CREATE accepted; 0: none at all */
	struct buf in; /* an incomplete frame */
	struct buf out; /* what the fd did not take yet, */
	size_t out_done; /* from here on */
	bool closed; /* the other side is gone */
};

/*
 * Watches fd (O_NONBLOCK; borrowed) in loop and calls handler. The guest's side
 * sets create_max afterwards. Returns 0 or -errno with fail() text.
 */
int channel_init(struct channel *ch, int fd, struct loop *loop,
		 channel_handler *handler, void *arg);

/* Stops watching and frees; safe on a zeroed struct. */
void channel_fini(struct channel *ch);

/*
 * Sends a frame. What the fd does not take at once is kept: streams are
 * bounded by their windows (agent_stream.h), all else is small, and there is
 * a bound on the whole: -EPROTO when the other side has stopped to read.
 * Returns 0 or -errno with fail() text.
 */
int channel_send(struct channel *ch, enum agent_type type, uint16_t process,
		 const void *payload, size_t len);

/* Sends fail() text and the errno -r as ERROR. Best effort. */
void channel_send_error(struct channel *ch, uint16_t process, int r);

/* Turns a received ERROR into our own. Returns -errno with fail() text. */
int channel_error(const struct agent_header *h, const uint8_t *payload);
