/* SPDX-License-Identifier: MIT */
/* Tests of lib/utf8.c. */
#include "lib/utf8.h"

#include "lib/cleanup.h"
#include "tests/unit/test.h"

int main(void)
{
	TEST("every length of sequence is known")
	{
		CHECK_INT(utf8_len((const unsigned char *)"a"), 1);
		CHECK_INT(utf8_len((const unsigned char *)"\xc3\xa9"), 2);
		CHECK_INT(utf8_len((const unsigned char *)"\xe2\x82\xac"), 3);
		CHECK_INT(utf8_len((const unsigned char *)"\xf0\x9f\x98\x80"),
			  4);
	}
	TEST("text of any script is valid, the empty one too")
	{
		CHECK(utf8_is_valid(""));
		CHECK(utf8_is_valid("a\xc3\xa9\xe2\x82\xac\xf4\x8f\xbf\xbf"));
	}
	TEST("cut, overlong, surrogate and too large sequences are not valid")
	{
		static const char *const bad[] = {
			"\x80",
			"a\xc3",
			"\xe2\x82",
			"\xc0\xaf",
			"\xc1\xbf",
			"\xe0\x80\xaf",
			"\xf0\x80\x80\xaf",
			"\xed\xa0\x80",
			"\xf4\x90\x80\x80",
			"\xf8\x88\x80\x80\x80",
			"\xff",
			"\xc3(",
		};

		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			CHECK(!utf8_is_valid(bad[i]));
	}
	return test_done();
}
