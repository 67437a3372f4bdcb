/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_vm.c. */
#include "oci/spec_vm.h"

#include <linux/capability.h>
#include <sys/mount.h>

#include "tests/unit/spec_text.h"
#include "tests/unit/test.h"

#define MOUNTS                                                               \
	"\"mounts\":["                                                       \
	"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}," \
	"{\"destination\":\"/run\",\"type\":\"tmpfs\",\"source\":\"t\"},"    \
	"{\"destination\":\"/run/x\",\"type\":\"bind\",\"source\":\"/srv/x\"," \
	"\"options\":[\"bind\",\"ro\"]},"                                    \
	"{\"destination\":\"/o\",\"type\":\"overlay\",\"source\":\"overlay\"," \
	"\"options\":[\"lowerdir=/a:/b\"]}]"

static void test_mounts(void)
{
	TEST("the guest's mounts keep their order, the host's come from the "
	     "share")
	{
		struct spec *spec = spec_of(SPEC_MORE(MOUNTS));

		CHECK_INT(spec_vm_guest(spec, "/share"), 0);
		CHECK_STR(spec->root_path, "/share/rootfs");
		CHECK_INT(spec->n_mounts, 4);
		CHECK_STR(spec->mounts[0].type, "proc");
		CHECK_INT(spec->mounts[2].kind, SPEC_MOUNT_BIND);
		CHECK_STR(spec->mounts[2].source, "/share/mounts/2");
		CHECK_STR(spec->mounts[2].destination, "/run/x");
		CHECK(spec->mounts[2].attr_set & MOUNT_ATTR_RDONLY);
		CHECK_INT(spec->mounts[3].kind, SPEC_MOUNT_BIND);
		CHECK_STR(spec->mounts[3].source, "/share/mounts/3");
		CHECK_INT(spec->mounts[3].n_options, 0);
		spec_free(spec);
	}
	TEST("the jail holds the root and the host's mounts, and no others")
	{
		struct spec *spec = spec_of(SPEC_MORE(MOUNTS));
		struct spec jail = {};

		CHECK_INT(spec_vm_jail(spec, "/bundle/rootfs", &jail), 0);
		CHECK_INT(jail.n_mounts, 3);
		CHECK_STR(jail.mounts[0].source, "/bundle/rootfs");
		CHECK_STR(jail.mounts[0].destination, "/rootfs");
		CHECK_STR(jail.mounts[1].source, "/srv/x");
		CHECK_STR(jail.mounts[1].destination, "/mounts/2");
		CHECK_STR(jail.mounts[2].type, "overlay");
		CHECK_STR(jail.mounts[2].destination, "/mounts/3");
		CHECK(jail.root_readonly);
		spec_free(spec);
	}
	TEST("a read-only root is read-only on the host's side, too")
	{
		struct spec *spec = spec_of(SPEC_MORE(MOUNTS));
		struct spec jail = {};

		spec->root_readonly = true;
		CHECK_INT(spec_vm_jail(spec, "/r", &jail), 0);
		CHECK(jail.mounts[0].rec_attr_set & MOUNT_ATTR_RDONLY);
		spec_free(spec);
	}
}

static void test_halves(void)
{
	TEST("the guest joins nobody's namespaces and keeps its own network")
	{
		struct spec *spec = spec_of(SPEC_NAMESPACES(
			"{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"},"
			"{\"type\":\"network\"},{\"type\":\"ipc\"}"));
		const struct spec_linux *l = &spec->linux_;

		CHECK_INT(spec_vm_guest(spec, "/share"), 0);
		CHECK(!l->ns_paths[SPEC_NS_PID]);
		CHECK(l->new_namespaces & 1u << SPEC_NS_PID);
		CHECK(l->new_namespaces & 1u << SPEC_NS_IPC);
		CHECK(!(l->new_namespaces & 1u << SPEC_NS_NET));
		CHECK(l->new_namespaces & 1u << SPEC_NS_MOUNT);
		spec_free(spec);
	}
	TEST("limits of memory are the host's, those of processes the guest's")
	{
		struct spec *spec = spec_of(SPEC_LINUX(
			"\"resources\":{\"memory\":{\"limit\":1000000},"
			"\"pids\":{\"limit\":7}}"));

		CHECK_INT(spec_vm_guest(spec, "/share"), 0);
		CHECK(!spec->linux_.resources.memory.has_limit);
		CHECK(spec->linux_.resources.has_pids_limit);
		CHECK_INT(spec->linux_.resources.pids_limit, 7);
		spec_free(spec);
	}
	TEST("of the hooks the guest runs startContainer, the jail the others")
	{
		struct spec *spec = spec_of(SPEC_MORE(
			"\"hooks\":{\"createRuntime\":[{\"path\":\"/a\"}],"
			"\"createContainer\":[{\"path\":\"/b\"}],"
			"\"startContainer\":[{\"path\":\"/c\"}],"
			"\"poststop\":[{\"path\":\"/d\"}]}"));
		struct spec jail = {};

		CHECK_INT(spec_vm_jail(spec, "/r", &jail), 0);
		CHECK_INT(jail.hooks[SPEC_HOOK_CREATE_RUNTIME].n_hooks, 1);
		CHECK_INT(jail.hooks[SPEC_HOOK_CREATE_CONTAINER].n_hooks, 1);
		CHECK_INT(jail.hooks[SPEC_HOOK_START_CONTAINER].n_hooks, 0);
		CHECK_INT(spec_vm_guest(spec, "/share"), 0);
		CHECK_INT(spec->hooks[SPEC_HOOK_CREATE_RUNTIME].n_hooks, 0);
		CHECK_INT(spec->hooks[SPEC_HOOK_START_CONTAINER].n_hooks, 1);
		CHECK_INT(spec->hooks[SPEC_HOOK_POSTSTOP].n_hooks, 0);
		spec_free(spec);
	}
	TEST("the VMM has a file server's capabilities and no way to more")
	{
		struct spec *spec = spec_of(SPEC_MORE(MOUNTS));
		struct spec jail = {};
		uint64_t caps;

		CHECK_INT(spec_vm_jail(spec, "/r", &jail), 0);
		caps = jail.process.capabilities.bounding;
		CHECK(caps & 1ULL << CAP_DAC_OVERRIDE);
		CHECK(!(caps & 1ULL << CAP_SYS_ADMIN));
		CHECK(!(caps & 1ULL << CAP_SYS_PTRACE));
		CHECK(!(caps & 1ULL << CAP_NET_ADMIN));
		CHECK(!(caps & 1ULL << CAP_SYS_RAWIO));
		CHECK(jail.process.no_new_privileges);
		CHECK(jail.linux_.new_namespaces & 1u << SPEC_NS_PID);
		spec_free(spec);
	}
}

int main(void)
{
	test_mounts();
	test_halves();
	return test_done();
}
