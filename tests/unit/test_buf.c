/* SPDX-License-Identifier: MIT */
/* Tests of lib/buf.c. */
#include "lib/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

#include "lib/cleanup.h"
#include "tests/unit/test.h"

static void json_strings(void)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", "\"\""},
		{"a\"b\\c/", "\"a\\\"b\\\\c/\""},
		{"\n\t\r\x01\x7f", "\"\\n\\t\\u000d\\u0001\\u007f\""},
		{"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
		{"\xff", "\"\\ufffd\""},
		{"a\xc3", "\"a\\ufffd\""},
		{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
		{NULL, "null"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buf_fini)
		struct buf b = {};

		buf_put_json(&b, cases[i].in);
		CHECK_STR(buf_str(&b), cases[i].out);
	}
}

static void read_limits(void)
{
	_cleanup_fd_ int fd = memfd_create("test", MFD_CLOEXEC);
	_cleanup_(buf_fini)
	struct buf b = {};
	const off_t size = 200000;

	CHECK(fd >= 0 && ftruncate(fd, size) == 0);
	CHECK_INT(buf_read_fd(&b, fd, size), 0);
	CHECK_INT(b.len, size);
	CHECK_INT(b.data[b.len], '\0');
	buf_fini(&b);
	lseek(fd, 0, SEEK_SET);
	CHECK_INT(buf_read_fd(&b, fd, size - 1), -EFBIG);
	CHECK_INT(b.data[b.len], 0);
	buf_fini(&b);
	CHECK_INT(buf_read_fd(&b, -1, 5), -EBADF);
	CHECK_STR(buf_str(&b), "");
}

int main(void)
{
	TEST("an empty buffer reads as an empty string")
	{
		struct buf b = {};

		CHECK_STR(buf_str(&b), "");
		buf_put(&b, NULL, 0);
		CHECK_STR(buf_str(&b), "");
		buf_fini(&b);
	}
	TEST("what is put comes out in order, over many growths")
	{
		_cleanup_(buf_fini)
		struct buf b = {};

		for (int i = 0; i < 10000; i++)
			buf_printf(&b, "%04d", i);
		buf_puts(&b, "end");
		CHECK_INT(b.len, 40003);
		CHECK_INT(strncmp(b.data + 4 * 9999, "9999end", 8), 0);
		CHECK(!b.failed);
	}
	TEST("a failed buffer stays failed and takes nothing more")
	{
		_cleanup_(buf_fini)
		struct buf b = {};

		buf_puts(&b, "a");
		buf_put(&b, "x", SIZE_MAX);
		CHECK(b.failed);
		buf_puts(&b, "b");
		CHECK_STR(buf_str(&b), "a");
	}
	TEST("strings become JSON whatever bytes they hold", json_strings);
	TEST("a file is read whole or refused when it is larger", read_limits);
	return test_done();
}
