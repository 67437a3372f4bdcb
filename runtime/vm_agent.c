/* SPDX-License-Identifier: MIT */
/* The host's end of the agent channel: one container's life in its micro-VM. */
#include "runtime/vm_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "isolate/sync.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/loop.h"
#include "runtime/agent_channel.h"
#include "runtime/agent_stream.h"

/*
 * States, in this order: the guest boots (HELLO is awaited), it makes the
 * container, the container waits for its start, its program is being started,
 * it runs, it has ended.
 */
enum state { BOOTING, CREATING, CREATED, STARTING, RUNNING, ENDED };

/* owned by: the agent's thread. */
struct agent {
	const struct vm_agent_config *config;
	struct loop loop;
	struct channel channel;
	struct stream_source in;
	struct stream_sink out[2]; /* stdout, stderr */
	int signals;
	int sync; /* who waits for the next state; -1: nobody */
	int listener;
	enum state state;
	int code;
};

/* -- Those who wait ------------------------------------------------------- */

static void forget_sync(struct agent *a)
{
	if (a->sync < 0)
		return;
	loop_remove(&a->loop, a->sync);
	close(a->sync);
	a->sync = -1;
}

/* The creator, or start, hears why nothing comes of it. */
static void tell_failure(struct agent *a, int r)
{
	if (a->sync >= 0)
		sync_send_error(a->sync, r);
	forget_sync(a);
}

static int send_start(struct agent *a)
{
	a->state = STARTING;
	return channel_send(&a->channel, AGENT_START, 0, NULL, 0);
}

/* Someone is connected who may say START, or go away again. */
static int on_knock(void *arg, uint32_t events)
{
	struct agent *a = arg;
	_cleanup_free_ struct sync_msg *msg = malloc(sizeof(*msg));
	int r = msg ? sync_recv(a->sync, msg) : fail(ENOMEM, "start");

	(void)events;
	if (r <= 0 || msg->type != SYNC_START) {
		forget_sync(a);
		return 0;
	}
	loop_remove(&a->loop, a->sync);
	loop_remove(&a->loop, a->listener);
	close(a->listener);
	a->listener = -1;
	return send_start(a);
}

static int on_listener(void *arg, uint32_t events)
{
	struct agent *a = arg;
	int sock = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (sock < 0)
		return errno == EINTR || errno == ECONNABORTED
			       ? 0
			       : fail(errno, "wait for start");
	/* The state directory is root's, and one start at a time locks it. */
	forget_sync(a);
	a->sync = sock;
	return loop_add(&a->loop, sock, EPOLLIN, on_knock, a);
}

/* -- Stdio ---------------------------------------------------------------- */

static int send_size(struct agent *a)
{
	struct winsize ws;

	if (!a->config->terminal || ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0)
		return 0;

	const struct agent_size size = {.rows = ws.ws_row,
					.columns = ws.ws_col};

	return channel_send(&a->channel, AGENT_RESIZE, 0, &size, sizeof(size));
}

/* The line discipline is the guest's: its terminal is the container's. */
static void make_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &raw) < 0)
		return;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static int start_stdio(struct agent *a)
{
	int r = 0;

	for (int i = 0; r == 0 && i < (int)ARRAY_SIZE(a->out); i++) {
		a->out[i] = (struct stream_sink){
			.channel = &a->channel,
			.stream = (enum agent_stream)(AGENT_STREAM_STDOUT + i),
			.fd = -1};
		r = stream_sink_start(&a->out[i], &a->loop,
				      fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC,
					    3));
	}
	a->in = (struct stream_source){
		.channel = &a->channel, .type = AGENT_STDIN, .fd = -1};
	if (r == 0)
		r = stream_source_start(&a->in, &a->loop,
					fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC,
					      3));
	return r;
}

/* -- Frames of the guest -------------------------------------------------- */

static int out_of_place(const struct agent_header *h)
{
	return fail_plain(EPROTO, "the guest's frame %u is out of place",
			  h->type);
}

static int on_hello(struct agent *a, const struct agent_header *h,
		    const uint8_t *payload)
{
	struct agent_hello hello;

	if (a->state != BOOTING || h->length != sizeof(hello))
		return out_of_place(h);
	memcpy(&hello, payload, sizeof(hello));
	if (hello.version != AGENT_VERSION)
		return fail_plain(EPROTO,
				  "the guest speaks version %u of the agent "
				  "channel, not %d",
				  hello.version, AGENT_VERSION);
	a->state = CREATING;
	return channel_send(&a->channel, AGENT_CREATE, 0, a->config->create,
			    a->config->create_bytes);
}

static int on_created(struct agent *a, const struct agent_header *h)
{
	int r;

	if (a->state != CREATING || h->length)
		return out_of_place(h);
	a->state = CREATED;
	r = send_size(a);
	if (r == 0)
		r = sync_send_empty(a->sync, SYNC_READY);
	if (r < 0 || a->listener < 0)
		return r < 0 ? r : send_start(a);
	forget_sync(a);
	return loop_add(&a->loop, a->listener, EPOLLIN, on_listener, a);
}

static int on_started(struct agent *a, const struct agent_header *h)
{
	if (a->state != STARTING || h->length)
		return out_of_place(h);
	a->state = RUNNING;
	/* Silence, the end of the stream, is success (isolate/sync.h). */
	forget_sync(a);
	return start_stdio(a);
}

