/* SPDX-License-Identifier: MIT */
/* Tests of lib/log.c; each in a child, since settings are the process's. */
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "oci/json.h"
#include "tests/unit/test.h"

static char path[] = "/tmp/bulkhead-test-log-XXXXXX";

/* From here on, what goes to stderr can be read from the fd returned. */
static int catch_stderr(void)
{
	int ends[2];

	CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
	CHECK(dup2(ends[1], STDERR_FILENO) >= 0);
	return ends[0];
}

static const char *caught(int fd)
{
	static char text[512];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void levels(void)
{
	int fd = catch_stderr();

	log_debug("no");
	log_info("no");
	CHECK_STR(caught(fd), "");
	log_warn("%d", 1);
	CHECK_STR(caught(fd), "bulkhead: warning: 1\n");
	log_error("two");
	CHECK_STR(caught(fd), "bulkhead: two\n");
	CHECK(!log_would(LOG_LEVEL_DEBUG));
	log_set_level(LOG_LEVEL_DEBUG);
	CHECK(log_would(LOG_LEVEL_DEBUG));
	log_debug("three");
	CHECK_STR(caught(fd), "bulkhead: three\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("no");
	CHECK_STR(caught(fd), "");
}

static void json_file(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};
	_cleanup_(arena_fini)
	struct arena a = {};
	int fd = catch_stderr();

	CHECK_INT(log_open(path), 0);
	log_set_format(LOG_FORMAT_JSON);
	log_warn("say \"%s\"\n", "x");
	/* Engines show stderr to their users: only errors go there too. */
	CHECK_STR(caught(fd), "");
	CHECK_INT(fd_read_file(AT_FDCWD, path, &b, 4096), 0);
	CHECK_INT(strchr(b.data, '\n') - b.data, b.len - 1);

	const struct json *v = json_parse(b.data, b.len, "log", 2, &a);
	struct tm tm;

	CHECK(v);
	CHECK_STR(json_get(v, "msg")->text, "say \"x\"\n");
	CHECK_STR(json_get(v, "level")->text, "warning");

	const char *rest =
		strptime(json_get(v, "time")->text, "%Y-%m-%dT%H:%M:%S.", &tm);

	CHECK(rest && strspn(rest, "0123456789") == 9);
	CHECK_STR(rest + 9, "Z");
	log_error("bad");
	CHECK_STR(caught(fd), "bulkhead: bad\n");
}

static void text_file(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};

	catch_stderr();
	CHECK_INT(truncate(path, 0), 0);
	CHECK_INT(log_open(path), 0);
	log_error("one");
	log_error("two");
	CHECK_INT(fd_read_file(AT_FDCWD, path, &b, 4096), 0);
	CHECK_HAS(buf_str(&b), "Z error: one\n");
	CHECK_HAS(buf_str(&b), "Z error: two\n");
}

static void controls(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};
	int fd = catch_stderr();

	log_error("a\x1b[1m\nb\x7f \xc2\x9b \x9b \xc3\xa9");
	CHECK_STR(caught(fd), "bulkhead: a?[1m?b? ?? ? \xc3\xa9\n");
	CHECK_INT(truncate(path, 0), 0);
	CHECK_INT(log_open(path), 0);
	log_error("one\n2026-01-01T00:00:00Z info: two");
	CHECK_INT(fd_read_file(AT_FDCWD, path, &b, 4096), 0);
	CHECK_INT(strchr(b.data, '\n') - b.data, b.len - 1);
}

static void no_file(void)
{
	CHECK_INT(log_open("/nonexistent/log"), -ENOENT);
	CHECK_STR(fail_text(), "open log file /nonexistent/log: No such file "
			       "or directory");
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	TEST("lines above the level are dropped", levels);
	TEST("a JSON log file has one object a line", json_file);
	TEST("a text log file is appended to, line by line", text_file);
	TEST("a message is one line and steers no terminal", controls);
	TEST("a log file that cannot be opened is an error", no_file);
	unlink(path);
	return test_done();
}
