/* SPDX-License-Identifier: MIT */
/* The host's end of the agent channel, with a guest that does not keep to the rules. */
#include "runtime/vm_agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "isolate/sync.h"
#include "lib/fail.h"
#include "runtime/agent_abi.h"
#include "tests/unit/test.h"

/* The guest's words, all of them said before the agent listens. */
struct guest {
	int channel[2], sync[2];
	int ended, signals;
};

static int machine_ended(void *arg)
{
	(void)arg;
	return fail_plain(EIO, "the machine has ended");
}

static void guest_open(struct guest *g)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, g->channel) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, g->sync) < 0)
		abort();
	g->ended = eventfd(0, EFD_CLOEXEC);
	g->signals = eventfd(0, EFD_CLOEXEC);
}

static void say(struct guest *g, uint16_t type, uint16_t process,
		const void *payload, uint32_t len)
{
	const struct agent_header h = {type, process, len};

	if (write(g->channel[1], &h, sizeof(h)) != sizeof(h) ||
	    (payload && write(g->channel[1], payload, len) != (ssize_t)len))
		abort();
}

static void say_hello(struct guest *g, uint32_t version)
{
	const struct agent_hello hello = {.version = version};

	say(g, AGENT_HELLO, 0, &hello, sizeof(hello));
}

static void come_up(struct guest *g)
{
	say_hello(g, AGENT_VERSION);
	say(g, AGENT_CREATED, 0, NULL, 0);
	say(g, AGENT_STARTED, 0, NULL, 0);
}

static void say_exit(struct guest *g, int32_t code, int32_t signal)
{
	const struct agent_exit status = {code, signal};

	say(g, AGENT_EXIT, 0, &status, sizeof(status));
}

/* In a child, whose stdio it takes: what the agent makes of it. */
static int run(struct guest *g)
{
	const struct vm_agent_config config = {
		.channel = g->channel[0],
		.sync = g->sync[0],
		.listener = -1,
		.ended = g->ended,
		.why = machine_ended,
		.create = "create",
		.create_bytes = 6,
	};
	int out = dup(1), err = dup(2), null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);

	int r = vm_agent_run(&config, g->signals);

	dup2(out, 1);
	dup2(err, 2);
	return r;
}

static void knows_the_exit_code(void)
{
	struct guest g;

	guest_open(&g);
	come_up(&g);
	say_exit(&g, 7, 0);
	CHECK_INT(run(&g), 7);
}

static void adds_128_to_a_signal(void)
{
	struct guest g;

	guest_open(&g);
	come_up(&g);
	say_exit(&g, 0, 9);
	CHECK_INT(run(&g), 137);
}

static void hands_an_error_on(void)
{
	struct guest g;
	struct sync_msg *msg = malloc(sizeof(*msg));

	guest_open(&g);
	say_hello(&g, AGENT_VERSION);
	say(&g, AGENT_ERROR, 0, "\2\0\0\0no such thing", 17);
	CHECK_INT(run(&g), -ENOENT);
	CHECK_STR(fail_text(), "no such thing");
	fail_clear();
	/* The runtime that creates the container hears the same. */
	CHECK_INT(sync_recv(g.sync[1], msg), -ENOENT);
	CHECK_STR(fail_text(), "no such thing");
	free(msg);
}

/* Frames that are whole, and must not come, or not now, or not so. */
static void started_before_created(struct guest *g)
{
	say_hello(g, AGENT_VERSION);
	say(g, AGENT_STARTED, 0, NULL, 0);
}

static void hello_twice(struct guest *g)
{
	say_hello(g, AGENT_VERSION);
	say_hello(g, AGENT_VERSION);
}

static void another_version(struct guest *g)
{
	say_hello(g, AGENT_VERSION + 1);
}

static void output_too_early(struct guest *g)
{
	say_hello(g, AGENT_VERSION);
	say(g, AGENT_STDOUT, 0, "text", 4);
}

static void exit_too_early(struct guest *g)
{
	say_exit(g, 0, 0);
}

static void absurd_code(struct guest *g)
{
	come_up(g);
	say_exit(g, 256, 0);
}

static void negative_code(struct guest *g)
{
	come_up(g);
	say_exit(g, -1, 0);
}

static void absurd_signal(struct guest *g)
{
	come_up(g);
	say_exit(g, 0, 65);
}

static void other_process(struct guest *g)
{
	come_up(g);
	say(g, AGENT_STDOUT, 1, "text", 4);
}

static void frame_of_the_host(struct guest *g)
{
	come_up(g);
	say(g, AGENT_START, 0, NULL, 0);
}

