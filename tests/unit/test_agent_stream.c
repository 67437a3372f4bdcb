/* SPDX-License-Identifier: MIT */
/* Tests of runtime/agent_stream.c: windows, ends, and a side that keeps to neither. */
#include "runtime/agent_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/loop.h"
#include "runtime/agent_channel.h"
#include "tests/unit/test.h"

#define STUCK_AFTER 20 /* s */

static const char zeros[3 * AGENT_WINDOW];

/*
 * Our end of a channel with both kinds of stream on it, and the other side's
 * plain socket. An EXIT of the other side ends the loop.
 */
struct side {
	struct loop loop;
	struct channel channel;
	struct stream_source source;
	struct stream_sink sink;
	int other;
};

static int on_frame(void *arg, const struct agent_header *h,
		    const uint8_t *payload)
{
	struct side *s = arg;
	struct agent_credit credit;

	switch (h->type) {
	case AGENT_STDOUT: return stream_sink_put(&s->sink, payload, h->length);
	case AGENT_CREDIT:
		memcpy(&credit, payload, sizeof(credit));
		return stream_source_credit(&s->source, credit.bytes);
	default: loop_stop(&s->loop); return 0;
	}
}

static void side_open(struct side *s)
{
	int ends[2];

	alarm(STUCK_AFTER);
	signal(SIGPIPE, SIG_IGN);
	*s = (struct side){.source.fd = -1, .sink.fd = -1};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       ends) < 0 ||
	    loop_init(&s->loop) < 0 ||
	    channel_init(&s->channel, ends[0], &s->loop, on_frame, s) < 0)
		abort();
	s->other = ends[1];
	s->source.channel = s->sink.channel = &s->channel;
	s->source.type = AGENT_STDIN;
	s->sink.stream = AGENT_STREAM_STDOUT;
}

static void side_close(struct side *s)
{
	int fd = s->channel.fd;

	stream_source_stop(&s->source);
	stream_sink_stop(&s->sink);
	channel_fini(&s->channel);
	loop_fini(&s->loop);
	close(fd);
	cleanup_fd(&s->other);
	fail_clear();
}

static void say(const struct side *s, uint16_t type, const void *payload,
		uint32_t len)
{
	const struct agent_header h = {.type = type, .length = len};

	if (write(s->other, &h, sizeof(h)) != sizeof(h) ||
	    (len && write(s->other, payload, len) != (ssize_t)len))
		abort();
}

static void say_credit(const struct side *s, uint32_t bytes)
{
	const struct agent_credit credit = {AGENT_STREAM_STDIN, bytes};

	say(s, AGENT_CREDIT, &credit, sizeof(credit));
}

/* What the other side has to read. */
struct heard {
	size_t bytes, credit;
	int ends, frames;
};

static struct heard hear(const struct side *s)
{
	static char payload[AGENT_FRAME_MAX];
	struct heard heard = {};
	struct agent_header h;

	while (recv(s->other, &h, sizeof(h), MSG_DONTWAIT) == sizeof(h)) {
		struct agent_credit credit;

		CHECK(h.length <= sizeof(payload));
		CHECK(h.length == 0 ||
		      recv(s->other, payload, h.length, MSG_DONTWAIT) ==
			      (ssize_t)h.length);
		heard.frames++;
		heard.ends += h.type == AGENT_STDIN && h.length == 0;
		if (h.type == AGENT_STDIN)
			heard.bytes += h.length;
		if (h.type != AGENT_CREDIT)
			continue;
		CHECK_INT(h.length, sizeof(credit));
		memcpy(&credit, payload, sizeof(credit));
		CHECK_INT(credit.stream, AGENT_STREAM_STDOUT);
		heard.credit += credit.bytes;
	}
	return heard;
}

static void make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
}

static int file_of(size_t len)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)len) < 0)
		abort();
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* -- Sink ----------------------------------------------------------------- */

static void hands_on(void)
{
	char text[8] = "";
	struct side s;
	int p[2];

	side_open(&s);
	make_pipe(p);
	CHECK_INT(stream_sink_start(&s.sink, &s.loop, p[1]), 0);
	CHECK_INT(stream_sink_put(&s.sink, "hello", 5), 0);
	CHECK_INT(hear(&s).credit, 0);
	say(&s, AGENT_STDOUT, NULL, 0);
	say(&s, AGENT_EXIT, NULL, 0);
	CHECK_INT(loop_run(&s.loop), 0);
	/* The pipe was ready in the same round, or is in the next. */
	say(&s, AGENT_EXIT, NULL, 0);
	CHECK_INT(loop_run(&s.loop), 0);
	CHECK_INT(read(p[0], text, sizeof(text)), 5);
	CHECK_STR(text, "hello");
	CHECK_INT(read(p[0], text, sizeof(text)), 0);
	CHECK_INT(hear(&s).credit, 5);
	CHECK(!is_open(p[1]));
	side_close(&s);
}

