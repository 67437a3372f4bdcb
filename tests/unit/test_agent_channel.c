/* SPDX-License-Identifier: MIT */
/* Tests of runtime/agent_channel.c. */
#include "runtime/agent_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/loop.h"
#include "tests/unit/test.h"

/* One end is a channel in a loop, the other a plain socket. */
struct pair {
	struct loop loop;
	struct channel channel;
	int other;
	int frames;
	struct agent_header last;
	struct buf payload; /* of all frames */
};

static int on_frame(void *arg, const struct agent_header *h,
		    const uint8_t *payload)
{
	struct pair *p = arg;

	p->frames++;
	p->last = *h;
	buf_put(&p->payload, payload, h->length);
	loop_stop(&p->loop);
	return 0;
}

static void pair_open(struct pair *p)
{
	int ends[2];

	*p = (struct pair){};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       ends) < 0 ||
	    loop_init(&p->loop) < 0 ||
	    channel_init(&p->channel, ends[0], &p->loop, on_frame, p) < 0)
		abort();
	p->other = ends[1];
}

static void pair_close(struct pair *p)
{
	int fd = p->channel.fd;

	channel_fini(&p->channel);
	loop_fini(&p->loop);
	buf_fini(&p->payload);
	close(fd);
	if (p->other >= 0)
		close(p->other);
}

static void say(const struct pair *p, uint16_t type, uint32_t length,
		const void *bytes, size_t n)
{
	const struct agent_header h = {.type = type, .length = length};

	if (write(p->other, &h, sizeof(h)) != sizeof(h) ||
	    write(p->other, bytes, n) != (ssize_t)n)
		abort();
}

static void test_frames(void)
{
	TEST("a frame arrives with its type and payload")
	{
		struct pair p;

		pair_open(&p);
		say(&p, AGENT_STDOUT, 5, "hello", 5);
		CHECK_INT(loop_run(&p.loop), 0);
		CHECK_INT(p.frames, 1);
		CHECK_INT(p.last.type, AGENT_STDOUT);
		CHECK_STR(buf_str(&p.payload), "hello");
		pair_close(&p);
	}
	TEST("a frame in pieces is one frame")
	{
		const struct agent_header h = {.type = AGENT_STDERR,
					       .length = 2};
		struct pair p;

		pair_open(&p);
		CHECK_INT(write(p.other, &h, 3), 3);
		CHECK_INT(write(p.other, (const char *)&h + 3, sizeof(h) - 3),
			  sizeof(h) - 3);
		CHECK_INT(write(p.other, "a", 1), 1);
		CHECK_INT(write(p.other, "b", 1), 1);
		CHECK_INT(loop_run(&p.loop), 0);
		CHECK_INT(p.frames, 1);
		CHECK_STR(buf_str(&p.payload), "ab");
		pair_close(&p);
	}
	TEST("what is sent has a header and the bytes")
	{
		struct agent_header h;
		char bytes[3] = "";
		struct pair p;

		pair_open(&p);
		CHECK_INT(channel_send(&p.channel, AGENT_STDIN, 0, "xy", 2),
			  0);
		CHECK_INT(read(p.other, &h, sizeof(h)), sizeof(h));
		CHECK_INT(h.type, AGENT_STDIN);
		CHECK_INT(h.length, 2);
		CHECK_INT(read(p.other, bytes, 2), 2);
		CHECK_STR(bytes, "xy");
		pair_close(&p);
	}
	TEST("an error crosses with its number and text")
	{
		struct pair p;

		pair_open(&p);
		say(&p, AGENT_ERROR, 9, "\2\0\0\0where", 9);
		CHECK_INT(loop_run(&p.loop), 0);
		CHECK_INT(channel_error(&p.last, (uint8_t *)p.payload.data),
			  -ENOENT);
		CHECK_STR(fail_text(), "where");
		pair_close(&p);
	}
}

static void test_hostile(void)
{
	static const struct {
		const char *sentence;
		uint16_t type;
		uint32_t length;
	} bad[] = {
		{"a type of 0 ends the conversation", 0, 0},
		{"a type that is none ends the conversation", AGENT_TYPES, 0},
		{"a frame too long ends the conversation before it is read",
		 AGENT_STDOUT, AGENT_FRAME_MAX + 1},
		{"a frame of 4 GiB ends the conversation", AGENT_STDOUT,
		 UINT32_MAX},
		{"a CREATE for the host ends the conversation", AGENT_CREATE,
		 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		TEST(bad[i].sentence)
		{
			struct pair p;

			pair_open(&p);
			say(&p, bad[i].type, bad[i].length, "", 0);
			CHECK_INT(loop_run(&p.loop), -EPROTO);
			CHECK_INT(p.frames, 0);
			pair_close(&p);
		}
	}
	TEST("for a side that does not read no more than a bound is kept")
	{
		static const char bytes[AGENT_FRAME_MAX];
		struct pair p;
		size_t sent = 0;
		int r;

		pair_open(&p);
		while ((r = channel_send(&p.channel, AGENT_STDIN, 0, bytes,
					 sizeof(bytes))) == 0 &&
		       sent < 2 * AGENT_CREATE_MAX)
			sent += sizeof(bytes);
		CHECK_INT(r, -EPROTO);
		CHECK(sent > AGENT_CREATE_MAX);
		pair_close(&p);
	}
	TEST("a hang-up is an error that says so")
	{
		struct pair p;

		pair_open(&p);
		close(p.other);
		p.other = -1;
		CHECK_INT(loop_run(&p.loop), -EPIPE);
		CHECK(p.channel.closed);
		pair_close(&p);
	}
	TEST("an error without words gets some")
	{
		const struct agent_header h = {.type = AGENT_ERROR,
					       .length = 6};

		CHECK_INT(channel_error(&h, (const uint8_t *)"\2\0\0\0\0x"),
			  -ENOENT);
		CHECK(*fail_text());
		fail_clear();
	}
	TEST("an error whose number is none is a protocol error")
	{
		const struct agent_header h = {.type = AGENT_ERROR,
					       .length = 4};

		CHECK_INT(channel_error(&h, (const uint8_t *)"\0\0\0\200"),
			  -EPROTO);
		CHECK_INT(channel_error(&(struct agent_header){.length = 3},
					(const uint8_t *)"abc"),
			  -EPROTO);
	}
}

int main(void)
{
	test_frames();
	test_hostile();
	return test_done();
}
