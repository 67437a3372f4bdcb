/* SPDX-License-Identifier: MIT */
/* Capability sets: what the process has after them. */
#include "isolate/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

#define BIT(cap) (1ull << (cap))

struct sets {
	uint64_t inheritable, permitted, effective, bounding, ambient;
};

static struct sets now(void)
{
	struct sets s = {};
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long long v;

		if (sscanf(line, "CapInh: %llx", &v) == 1)
			s.inheritable = v;
		else if (sscanf(line, "CapPrm: %llx", &v) == 1)
			s.permitted = v;
		else if (sscanf(line, "CapEff: %llx", &v) == 1)
			s.effective = v;
		else if (sscanf(line, "CapBnd: %llx", &v) == 1)
			s.bounding = v;
		else if (sscanf(line, "CapAmb: %llx", &v) == 1)
			s.ambient = v;
	}
	fclose(f);
	return s;
}

static void need_root(void)
{
	if (!(now().effective & BIT(CAP_SETPCAP)))
		SKIP("CAP_SETPCAP");
}

static void become(uid_t uid)
{
	CHECK(setresgid(uid, uid, uid) == 0);
	CHECK(setresuid(uid, uid, uid) == 0);
}

static void empties_all(void)
{
	const struct spec_capabilities none = {};

	need_root();
	CHECK_INT(caps_drop_bounding(&none), 0);
	CHECK_INT(caps_apply(&none), 0);

	struct sets s = now();

	CHECK_INT(s.inheritable | s.permitted | s.effective | s.bounding |
			  s.ambient,
		  0);
}

static void bounds_exactly(void)
{
	const struct spec_capabilities caps = {.bounding = BIT(CAP_KILL) |
							   BIT(CAP_CHOWN)};

	need_root();
	CHECK_INT(caps_drop_bounding(&caps), 0);
	CHECK_INT(now().bounding, caps.bounding);
}

static void keeps_over_user(void)
{
	const uint64_t net = BIT(CAP_NET_RAW), kill = BIT(CAP_KILL);
	const struct spec_capabilities caps = {.bounding = net | kill,
					       .permitted = net | kill,
					       .effective = kill,
					       .inheritable = net,
					       .ambient = net};

	need_root();
	CHECK_INT(caps_drop_bounding(&caps), 0);
	become(1000);
	CHECK_INT(caps_apply(&caps), 0);

	struct sets s = now();

	CHECK_INT(s.permitted, net | kill);
	CHECK_INT(s.effective, kill);
	CHECK_INT(s.inheritable, net);
	CHECK_INT(s.ambient, net);
	CHECK_INT(s.bounding, net | kill);
}

static void loses_over_user(void)
{
	const struct spec_capabilities none = {};

	need_root();
	CHECK_INT(caps_drop_bounding(&none), 0);
	become(1000);
	CHECK_INT(now().permitted, 0);
}

static void cuts_ambient(void)
{
	const uint64_t net = BIT(CAP_NET_RAW), kill = BIT(CAP_KILL);
	const struct spec_capabilities caps = {.bounding = net | kill,
					       .permitted = net | kill,
					       .inheritable = net,
					       .ambient = net | kill};

	need_root();
	CHECK_INT(caps_apply(&caps), 0);
	CHECK_INT(now().ambient, net);
}

static void forgets_ambient(void)
{
	const uint64_t net = BIT(CAP_NET_RAW);
	const struct spec_capabilities with = {.permitted = ~0ull >> 23 &
							    now().permitted,
					       .effective = now().effective,
					       .inheritable = net,
					       .ambient = net};
	struct spec_capabilities without = with;

	need_root();
	CHECK_INT(caps_apply(&with), 0);
	CHECK_INT(now().ambient, net);
	without.ambient = 0;
	CHECK_INT(caps_apply(&without), 0);
	CHECK_INT(now().ambient, 0);
	CHECK_INT(now().inheritable, net);
}

static void names_missing(void)
{
	const struct spec_capabilities none = {};
	const struct spec_capabilities chown = {.permitted = BIT(CAP_CHOWN)};

	CHECK_INT(caps_apply(&none), 0);
	CHECK_INT(caps_apply(&chown), -EPERM);
	CHECK_HAS(fail_text(), "CAP_CHOWN");
}

int main(void)
{
	TEST("no capabilities leave five empty sets", empties_all);
	TEST("the bounding set is what was asked for", bounds_exactly);
	TEST("each set is exact after a change of user", keeps_over_user);
	TEST("without capabilities none survive the user", loses_over_user);
	TEST("ambient is cut to what may be ambient", cuts_ambient);
	TEST("the caller's ambient set does not live on", forgets_ambient);
	TEST("a capability that is not ours is named", names_missing);
	return test_done();
}