static void create_of_the_guest(struct guest *g)
{
	come_up(g);
	say(g, AGENT_CREATE, 0, "create", 6);
}

static void unknown_type(struct guest *g)
{
	come_up(g);
	say(g, AGENT_TYPES, 0, NULL, 0);
}

static void huge_frame(struct guest *g)
{
	come_up(g);
	say(g, AGENT_STDOUT, 0, NULL, UINT32_MAX);
}

static void credit_for_nothing(struct guest *g)
{
	const struct agent_credit credit = {AGENT_STREAM_STDIN, 1};

	come_up(g);
	say(g, AGENT_CREDIT, 0, &credit, sizeof(credit));
}

static void credit_for_output(struct guest *g)
{
	const struct agent_credit credit = {AGENT_STREAM_STDOUT, 1};

	come_up(g);
	say(g, AGENT_CREDIT, 0, &credit, sizeof(credit));
}

static void credit_for_no_stream(struct guest *g)
{
	const struct agent_credit credit = {AGENT_STREAMS, 1};

	come_up(g);
	say(g, AGENT_CREDIT, 0, &credit, sizeof(credit));
}

static void exit_twice(struct guest *g)
{
	come_up(g);
	say_exit(g, 0, 0);
	say_exit(g, 0, 0);
}

static void output_after_exit(struct guest *g)
{
	come_up(g);
	say_exit(g, 0, 0);
	say(g, AGENT_STDOUT, 0, "text", 4);
}

static void short_exit(struct guest *g)
{
	come_up(g);
	say(g, AGENT_EXIT, 0, "\0\0\0\0", 4);
}

static void end_twice(struct guest *g)
{
	come_up(g);
	say(g, AGENT_STDERR, 0, NULL, 0);
	say(g, AGENT_STDERR, 0, NULL, 0);
}

static void output_after_its_end(struct guest *g)
{
	come_up(g);
	say(g, AGENT_STDOUT, 0, NULL, 0);
	say(g, AGENT_STDOUT, 0, "text", 4);
}

static void short_error(struct guest *g)
{
	come_up(g);
	say(g, AGENT_ERROR, 0, "\2", 1);
}

static void (*const lies[])(struct guest *g) = {
	started_before_created, hello_twice,	   another_version,
	output_too_early,	exit_too_early,	   absurd_code,
	negative_code,		absurd_signal,	   other_process,
	frame_of_the_host,	create_of_the_guest, unknown_type,
	huge_frame,		credit_for_nothing, credit_for_output,
	output_after_its_end,	short_error,	   credit_for_no_stream,
	exit_twice,		output_after_exit, short_exit,
	end_twice,
};

static void believes_no_lie(void)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct guest g;

		guest_open(&g);
		lies[i](&g);

		int r = run(&g);

		if (r != -EPROTO)
			printf("# lie %zu: %d\n", i, r);
		CHECK_INT(r, -EPROTO);
		CHECK(*fail_text());
		fail_clear();
	}
}

/* The channel breaks off: the machine is asked why, once it has ended. */
static void asks_the_machine(void)
{
	struct guest g;

	guest_open(&g);
	come_up(&g);
	if (write(g.channel[1], "\7\0\0", 3) != 3)
		abort();
	close(g.channel[1]);
	signal(SIGPIPE, SIG_IGN); /* vm_agent_signals() keeps it from us */
	eventfd_write(g.ended, 1);
	CHECK_INT(run(&g), -EIO);
	CHECK_STR(fail_text(), "the machine has ended");
}

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void leaves_no_descriptor(void)
{
	unsigned before = 0;

	for (int i = 0; i < 3; i++) {
		struct guest g;

		guest_open(&g);
		come_up(&g);
		say(&g, AGENT_STDOUT, 1, "text", 4);
		CHECK_INT(run(&g), -EPROTO);
		fail_clear();
		if (i == 1)
			before = count_fds();
	}
	/* What the test itself has opened for each: not more. */
	CHECK_INT(count_fds() - before, 2 + 1 + 2 + 3);
}

int main(void)
{
	TEST("the exit code is the program's", knows_the_exit_code);
	TEST("a signal that ended it is told as 128 and its number",
	     adds_128_to_a_signal);
	TEST("an error of the guest reaches who waits", hands_an_error_on);
	TEST("a frame that is out of place ends the conversation",
	     believes_no_lie);
	TEST("of a channel that breaks off the machine knows the reason",
	     asks_the_machine);
	TEST("no descriptor stays open", leaves_no_descriptor);
	return test_done();
}
