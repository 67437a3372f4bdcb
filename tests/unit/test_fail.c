/* SPDX-License-Identifier: MIT */
/* Tests of lib/fail.c. */
#include "lib/fail.h"

#include <pthread.h>

#include "tests/unit/test.h"

static void *other_thread(void *text)
{
	*(const char **)text = fail_text();
	fail_plain(EINVAL, "of the other thread");
	return NULL;
}

static void threads(void)
{
	const char *there = NULL;
	pthread_t t;

	fail_plain(EINVAL, "mine");
	CHECK_INT(pthread_create(&t, NULL, other_thread, &there), 0);
	pthread_join(t, NULL);
	CHECK(there && there != fail_text());
	CHECK_STR(fail_text(), "mine");
}

static void long_texts(void)
{
	char big[2 * FAIL_TEXT_MAX];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	CHECK_INT(fail(EPERM, "%s", big), -EPERM);
	CHECK_INT(strlen(fail_text()), FAIL_TEXT_MAX - 1);
	CHECK_INT(fail_in(-EPERM, "outer"), -EPERM);
	CHECK_INT(strncmp(fail_text(), "outer: xxx", 10), 0);
	CHECK_INT(strlen(fail_text()), FAIL_TEXT_MAX - 1);
	fail_hint(-EPERM, "%s", big);
	CHECK_INT(strlen(fail_text()), FAIL_TEXT_MAX - 1);
	fail_in(-EPERM, "%s", big);
	CHECK_INT(strlen(fail_text()), FAIL_TEXT_MAX - 1);
	fail_from(EIO, big, sizeof(big) - 1);
	CHECK_INT(strlen(fail_text()), FAIL_TEXT_MAX - 1);
}

int main(void)
{
	TEST("a text ends with the kernel's word and grows to the left")
	{
		CHECK_INT(fail(EPERM, "mount %s", "proc"), -EPERM);
		CHECK_INT(fail_in(-EPERM, "mounts"), -EPERM);
		CHECK_STR(fail_text(),
			  "mounts: mount proc: Operation not permitted");
		CHECK_INT(fail_hint(-EPERM, "try %d", 1), -EPERM);
		CHECK_STR(fail_text(), "mounts: mount proc: Operation not "
				       "permitted (try 1)");
	}
	TEST("a plain text has no kernel's word")
	{
		CHECK_INT(fail_plain(EINVAL, "no such thing"), -EINVAL);
		CHECK_STR(fail_text(), "no such thing");
	}
	TEST("context without a text gets the word of the error")
	{
		fail_clear();
		CHECK_STR(fail_text(), "");
		CHECK_INT(fail_in(-ENOENT, "open"), -ENOENT);
		CHECK_STR(fail_text(), "open: No such file or directory");
	}
	TEST("a text from another process is taken over by its length")
	{
		CHECK_INT(fail_from(EIO, "child says no", 10), -EIO);
		CHECK_STR(fail_text(), "child says");
	}
	TEST("a text that is too long is cut, not overrun", long_texts);
	TEST("each thread has a text of its own", threads);
	return test_done();
}
