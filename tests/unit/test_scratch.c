/* SPDX-License-Identifier: MIT */
/* Tests of isolate/scratch.c. */
#include "isolate/scratch.h"

#include <errno.h>
#include <fcntl.h>

#include "tests/unit/test.h"

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int any(void)
{
	return open("/", O_PATH | O_CLOEXEC);
}

static void leaves_holes(void)
{
	struct scratch s = {};
	int a = scratch_keep(&s, any());
	int foreign = any();
	int b = scratch_keep(&s, any()), c = scratch_keep(&s, any());

	CHECK_INT(c, b + 1);
	scratch_close(&s);
	CHECK(!is_open(a) && !is_open(b) && !is_open(c));
	CHECK(is_open(foreign));
	CHECK_INT(s.n, 0);
}

static void any_order(void)
{
	struct scratch s = {};
	int fds[4];

	for (int i = 0; i < 4; i++)
		fds[i] = any();
	scratch_keep(&s, fds[3]);
	scratch_keep(&s, fds[0]);
	scratch_keep(&s, fds[2]);
	scratch_close(&s);
	CHECK(!is_open(fds[0]) && !is_open(fds[2]) && !is_open(fds[3]));
	CHECK(is_open(fds[1]));
}

static void makes_room(void)
{
	struct scratch s = {};
	int first = scratch_keep(&s, any());
	int last = first;

	while (s.n < 46)
		last = scratch_keep(&s, any());
	scratch_reserve(&s, 2);
	CHECK(is_open(first));
	scratch_reserve(&s, 3);
	CHECK(!is_open(first) && !is_open(last));
	CHECK_INT(s.n, 0);
}

static void errors_pass(void)
{
	struct scratch s = {};

	CHECK_INT(scratch_keep(&s, -ENOENT), -ENOENT);
	CHECK_INT(s.n, 0);
}

int main(void)
{
	TEST("all fds are closed, and none that lies between them",
	     leaves_holes);
	TEST("fds may come in any order", any_order);
	TEST("room is made only when it is short", makes_room);
	TEST("an error is handed through", errors_pass);
	return test_done();
}
