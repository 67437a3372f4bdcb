/* SPDX-License-Identifier: MIT */
/* Unit tests that speak TAP: TEST("sentence") { CHECK(…); } … test_done(). */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* owned by: the one test program that includes this. */
static struct {
	int n, n_failed;
	const char *name;
	const char *skip;
	bool failed;
} test_now;

static inline void test_finish(void)
{
	if (!test_now.name)
		return;
	test_now.n_failed += test_now.failed;
	printf("%s %d - %s%s%s\n", test_now.failed ? "not ok" : "ok",
	       test_now.n, test_now.name, test_now.skip ? " # SKIP " : "",
	       test_now.skip ? test_now.skip : "");
	fflush(stdout);
}

static inline bool test_begin(const char *name)
{
	test_finish();
	test_now.n++;
	test_now.name = name;
	test_now.skip = NULL;
	test_now.failed = false;
	return true;
}

static inline int test_done(void)
{
	test_finish();
	printf("1..%d\n", test_now.n);
	return test_now.n_failed != 0;
}

static inline void test_note(bool ok, const char *file, int line,
			     const char *what)
{
	if (ok)
		return;
	test_now.failed = true;
	printf("# %s:%d: %s\n", file, line, what);
}

#define TEST(name) if (test_begin(name))

#define CHECK(x) test_note((x), __FILE__, __LINE__, #x)

/* Ends the test, which says what it lacks. */
#define SKIP(why) (test_now.skip = (why))
