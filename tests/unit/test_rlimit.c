/* SPDX-License-Identifier: MIT */
/* Resource limits of the process. */
#include "isolate/rlimit.h"

#include <sys/resource.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

static void sets_both(void)
{
	const struct spec_rlimit limits[] = {{RLIMIT_NOFILE, 20, 30},
					     {RLIMIT_CORE, 0, 0}};
	struct rlimit have;

	CHECK_INT(rlimit_apply(limits, 2), 0);
	CHECK(getrlimit(RLIMIT_NOFILE, &have) == 0);
	CHECK_INT(have.rlim_cur, 20);
	CHECK_INT(have.rlim_max, 30);
	CHECK(getrlimit(RLIMIT_CORE, &have) == 0);
	CHECK_INT(have.rlim_max, 0);
}

static void sets_none(void)
{
	CHECK_INT(rlimit_apply(NULL, 0), 0);
}

static void refuses_raising(void)
{
	const struct spec_rlimit low = {RLIMIT_NOFILE, 20, 30};
	const struct spec_rlimit high = {RLIMIT_NOFILE, 20, 40};

	CHECK_INT(rlimit_apply(&low, 1), 0);
	/* Without CAP_SYS_RESOURCE, which not every root has. */
	CHECK(setresuid(1000, 1000, 1000) == 0 || getuid() != 0);
	CHECK_INT(rlimit_apply(&high, 1), -EPERM);
	CHECK_HAS(fail_text(), "RLIMIT_NOFILE to 20, at most 40");
	CHECK_HAS(fail_text(), "CAP_SYS_RESOURCE");
}

static void refuses_soft_above_hard(void)
{
	const struct spec_rlimit odd = {RLIMIT_NOFILE, 31, 30};

	CHECK_INT(rlimit_apply(&odd, 1), -EINVAL);
	CHECK_HAS(fail_text(), "RLIMIT_NOFILE");
}

int main(void)
{
	TEST("soft and hard limits are set", sets_both);
	TEST("no limits are fine", sets_none);
	TEST("raising a hard limit fails with name and cure", refuses_raising);
	TEST("soft above hard is refused", refuses_soft_above_hard);
	return test_done();
}
