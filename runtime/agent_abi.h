/* SPDX-License-Identifier: MIT */
/* The agent channel: what host and guest init say to each other, byte by byte. */
#pragma once

#include <stdint.h>

/*
 * A byte stream, between the VMM's side (runtime/vm_agent.c) and PID 1 of
 * the guest (runtime/guest/agent.c), on the virtio console port named
 * AGENT_PORT. It is a sequence of frames: this header, little endian, then
 * `length` bytes. Each side treats the other as hostile: unknown types, wrong
 * lengths, frames out of their order end the conversation, and nothing is
 * ever sized by what the other side says beyond these limits.
 *
 *	host                                guest
 *	----                                -----
 *	                              ◄──── HELLO     once, when PID 1 runs
 *	CREATE                        ────► builds the container
 *	                              ◄──── CREATED   (or ERROR, then it ends)
 *	START                         ────►
 *	                              ◄──── STARTED   the program runs (or ERROR)
 *	STDIN, CREDIT, SIGNAL, RESIZE ◄───► STDOUT, STDERR, CREDIT
 *	                              ◄──── EXIT      after the last output
 *	                                    then the host ends the machine
 *
 * Flow control is per process and stream: a sender may have AGENT_WINDOW bytes
 * under way that the receiver has not yet given back by CREDIT. So a reader
 * that stands still stops its own stream only, never signals or the exit.
 *
 * `process` tells whose frame it is: 0 is the container's first process.
 */

#define AGENT_VERSION	1
#define AGENT_PORT	"bulkhead.agent"
#define AGENT_FRAME_MAX	(1u << 15) /* bytes of a frame's payload, */
#define AGENT_CREATE_MAX (17u << 20) /* but of CREATE: a whole config.json */
#define AGENT_WINDOW	(1u << 17) /* bytes a stream may have under way */

struct agent_header {
	uint16_t type; /* enum agent_type */
	uint16_t process;
	uint32_t length; /* of the payload, bytes */
};

enum agent_type {
	/* guest → host; payload struct agent_hello */
	AGENT_HELLO = 1,
	/* host → guest; payload: fields of lib/wire.h, tags AGENT_CREATE_* */
	AGENT_CREATE,
	/* guest → host; no payload */
	AGENT_CREATED,
	/* host → guest; no payload */
	AGENT_START,
	/* guest → host; no payload */
	AGENT_STARTED,
	/* host → guest; the bytes, none: end of file */
	AGENT_STDIN,
	/* guest → host; the bytes; with a terminal all output is STDOUT */
	AGENT_STDOUT,
	AGENT_STDERR,
	/* both; payload struct agent_credit */
	AGENT_CREDIT,
	/* host → guest; payload: int32_t, a signal of Linux */
	AGENT_SIGNAL,
	/* host → guest; payload struct agent_size */
	AGENT_RESIZE,
	/* guest → host; payload struct agent_exit */
	AGENT_EXIT,
	/* guest → host; payload: int32_t errno, then the text without a NUL */
	AGENT_ERROR,
	AGENT_TYPES,
};

struct agent_hello {
	uint32_t version; /* AGENT_VERSION */
	uint32_t reserved; /* 0 */
};

enum agent_stream {
	AGENT_STREAM_STDIN,
	AGENT_STREAM_STDOUT,
	AGENT_STREAM_STDERR,
	AGENT_STREAMS,
};

struct agent_credit {
	uint32_t stream; /* enum agent_stream */
	uint32_t bytes; /* consumed since the last CREDIT */
};

struct agent_size {
	uint16_t rows, columns;
};

struct agent_exit {
	int32_t code; /* exit status; meaningless with a signal */
	int32_t signal; /* that ended it, or 0 */
};

/* Fields of CREATE. */
enum agent_create_tag {
	AGENT_CREATE_ID = 1, /* string: the container's id */
	AGENT_CREATE_CONFIG, /* config.json as the guest has to apply it */
	AGENT_CREATE_BUNDLE, /* string: the bundle's path on the host */
	AGENT_CREATE_ENV, /* string, repeated: put behind the config's */
	AGENT_CREATE_TIME, /* u64: the host's clock, ns since the epoch */
};
