/* SPDX-License-Identifier: MIT */
/* The handshake with a child that says what it should not. */
#include "isolate/handshake.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "isolate/spawn.h"
#include "isolate/sync.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

static int child_end;

/* A child that only waits, and both ends of the way to it. */
static struct spawned open_child(void)
{
	struct spawned s = {};
	struct clone_args args = {.flags = CLONE_PIDFD,
				  .pidfd = (uintptr_t)&s.pidfd,
				  .exit_signal = SIGCHLD};

	CHECK_INT(sync_open(&s.sync, &child_end), 0);
	s.pid = sys_clone3(&args);
	if (s.pid == 0) {
		pause();
		_exit(0);
	}
	CHECK(s.pid > 0);
	return s;
}

/* What handshake_run() says when the child has sent pid. */
static int run_with(struct spawned *s, pid_t pid)
{
	const struct buf none = {};
	struct handshake h = {.child = s, .bpf = &none, .terminal = -1};

	fail_clear();
	CHECK_INT(sync_send(child_end, SYNC_PID, pid, -1, NULL, 0), 0);
	CHECK_INT(sync_send_empty(child_end, SYNC_READY), 0);
	return handshake_run(&h, true);
}

static void refuses_foreign_pids(void)
{
	struct spawned s = open_child();
	pid_t first = s.pid;
	const pid_t foreign[] = {getppid(), getpid(), first};

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		const struct buf none = {};
		struct handshake h = {
			.child = &s, .bpf = &none, .terminal = -1};

		CHECK_INT(sync_send(child_end, SYNC_PID, foreign[i], -1, NULL,
				    0),
			  0);
		CHECK_INT(handshake_run(&h, true), -EPROTO);
		CHECK_HAS(fail_text(), "is not the child's");
		CHECK_INT(s.pid, first);
	}
	handshake_kill(&s);
	CHECK_INT(kill(getppid(), 0), 0);
}

static void refuses_no_pids(void)
{
	struct spawned s = open_child();

	CHECK(run_with(&s, 0) < 0);
	handshake_kill(&s);
	s = open_child();
	CHECK(run_with(&s, -1) < 0);
	handshake_kill(&s);
}

static void follows_a_child(void)
{
	struct spawned s = open_child();
	pid_t second = fork();

	if (second == 0) {
		pause();
		_exit(0);
	}
	CHECK_INT(kill(s.pid, SIGKILL), 0); /* as the first does by exiting */
	CHECK_INT(run_with(&s, second), 0);
	CHECK_INT(s.pid, second);
	handshake_kill(&s);
	CHECK_INT(kill(second, 0), -1);
}

int main(void)
{
	TEST("a process that is not our child is not followed, nor killed",
	     refuses_foreign_pids);
	TEST("a number that is no pid is refused", refuses_no_pids);
	TEST("a child that takes the place of the first is followed",
	     follows_a_child);
	return test_done();
}
