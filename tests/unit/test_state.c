/* SPDX-License-Identifier: MIT */
/* Tests of oci/state.c. */
#include "oci/state.h"

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "oci/json.h"
#include "oci/spec.h"
#include "tests/unit/test.h"

static const struct spec_key_value annotations[] = {{"a\"b", "c\nd"},
						    {"e", ""}};

static void pretty_is_compact(void)
{
	const struct state s = {.id = "c1",
				.status = STATUS_PAUSED,
				.pid = 42,
				.bundle = "/b\xff",
				.rootfs = "/b/r",
				.created = "2026-01-02T03:04:05.678901234Z",
				.owner = "",
				.annotations = annotations,
				.n_annotations = 2};

	for (int pretty = 0; pretty < 2; pretty++) {
		_cleanup_(buf_fini)
		struct buf b = {};
		_cleanup_(arena_fini)
		struct arena a = {};

		state_format(&b, &s, pretty);

		const struct json *v =
			json_parse(b.data, b.len, "state", 4, &a);
		const struct json *notes = json_get(v, "annotations");

		CHECK(v);
		CHECK_STR(json_get(v, "ociVersion")->text, "1.3.0");
		CHECK_STR(json_get(v, "id")->text, "c1");
		CHECK_STR(json_get(v, "status")->text, "paused");
		CHECK_STR(json_get(v, "pid")->text, "42");
		CHECK_STR(json_get(v, "bundle")->text, "/b\xef\xbf\xbd");
		CHECK_STR(json_get(v, "rootfs")->text, "/b/r");
		CHECK_STR(json_get(v, "owner")->text, "");
		CHECK_STR(json_get(notes, "a\"b")->text, "c\nd");
		CHECK_INT(notes->count, 2);
		CHECK_INT(strchr(b.data, '\n') == b.data + b.len - 1, !pretty);
	}
}

int main(void)
{
	TEST("every status has its name")
	{
		CHECK_STR(status_name(STATUS_CREATING), "creating");
		CHECK_STR(status_name(STATUS_CREATED), "created");
		CHECK_STR(status_name(STATUS_RUNNING), "running");
		CHECK_STR(status_name(STATUS_PAUSED), "paused");
		CHECK_STR(status_name(STATUS_STOPPED), "stopped");
	}
	TEST("a hook's state is one line with what the specification asks for")
	{
		_cleanup_(buf_fini)
		struct buf b = {};

		state_format(&b,
			     &(struct state){.id = "x",
					     .status = STATUS_CREATED,
					     .pid = 7,
					     .bundle = "/b"},
			     0);
		CHECK_STR(buf_str(&b),
			  "{\"ociVersion\":\"1.3.0\",\"id\":\"x\","
			  "\"status\":\"created\",\"pid\":7,\"bundle\":\"/b\","
			  "\"annotations\":{}}\n");
	}
	TEST("the indented document says the same as the compact one",
	     pretty_is_compact);
	return test_done();
}
