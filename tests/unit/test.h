/* SPDX-License-Identifier: MIT */
/* Unit tests that speak TAP: sentences about behaviour and what proves them. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 *	static void drops_root(void) { … CHECK(getuid() == 1000); }
 *
 *	int main(void)
 *	{
 *		TEST("one and one are two")
 *		{
 *			CHECK_INT(1 + 1, 2);
 *		}
 *		TEST("root is given up", drops_root);
 *		return test_done();
 *	}
 *
 * With a function the test runs in a child, where it may change user, limits
 * and namespaces, or crash; there the first CHECK that fails ends it.
 */

#define TEST_SKIPPED 77 /* exit status of a child */

/* owned by: the one test program that includes this. */
static struct {
	int n, n_failed;
	const char *sentence; /* of the test under way; NULL: none is */
	const char *lack;
	bool failed, in_child;
} test_now;

static inline void test_finish(void)
{
	if (!test_now.sentence)
		return;
	test_now.n_failed += test_now.failed;
	printf("%s %d - %s%s%s\n", test_now.failed ? "not ok" : "ok",
	       test_now.n, test_now.sentence, test_now.lack ? " # SKIP " : "",
	       test_now.lack ? test_now.lack : "");
	fflush(stdout);
	test_now.sentence = NULL;
}

static inline bool test_begin(const char *sentence)
{
	test_finish();
	test_now.n++;
	test_now.sentence = sentence;
	test_now.lack = NULL;
	test_now.failed = false;
	return true;
}

static inline void test_run(const char *sentence, void (*function)(void))
{
	int status = -1;

	test_begin(sentence);
	fflush(stdout);

	pid_t pid = fork();

	if (pid == 0) {
		test_now.in_child = true;
		function();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		status = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIPPED)
		test_now.lack = "see above";
	else
		test_now.failed = status != 0;
	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	test_finish();
}

/* Ends the last test and gives the plan; returns what main() returns. */
static inline int test_done(void)
{
	test_finish();
	printf("1..%d\n", test_now.n);
	return test_now.n_failed != 0;
}

/* Marks the test as failed; in a child, ends it. */
static inline void test_fail(void)
{
	test_now.failed = true;
	if (test_now.in_child)
		exit(1);
}

static inline void test_int(long long have, long long want, const char *what,
			    const char *file, int line)
{
	if (have == want)
		return;
	printf("# %s:%d: %s is %lld, not %lld\n", file, line, what, have, want);
	test_fail();
}

static inline void test_str(const char *have, const char *want, bool whole,
			    const char *file, int line)
{
	if (have &&
	    (whole ? strcmp(have, want) == 0 : strstr(have, want) != NULL))
		return;
	printf("# %s:%d: \"%s\" %s \"%s\"\n", file, line,
	       have ? have : "(null)", whole ? "is not" : "lacks", want);
	test_fail();
}

static inline void test_skip(const char *lack)
{
	test_now.lack = lack;
	if (!test_now.in_child)
		return;
	printf("# skipped: %s\n", lack);
	exit(TEST_SKIPPED);
}

#define TEST_BLOCK(sentence)       if (test_begin(sentence))
#define TEST_CHILD(sentence, f)    test_run(sentence, f)
#define TEST_PICK(a, b, pick, ...) pick
#define TEST(...)                  TEST_PICK(__VA_ARGS__, TEST_CHILD, TEST_BLOCK, )(__VA_ARGS__)

#define CHECK(x)                                                         \
	do {                                                             \
		if (!(x)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #x); \
			test_fail();                                     \
		}                                                        \
	} while (0)

#define CHECK_INT(have, want)                                           \
	test_int((long long)(have), (long long)(want), #have, __FILE__, \
		 __LINE__)

#define CHECK_STR(have, want) test_str(have, want, true, __FILE__, __LINE__)

/* The text holds this part. */
#define CHECK_HAS(text, part) test_str(text, part, false, __FILE__, __LINE__)

/* Leaves the test out; lack: what this machine does not have. */
#define SKIP(lack) test_skip(lack)
