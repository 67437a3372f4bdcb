/* SPDX-License-Identifier: MIT */
/* Tests of oci/names.c. */
#include "oci/names.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <signal.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

static const struct name *const tables[] = {
	names_capabilities,        names_rlimits,
	names_namespaces,          names_hooks,
	names_propagation,         names_sched_policies,
	names_sched_flags,         names_io_classes,
	names_personalities,       names_seccomp_actions,
	names_seccomp_operators,   names_seccomp_archs,
	names_seccomp_flags,       names_memory_policies,
	names_memory_policy_flags, names_signals,
};

static int times_named(const struct name *table, const char *word)
{
	int n = 0;

	for (; table->name; table++)
		n += strcmp(table->name, word) == 0;
	return n;
}

/* All options of config.md, and what each must come out as. */
static const char must_options[] =
	"async atime bind defaults dev diratime dirsync exec iversion lazytime "
	"loud noatime nodev nodiratime noexec noiversion nolazytime norelatime "
	"nostrictatime nosuid private rbind relatime remount ro rprivate "
	"rshared rslave runbindable rw shared silent slave strictatime suid "
	"sync unbindable nosymfollow symfollow rro rrw rnosuid rsuid rnodev "
	"rdev rnoexec rexec rnodiratime rdiratime rnoatime ratime rrelatime "
	"rnorelatime rstrictatime rnostrictatime rnosymfollow rsymfollow idmap "
	"ridmap mand nomand tmpcopyup";

static void options_known(void)
{
	char words[sizeof(must_options)], *save = NULL;

	memcpy(words, must_options, sizeof(words));
	for (char *w = strtok_r(words, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		if (!name_mount_option(w))
			printf("# %s\n", w);
		CHECK(name_mount_option(w));
	}
}

int main(void)
{
	TEST("no table has a word twice")
	{
		for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
			for (const struct name *n = tables[i]; n->name; n++)
				CHECK_INT(times_named(tables[i], n->name), 1);
	}
	TEST("every capability of the kernel has its number")
	{
		for (unsigned c = 0; c <= CAP_CHECKPOINT_RESTORE; c++)
			CHECK(name_of(names_capabilities, c));
		CHECK(!name_of(names_capabilities, CAP_CHECKPOINT_RESTORE + 1));
	}
	TEST("a capability is known with and without CAP_, in any case")
	{
		CHECK_INT(name_capability("CAP_KILL"), CAP_KILL);
		CHECK_INT(name_capability("cap_sys_admin"), CAP_SYS_ADMIN);
		CHECK_INT(name_capability("bpf"), CAP_BPF);
	}
	TEST("what is no capability is refused by name")
	{
		CHECK_INT(name_capability("CAP_CAP_KILL"), -EINVAL);
		CHECK_INT(name_capability(""), -EINVAL);
		CHECK_INT(name_capability("CAP_"), -EINVAL);
		CHECK_INT(name_capability("CAP_KILLER"), -EINVAL);
		CHECK_STR(fail_text(), "unknown capability \"CAP_KILLER\"");
	}
	TEST("a signal is known by name, with or without SIG, and by number")
	{
		CHECK_INT(name_signal("KILL"), SIGKILL);
		CHECK_INT(name_signal("SIGKILL"), SIGKILL);
		CHECK_INT(name_signal("sigterm"), SIGTERM);
		CHECK_INT(name_signal("9"), SIGKILL);
		CHECK_INT(name_signal("0"), 0);
		CHECK_INT(name_signal("64"), 64);
		CHECK_INT(name_signal("RTMIN"), SIGRTMIN);
		CHECK_INT(name_signal("SIGRTMIN+3"), SIGRTMIN + 3);
		CHECK_INT(name_signal("RTMAX-1"), SIGRTMAX - 1);
	}
	TEST("what is no signal is refused")
	{
		static const char *const bad[] = {
			"",       "SIG",     "65",      "-9",
			"9x",     "0x9",     "+9",      " 9",
			"009",    "RTMIN-1", "RTMAX+1", "RTMIN+31",
			"RTMIN+", "RTMINX",  "KILLER",  "SIGSIGKILL"};

		for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
			CHECK_INT(name_signal(bad[i]), -EINVAL);
		CHECK_STR(fail_text(), "unknown signal \"SIGSIGKILL\"");
	}
	TEST("every mount option of the runtime-spec is known", options_known);
	TEST("an option and its opposite move the same bit")
	{
		const struct mount_option *on = name_mount_option("rnosuid");
		const struct mount_option *off = name_mount_option("rsuid");

		CHECK_INT(on->value, MOUNT_ATTR_NOSUID);
		CHECK_INT(on->value, off->value);
		CHECK(on->recursive && off->recursive);
		CHECK_INT(on->effect, MOUNT_OPTION_ATTR_SET);
		CHECK_INT(off->effect, MOUNT_OPTION_ATTR_CLEAR);
	}
	TEST("an option of a file system is not taken for one of ours")
	{
		CHECK(!name_mount_option("size=64m"));
		CHECK(!name_mount_option("mode"));
		CHECK(!name_mount_option(""));
		CHECK(!name_mount_option("RO"));
	}
	return test_done();
}
