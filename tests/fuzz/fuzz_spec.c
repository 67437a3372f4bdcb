/* SPDX-License-Identifier: MIT */
/* Fuzzing of config.json: parser, checks, and a process of its own. */
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/fail.h"
#include "oci/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A refusal must have said why, on one line. */
static void need_text(void)
{
	const char *text = fail_text();

	if (!*text)
		__builtin_trap();
	for (; *text; text++)
		if (*text == '\n')
			__builtin_trap();
	fail_clear();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	struct arena arena = {};
	struct spec_process process;
	struct spec *spec = NULL;

	if (spec_parse(text, len, "config.json", &spec) < 0)
		need_text();
	else if (spec_check(spec) < 0)
		need_text();
	spec_free(spec);
	if (spec_parse_process(text, len, "process", &arena, &process) < 0)
		need_text();
	else if (spec_check_process(&process, "") < 0)
		need_text();
	arena_fini(&arena);
	return 0;
}
