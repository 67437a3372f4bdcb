/* SPDX-License-Identifier: MIT */
/* PID 1's loop: frames of the host, stdio of the container, dead children. */
#include "runtime/guest/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "runtime/agent_channel.h"
#include "runtime/agent_stream.h"
#include "runtime/guest/boot.h"
#include "runtime/guest/process.h"

/*
 * States, in this order: empty (CREATE is awaited), created, starting,
 * running, exited (its output is on the way), over (EXIT was sent).
 */
enum state { EMPTY, CREATED, STARTING, RUNNING, EXITED, OVER };

/* owned by: PID 1. */
struct agent {
	struct loop loop;
	struct channel channel;
	struct process process;
	struct stream_source out[2]; /* stdout, stderr */
	struct stream_sink in;
	int signals;
	enum state state;
	bool ended; /* the process has, as exit tells */
	struct agent_exit exit;
};

/* -- The end of the container --------------------------------------------- */

/* EXIT follows the last byte of output. */
static int settle_exit(struct agent *a)
{
	if (a->state != EXITED)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(a->out); i++) {
		int r = stream_source_drain(&a->out[i]);

		if (r <= 0)
			return r;
	}
	a->state = OVER;
	return channel_send(&a->channel, AGENT_EXIT, 0, &a->exit,
			    sizeof(a->exit));
}

static int on_exit_of_init(struct agent *a, int status)
{
	a->exit = (struct agent_exit){
		.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	};
	a->ended = true;
	/* Whether its program ran is still to be read. */
	if (a->state == STARTING)
		return 0;
	a->state = EXITED;
	return settle_exit(a);
}

static int on_signal(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct signalfd_siginfo info;
	int status, r = 0;
	pid_t pid;

	(void)events;
	if (read(a->signals, &info, sizeof(info)) < 0 && errno != EAGAIN)
		return fail(errno, "read signals");
	/* One signal may stand for many children, adopted ones too. */
	while (r == 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == a->process.child.pid && !a->ended)
			r = on_exit_of_init(a, status);
	return r;
}

/* -- Frames of the host --------------------------------------------------- */

static int out_of_place(const struct agent_header *h)
{
	return fail_plain(EPROTO, "frame %u is out of place", h->type);
}

static int start_stdio(struct agent *a)
{
	static const enum agent_type types[] = {AGENT_STDOUT, AGENT_STDERR};
	int *stdio = a->process.stdio;
	int r = 0;

	a->in = (struct stream_sink){.channel = &a->channel,
				     .stream = AGENT_STREAM_STDIN,
				     .fd = -1};
	if (stdio[AGENT_STREAM_STDIN] >= 0)
		r = stream_sink_start(&a->in, &a->loop,
				      take_fd(&stdio[AGENT_STREAM_STDIN]));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(a->out); i++) {
		int *fd = &stdio[AGENT_STREAM_STDOUT + i];

		a->out[i] = (struct stream_source){
			.channel = &a->channel, .type = types[i], .fd = -1};
		if (*fd >= 0)
			r = stream_source_start(&a->out[i], &a->loop,
						take_fd(fd));
	}
	return r;
}

static int on_create(struct agent *a, const uint8_t *payload, size_t len)
{
	int r = process_create(&a->process, payload, len);

	if (r < 0) {
		a->state = OVER;
		channel_send_error(&a->channel, 0, r);
		return 0;
	}
	a->state = CREATED;
	r = start_stdio(a);
	if (r == 0)
		r = channel_send(&a->channel, AGENT_CREATED, 0, NULL, 0);
	return r;
}

static int on_started(void *arg, uint32_t events)
{
	struct agent *a = arg;
	int r;

	(void)events;
	loop_remove(&a->loop, a->process.starting);
	r = process_started(&a->process);
	if (r < 0) {
		a->state = OVER;
		channel_send_error(&a->channel, 0, r);
		return 0;
	}
	a->state = a->ended ? EXITED : RUNNING;
	r = channel_send(&a->channel, AGENT_STARTED, 0, NULL, 0);
	return r < 0 ? r : settle_exit(a);
}

static int on_start(struct agent *a)
{
	int r = process_start(&a->process);

	if (r < 0) {
		channel_send_error(&a->channel, 0, r);
		return 0;
	}
	a->state = STARTING;
	return loop_add(&a->loop, a->process.starting, EPOLLIN, on_started, a);
}

static int on_credit(struct agent *a, const struct agent_header *h,
		     const uint8_t *payload)
{
	struct agent_credit credit;
	int r;

	if (h->length != sizeof(credit))
		return out_of_place(h);
	memcpy(&credit, payload, sizeof(credit));
	if (credit.stream != AGENT_STREAM_STDOUT &&
	    credit.stream != AGENT_STREAM_STDERR)
		return out_of_place(h);
	r = stream_source_credit(&a->out[credit.stream - AGENT_STREAM_STDOUT],
				 credit.bytes);
	return r < 0 ? r : settle_exit(a);
}

static int on_number(struct agent *a, const struct agent_header *h,
		     const uint8_t *payload)
{
	struct agent_size size;
	int32_t sig;

	if (h->type == AGENT_SIGNAL && h->length == sizeof(sig)) {
		memcpy(&sig, payload, sizeof(sig));
		process_signal(&a->process, sig);
		return 0;
	}
	if (h->type == AGENT_RESIZE && h->length == sizeof(size)) {
		memcpy(&size, payload, sizeof(size));
		process_resize(a->out[0].fd, &size);
		return 0;
	}
	return out_of_place(h);
}

static int on_frame(void *arg, const struct agent_header *h,
		    const uint8_t *payload)
{
	struct agent *a = arg;

	if (h->process != 0)
		return out_of_place(h);
	if (h->type == AGENT_CREATE && a->state == EMPTY)
		return on_create(a, payload, h->length);
	if (a->state == EMPTY)
		return out_of_place(h);
	switch (h->type) {
	case AGENT_START:
		return a->state == CREATED ? on_start(a) : out_of_place(h);
	case AGENT_STDIN: return stream_sink_put(&a->in, payload, h->length);
	case AGENT_CREDIT: return on_credit(a, h, payload);
	case AGENT_SIGNAL:
	case AGENT_RESIZE: return on_number(a, h, payload);
	default: return out_of_place(h);
	}
}

/* -- The loop ------------------------------------------------------------- */

static int watch_children(struct agent *a)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	a->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a->signals < 0)
		return fail(errno, "watch for dead children");
	return loop_add(&a->loop, a->signals, EPOLLIN, on_signal, a);
}

int agent_serve(int port)
{
	const struct agent_hello hello = {.version = AGENT_VERSION};
	struct agent a = {.in.fd = -1, .out = {{.fd = -1}, {.fd = -1}}};
	int r;

	process_init(&a.process);
	signal(SIGPIPE, SIG_IGN);
	r = loop_init(&a.loop);
	if (r == 0)
		r = channel_init(&a.channel, port, &a.loop, on_frame, &a);
	a.channel.create_max = AGENT_CREATE_MAX;
	if (r == 0)
		r = watch_children(&a);
	if (r < 0)
		return r;
	r = guest_mount_share();
	if (r < 0) {
		/* From here on the host can be told. */
		channel_send_error(&a.channel, 0, r);
	} else {
		r = channel_send(&a.channel, AGENT_HELLO, 0, &hello,
				 sizeof(hello));
	}
	return r < 0 ? r : loop_run(&a.loop);
}