/* Nobody reads the pipe, and the other side knows no window. */
static void overrun(void)
{
	struct side s;
	int p[2];

	side_open(&s);
	make_pipe(p);
	CHECK_INT(stream_sink_start(&s.sink, &s.loop, p[1]), 0);
	CHECK_INT(stream_sink_put(&s.sink, zeros, AGENT_WINDOW), 0);
	CHECK_INT(stream_sink_put(&s.sink, zeros, 1), -EPROTO);
	CHECK_HAS(fail_text(), "window");
	CHECK_INT(s.sink.pending.len, AGENT_WINDOW);
	side_close(&s);
}

static void overrun_by_all(void)
{
	struct side s;
	int p[2];

	side_open(&s);
	make_pipe(p);
	CHECK_INT(stream_sink_start(&s.sink, &s.loop, p[1]), 0);
	CHECK_INT(stream_sink_put(&s.sink, zeros, AGENT_WINDOW + 1), -EPROTO);
	CHECK_INT(stream_sink_put(&s.sink, zeros, 1), 0);
	CHECK_INT(stream_sink_put(&s.sink, zeros, UINT32_MAX), -EPROTO);
	CHECK_INT(stream_sink_put(&s.sink, zeros, AGENT_WINDOW), -EPROTO);
	CHECK_INT(s.sink.pending.len, 1);
	side_close(&s);
}

/* By frames, through the loop: what the pipe took is not the other side's to
 * send again before it was told. */
static void overrun_in_frames(void)
{
	struct side s;
	int p[2];

	side_open(&s);
	make_pipe(p);
	fcntl(p[1], F_SETPIPE_SZ, 4096);
	CHECK_INT(stream_sink_start(&s.sink, &s.loop, p[1]), 0);
	for (int i = 0; i < 4; i++)
		say(&s, AGENT_STDOUT, zeros, AGENT_FRAME_MAX);
	say(&s, AGENT_EXIT, NULL, 0);
	CHECK_INT(loop_run(&s.loop), 0);
	say(&s, AGENT_STDOUT, zeros, AGENT_FRAME_MAX);
	say(&s, AGENT_EXIT, NULL, 0);
	CHECK_INT(loop_run(&s.loop), -EPROTO);
	CHECK(s.sink.pending.len <= AGENT_WINDOW);
	side_close(&s);
}

static void ends_once(void)
{
	struct side s;
	int p[2];

	side_open(&s);
	make_pipe(p);
	CHECK_INT(stream_sink_start(&s.sink, &s.loop, p[1]), 0);
	CHECK_INT(stream_sink_put(&s.sink, NULL, 0), 0);
	CHECK(!is_open(p[1]));
	CHECK_INT(stream_sink_put(&s.sink, NULL, 0), -EPROTO);
	CHECK_HAS(fail_text(), "after its end");
	CHECK_INT(stream_sink_put(&s.sink, "more", 4), -EPROTO);
	CHECK_HAS(fail_text(), "after its end");
	/* The number of the closed fd may be somebody else's by now. */
	int taken = fcntl(p[0], F_DUPFD_CLOEXEC, p[1]);

	CHECK_INT(taken, p[1]);
	stream_sink_stop(&s.sink);
	CHECK(is_open(taken));
	side_close(&s);
}

static void nobody_reads(void)
{
	struct side s;
	int p[2];

	side_open(&s);
	make_pipe(p);
	CHECK_INT(stream_sink_start(&s.sink, &s.loop, p[1]), 0);
	CHECK_INT(stream_sink_put(&s.sink, zeros, 1000), 0);
	close(p[0]);
	say(&s, AGENT_EXIT, NULL, 0);
	CHECK_INT(loop_run(&s.loop), 0);
	say(&s, AGENT_EXIT, NULL, 0);
	CHECK_INT(loop_run(&s.loop), 0);
	CHECK(!is_open(p[1]));
	CHECK_INT(stream_sink_put(&s.sink, zeros, 500), 0);
	CHECK_INT(stream_sink_put(&s.sink, zeros, 500), 0);
	CHECK_INT(s.sink.pending.len, 0);
	CHECK_INT(hear(&s).credit, 2000);
	CHECK_INT(stream_sink_put(&s.sink, NULL, 0), 0);
	CHECK_INT(stream_sink_put(&s.sink, "x", 1), -EPROTO);
	side_close(&s);
}

static void writes_files(void)
{
	int fd = file_of(0), same;
	struct side s;

	side_open(&s);
	same = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	CHECK_INT(stream_sink_start(&s.sink, &s.loop, fd), 0);
	CHECK_INT(stream_sink_put(&s.sink, zeros, AGENT_WINDOW), 0);
	CHECK_INT(stream_sink_put(&s.sink, zeros, AGENT_WINDOW), 0);
	CHECK_INT(lseek(same, 0, SEEK_END), 2 * AGENT_WINDOW);
	CHECK_INT(hear(&s).credit, 2 * AGENT_WINDOW);
	side_close(&s);
}

/* -- Source --------------------------------------------------------------- */

