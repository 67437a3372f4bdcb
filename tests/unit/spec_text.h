/* SPDX-License-Identifier: MIT */
/* Small config.json texts for tests: the least that is valid, and parts. */
#pragma once

#include <string.h>

#include "lib/fail.h"
#include "oci/spec.h"

/* A process, a root and a mount namespace, with more members of each. */
#define SPEC_TEXT(process, linux, more)                             \
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"}," \
	"\"process\":{\"args\":[\"sh\"],\"cwd\":\"/\"" process "}," \
	"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}" linux "}" more "}"

#define SPEC_PROCESS(members) SPEC_TEXT("," members, "]", "")
#define SPEC_LINUX(members)   SPEC_TEXT("", "]," members, "")
#define SPEC_NAMESPACES(list) SPEC_TEXT("", "," list "]", "")
#define SPEC_MORE(members)    SPEC_TEXT("", "]", "," members)
#define SPEC_MOUNT(members) \
	SPEC_MORE("\"mounts\":[{\"destination\":\"/x\"," members "}]")

/* The parsed text; NULL with fail() text. */
static inline struct spec *spec_of(const char *text)
{
	struct spec *spec = NULL;

	fail_clear();
	return spec_parse(text, strlen(text), "c", &spec) == 0 ? spec : NULL;
}

/* The error of parsing and checking the text; "" when there is none. */
static inline const char *spec_error(const char *text)
{
	struct spec *spec = spec_of(text);

	if (spec && spec_check(spec) == 0)
		fail_clear();
	spec_free(spec);
	return fail_text();
}