static int on_output(struct agent *a, const struct agent_header *h,
		     const uint8_t *payload)
{
	if (a->state != RUNNING)
		return out_of_place(h);
	return stream_sink_put(&a->out[h->type - AGENT_STDOUT], payload,
			       h->length);
}

static int on_credit(struct agent *a, const struct agent_header *h,
		     const uint8_t *payload)
{
	struct agent_credit credit;

	if (a->state != RUNNING || h->length != sizeof(credit))
		return out_of_place(h);
	memcpy(&credit, payload, sizeof(credit));
	if (credit.stream != AGENT_STREAM_STDIN)
		return out_of_place(h);
	return stream_source_credit(&a->in, credit.bytes);
}

static int on_exit_of_container(struct agent *a, const struct agent_header *h,
				const uint8_t *payload)
{
	struct agent_exit status;

	if (a->state < CREATED || h->length != sizeof(status))
		return out_of_place(h);
	memcpy(&status, payload, sizeof(status));
	if (status.code < 0 || status.code > 255 || status.signal < 0 ||
	    status.signal > 64)
		return fail_plain(EPROTO, "exit status %d, signal %d of the "
					  "guest",
				  status.code, status.signal);
	a->code = status.signal ? 128 + status.signal : status.code;
	a->state = ENDED;
	loop_stop(&a->loop);
	return 0;
}

static int on_frame(void *arg, const struct agent_header *h,
		    const uint8_t *payload)
{
	struct agent *a = arg;

	if (h->process != 0 || a->state == ENDED)
		return out_of_place(h);
	switch (h->type) {
	case AGENT_HELLO: return on_hello(a, h, payload);
	case AGENT_CREATED: return on_created(a, h);
	case AGENT_STARTED: return on_started(a, h);
	case AGENT_STDOUT:
	case AGENT_STDERR: return on_output(a, h, payload);
	case AGENT_CREDIT: return on_credit(a, h, payload);
	case AGENT_EXIT: return on_exit_of_container(a, h, payload);
	case AGENT_ERROR: return channel_error(h, payload);
	default: return out_of_place(h);
	}
}

/* -- The machine and the host --------------------------------------------- */

static int on_machine_ended(void *arg, uint32_t events)
{
	struct agent *a = arg;

	(void)events;
	return a->config->why(a->config->why_arg);
}

/* The kernel's word about our child or our pipe is not the container's. */
static bool is_own(const struct signalfd_siginfo *info)
{
	return (info->ssi_signo == SIGCHLD && info->ssi_code > 0) ||
	       (info->ssi_signo == SIGPIPE &&
		info->ssi_pid == (uint32_t)getpid());
}

static int on_signal(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct signalfd_siginfo info;
	int32_t sig;

	(void)events;
	if (read(a->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	sig = (int32_t)info.ssi_signo;
	if (is_own(&info))
		return 0;
	/* Before there is a container nobody could take it. */
	if (a->state < CREATED || a->channel.closed)
		return 0;
	if (sig == SIGWINCH && a->config->terminal)
		return send_size(a);
	return channel_send(&a->channel, AGENT_SIGNAL, 0, &sig, sizeof(sig));
}

int vm_agent_signals(void)
{
	sigset_t all;
	int fd;

	/* A fault of our own ends us nevertheless: the kernel sees to it. */
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return fail(errno, "block signals");
	fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? fail(errno, "create a signalfd") : fd;
}

/* Nobody is there any more to take what is being made. */
static int on_creator_gone(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	return fail_plain(EPIPE, "the runtime has gone");
}

static int watch_all(struct agent *a)
{
	const struct vm_agent_config *config = a->config;
	int r = loop_init(&a->loop);

	if (r == 0 && fcntl(config->channel, F_SETFL, O_NONBLOCK) < 0)
		r = fail(errno, "agent channel");
	if (r == 0)
		r = channel_init(&a->channel, config->channel, &a->loop,
				 on_frame, a);
	if (r == 0)
		r = loop_add(&a->loop, a->signals, EPOLLIN, on_signal, a);
	if (r == 0)
		r = loop_add(&a->loop, a->sync, EPOLLIN, on_creator_gone, a);
	if (r == 0)
		r = loop_add(&a->loop, config->ended, EPOLLIN,
			     on_machine_ended, a);
	return r;
}

int vm_agent_run(const struct vm_agent_config *config, int signals)
{
	struct agent a = {
		.config = config,
		.signals = signals,
		.sync = config->sync,
		.listener = config->listener,
		.in.fd = -1,
		.out = {{.fd = -1}, {.fd = -1}},
		.loop.epoll = -1,
	};
	int r;

	if (config->terminal)
		make_raw();
	r = watch_all(&a);
	if (r == 0)
		r = loop_run(&a.loop);
	/* The machine goes, and knows better why. */
	if (r < 0 && a.channel.closed) {
		channel_fini(&a.channel);
		r = loop_run(&a.loop);
	}
	for (size_t i = 0; i < ARRAY_SIZE(a.out); i++) {
		stream_sink_flush(&a.out[i]);
		stream_sink_stop(&a.out[i]);
	}
	if (r < 0)
		tell_failure(&a, r);
	stream_source_stop(&a.in);
	channel_fini(&a.channel);
	loop_fini(&a.loop);
	return r < 0 ? r : a.code;
}
