/* SPDX-License-Identifier: MIT */
/* A unit test: sentences about behaviour, each checked in a process of its own. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 *	static void adds(void) { CHECK(1 + 1 == 2); }
 *
 *	int main(void)
 *	{
 *		TEST("one and one are two", adds);
 *		return test_end();
 *	}
 *
 * Output is TAP. Every test runs in a forked child, so that it may change
 * user, limits, namespaces, or crash. A CHECK that fails ends its test.
 */

#define TEST_SKIPPED 77

static int test_count, test_failures;

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			printf("# %s:%d: %s\n", __FILE__, __LINE__,            \
			       #condition);                                    \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define CHECK_INT(have, want)                                                  \
	do {                                                                   \
		long long _have = (long long)(have);                           \
		long long _want = (long long)(want);                           \
		if (_have != _want) {                                          \
			printf("# %s:%d: %s is %lld, not %lld\n", __FILE__,    \
			       __LINE__, #have, _have, _want);                 \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define CHECK_STR(have, want)                                                  \
	do {                                                                   \
		const char *_have = (have), *_want = (want);                   \
		if (!_have || strcmp(_have, _want) != 0) {                     \
			printf("# %s:%d: %s is \"%s\", not \"%s\"\n",          \
			       __FILE__, __LINE__, #have,                      \
			       _have ? _have : "(null)", _want);               \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* The text holds this part. */
#define CHECK_HAS(text, part)                                                  \
	do {                                                                   \
		const char *_text = (text);                                    \
		if (!_text || !strstr(_text, (part))) {                        \
			printf("# %s:%d: \"%s\" lacks \"%s\"\n", __FILE__,     \
			       __LINE__, _text ? _text : "(null)", (part));    \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* Ends the test; lack: what this machine does not have. */
#define SKIP(lack)                                                             \
	do {                                                                   \
		printf("# skipped: lacks %s\n", (lack));                       \
		exit(TEST_SKIPPED);                                            \
	} while (0)

#define TEST(sentence, function) test_run((sentence), (function))

static inline void test_run(const char *sentence, void (*function)(void))
{
	int status = -1;

	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0) {
		function();
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		status = -1;
	test_count++;
	if (WIFEXITED(status) && WEXITSTATUS(status) == TEST_SKIPPED) {
		printf("ok %d - %s # SKIP\n", test_count, sentence);
	} else if (status == 0) {
		printf("ok %d - %s\n", test_count, sentence);
	} else {
		test_failures++;
		printf("not ok %d - %s (status %#x)\n", test_count, sentence,
		       (unsigned)status);
	}
}

/* The plan line; returns what main() returns. */
static inline int test_end(void)
{
	printf("1..%d\n", test_count);
	return test_failures ? 1 : 0;
}
