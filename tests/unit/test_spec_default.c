/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_default.c, and of the example beside it. */
#include "oci/spec_default.h"

#include <fcntl.h>
#include <linux/capability.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fd.h"
#include "tests/unit/spec_text.h"
#include "tests/unit/test.h"

static struct spec *default_of(bool rootless)
{
	_cleanup_(buf_fini)
	struct buf b = {};

	spec_default_format(&b, rootless, 1000, 100);
	CHECK_STR(spec_error(buf_str(&b)), "");
	return spec_of(buf_str(&b));
}

static void rootful(void)
{
	struct spec *s = default_of(false);

	CHECK(s);
	CHECK_STR(s->process.args[0], "sh");
	CHECK(s->process.terminal && s->process.no_new_privileges);
	CHECK(s->process.capabilities.bounding ==
	      (UINT64_C(1) << CAP_AUDIT_WRITE | UINT64_C(1) << CAP_KILL |
	       UINT64_C(1) << CAP_NET_BIND_SERVICE));
	CHECK(!s->process.capabilities.inheritable);
	CHECK_INT(s->n_mounts, 7);
	CHECK_INT(s->linux_.new_namespaces,
		  1U << SPEC_NS_MOUNT | 1U << SPEC_NS_PID | 1U << SPEC_NS_NET |
			  1U << SPEC_NS_IPC | 1U << SPEC_NS_UTS |
			  1U << SPEC_NS_CGROUP);
	CHECK_INT(s->linux_.resources.n_devices, 1);
	CHECK(!s->linux_.resources.devices[0].allow);
	CHECK(s->linux_.masked_paths[0] && s->linux_.readonly_paths[0]);
	spec_free(s);
}

static void rootless(void)
{
	struct spec *s = default_of(true);

	CHECK(s);
	CHECK(s->linux_.new_namespaces & 1U << SPEC_NS_USER);
	CHECK(!(s->linux_.new_namespaces & 1U << SPEC_NS_NET));
	CHECK_INT(s->linux_.uid_mappings[0].host_id, 1000);
	CHECK_INT(s->linux_.gid_mappings[0].host_id, 100);
	CHECK(!s->linux_.has_resources);
	for (size_t i = 0; i < s->n_mounts; i++) {
		CHECK(s->mounts[i].kind != SPEC_MOUNT_CGROUP);
		for (size_t j = 0; j < s->mounts[i].n_options; j++)
			CHECK(strcmp(s->mounts[i].options[j].key, "gid"));
	}
	spec_free(s);
}

/* Parents come before what is mounted below them. */
static void in_order(void)
{
	struct spec *s = default_of(false);

	for (size_t i = 0; i < s->n_mounts; i++)
		for (size_t j = 0; j < i; j++)
			CHECK(strncmp(s->mounts[j].destination,
				      s->mounts[i].destination,
				      strlen(s->mounts[i].destination)));
	spec_free(s);
}

int main(void)
{
	TEST("the default is valid and confined", rootful);
	TEST("the rootless default maps the caller to root", rootless);
	TEST("no mount hides one that comes before it", in_order);
	TEST("config.json.example is valid")
	{
		_cleanup_(buf_fini)
		struct buf b = {};

		if (access("config.json.example", R_OK) < 0)
			SKIP("the source tree as working directory");
		else {
			CHECK_INT(fd_read_file(AT_FDCWD, "config.json.example",
					       &b, SPEC_MAX_BYTES),
				  0);
			CHECK_STR(spec_error(buf_str(&b)), "");
		}
	}
	return test_done();
}
