/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec.c: bundles on disk. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>

#include "lib/cleanup.h"
#include "lib/fd.h"
#include "tests/unit/spec_text.h"

static char dir[] = "/tmp/bulkhead-test-spec-XXXXXX";

static void write_config(const char *name, const char *text)
{
	_cleanup_fd_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK_INT(fd_replace_file(fd, name, text, strlen(text)), 0);
}

static void loads(void)
{
	struct spec *s = NULL;
	char want[64];

	write_config("config.json",
		     SPEC_MORE("\"mounts\":[{\"destination\":\"/x\","
			       "\"source\":\"sub\",\"options\":[\"bind\"]},"
			       "{\"destination\":\"/y\",\"source\":\"/abs\","
			       "\"options\":[\"rbind\"]},"
			       "{\"destination\":\"/z\",\"type\":\"tmpfs\","
			       "\"source\":\"shm\"}]"));
	CHECK_INT(spec_load(dir, NULL, &s), 0);
	snprintf(want, sizeof(want), "%s/sub", dir);
	CHECK_STR(s->mounts[0].source, want);
	CHECK_STR(s->mounts[1].source, "/abs");
	CHECK_STR(s->mounts[2].source, "shm");
	spec_free(s);
}

static void other_name(void)
{
	struct spec *s = NULL;
	char path[64];

	write_config("other.json", SPEC_NAMESPACES("{\"type\":\"pid\"}"));
	CHECK_INT(spec_load(dir, "other.json", &s), 0);
	spec_free(s);
	snprintf(path, sizeof(path), "%s/other.json", dir);
	CHECK_INT(spec_load("/", path, &s), 0);
	CHECK_INT(s->linux_.new_namespaces,
		  1U << SPEC_NS_MOUNT | 1U << SPEC_NS_PID);
	spec_free(s);
}

static void refused(void)
{
	struct spec *s = NULL;

	CHECK_INT(spec_load("/nonexistent", NULL, &s), -ENOENT);
	CHECK_STR(fail_text(),
		  "open bundle /nonexistent: No such file or directory");
	CHECK_INT(spec_load(dir, "none.json", &s), -ENOENT);
	CHECK_HAS(fail_text(), ": open none.json: No such file or directory");
	write_config("bad.json", "{");
	CHECK_INT(spec_load(dir, "bad.json", &s), -EINVAL);
	CHECK_HAS(fail_text(), "bad.json: line 1: ");
	write_config("bad.json", SPEC_MORE("\"hostname\":\"h\""));
	CHECK_INT(spec_load(dir, "bad.json", &s), -EINVAL);
	CHECK_STR(fail_text(), "bad.json: /hostname: needs a uts namespace");
	CHECK(!s);
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	TEST("relative bind sources become absolute against the bundle", loads);
	TEST("another file can be named, relative or absolute", other_name);
	TEST("a bundle that cannot be read or checked is refused by name",
	     refused);
	TEST("an annotation is found by its key")
	{
		struct spec *s = spec_of(
			SPEC_MORE("\"annotations\":{\"a\":\"\",\"b\":\"x\"}"));

		CHECK_STR(spec_annotation(s, "a"), "");
		CHECK_STR(spec_annotation(s, "b"), "x");
		CHECK(!spec_annotation(s, "c"));
		spec_free(s);
		spec_free(NULL);
	}

	static const char *const files[] = {"config.json", "other.json",
					    "bad.json"};
	_cleanup_fd_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(fd, files[i], 0);
	rmdir(dir);
	return test_done();
}