static void stops_at_the_window(void)
{
	struct side s;
	struct heard heard;

	side_open(&s);
	CHECK_INT(stream_source_start(&s.source, &s.loop,
				      file_of(sizeof(zeros))),
		  0);
	heard = hear(&s);
	CHECK_INT(heard.bytes, AGENT_WINDOW);
	CHECK_INT(heard.ends, 0);
	say_credit(&s, 1000);
	say(&s, AGENT_EXIT, NULL, 0);
	CHECK_INT(loop_run(&s.loop), 0);
	heard = hear(&s);
	CHECK_INT(heard.bytes, 1000);
	CHECK_INT(heard.ends, 0);
	side_close(&s);
}

static void ends_a_file(void)
{
	struct side s;
	struct heard heard;

	side_open(&s);
	CHECK_INT(stream_source_start(&s.source, &s.loop, file_of(1000)), 0);
	heard = hear(&s);
	CHECK_INT(heard.bytes, 1000);
	CHECK_INT(heard.ends, 1);
	/* It comes late, and says the truth. */
	CHECK_INT(stream_source_credit(&s.source, 1000), 0);
	CHECK_INT(hear(&s).frames, 0);
	CHECK_INT(stream_source_credit(&s.source, 1), -EPROTO);
	side_close(&s);
}

static void ends_a_pipe(void)
{
	struct side s;
	struct heard heard;
	int p[2];

	side_open(&s);
	make_pipe(p);
	if (write(p[1], "bytes", 5) != 5)
		abort();
	close(p[1]);
	CHECK_INT(stream_source_start(&s.source, &s.loop, p[0]), 0);
	for (int i = 0; i < 3; i++) {
		say(&s, AGENT_EXIT, NULL, 0);
		CHECK_INT(loop_run(&s.loop), 0);
	}
	heard = hear(&s);
	CHECK_INT(heard.bytes, 5);
	CHECK_INT(heard.ends, 1);
	CHECK(!is_open(p[0]));
	side_close(&s);
}

static void credit_for_nothing(void)
{
	static const uint32_t lies[] = {1001, AGENT_WINDOW, AGENT_WINDOW + 1,
					UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct side s;

		side_open(&s);
		CHECK_INT(stream_source_start(&s.source, &s.loop,
					      file_of(1000)),
			  0);
		say_credit(&s, lies[i]);
		CHECK_INT(loop_run(&s.loop), -EPROTO);
		CHECK_HAS(fail_text(), "never sent");
		CHECK_INT(s.source.window, AGENT_WINDOW - 1000);
		side_close(&s);
	}
}

static void drains(void)
{
	struct side s;
	int p[2];

	side_open(&s);
	make_pipe(p);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	CHECK_INT(stream_source_start(&s.source, &s.loop, p[0]), 0);
	if (write(p[1], "last words", 10) != 10)
		abort();
	/* The writer's end is open still: another process may hold it. */
	s.source.window = 4;
	CHECK_INT(stream_source_drain(&s.source), 0);
	CHECK_INT(hear(&s).bytes, 4);
	s.source.window = AGENT_WINDOW;
	CHECK_INT(stream_source_drain(&s.source), 1);
	CHECK_INT(hear(&s).bytes, 6);
	CHECK(!is_open(p[0]));
	CHECK_INT(stream_source_drain(&s.source), 1);
	CHECK_INT(hear(&s).frames, 0);
	side_close(&s);
}

/* -- Channel -------------------------------------------------------------- */

/* It ends in the middle of a frame: nothing of that is handed on. */
static void half_a_frame(void)
{
	const struct agent_header h = {.type = AGENT_STDOUT, .length = 100};
	struct side s;
	int p[2];

	side_open(&s);
	make_pipe(p);
	CHECK_INT(stream_sink_start(&s.sink, &s.loop, p[1]), 0);
	if (write(s.other, &h, sizeof(h)) != sizeof(h) ||
	    write(s.other, zeros, 99) != 99)
		abort();
	close(s.other);
	s.other = -1;
	CHECK_INT(loop_run(&s.loop), -EPIPE);
	CHECK(*fail_text());
	CHECK(s.channel.closed);
	CHECK_INT(s.sink.pending.len, 0);
	CHECK_INT(poll(&(struct pollfd){p[0], POLLIN, 0}, 1, 0), 0);
	side_close(&s);
}

int main(void)
{
	TEST("bytes are given back when they are written, the end closes",
	     hands_on);
	TEST("a stream that runs over its window is refused", overrun);
	TEST("no length gets round the window", overrun_by_all);
	TEST("frames that run over the window end the conversation",
	     overrun_in_frames);
	TEST("a stream ends once", ends_once);
	TEST("what nobody reads is dropped and given back", nobody_reads);
	TEST("a file takes all at once", writes_files);
	TEST("no more than a window is sent ahead of credit",
	     stops_at_the_window);
	TEST("a file's end is told once, and credit may come after it",
	     ends_a_file);
	TEST("a pipe's end is told once", ends_a_pipe);
	TEST("credit for bytes that were never sent is refused",
	     credit_for_nothing);
	TEST("what is left is sent as the window lets it", drains);
	TEST("of half a frame nothing is handed on", half_a_frame);
	return test_done();
}
