/* SPDX-License-Identifier: MIT */
/* Resource limits of the process. */
#include "isolate/rlimit.h"

#include <sys/resource.h>

#include "lib/fail.h"
#include "oci/names.h"

static int fail_limit(const struct spec_rlimit *l, int err)
{
	const char *name = name_of(names_rlimits, (uint64_t)l->resource);
	int r = fail(err, "set %s to %llu, at most %llu",
		     name ? name : "an unknown limit",
		     (unsigned long long)l->soft, (unsigned long long)l->hard);

	if (err == EPERM)
		fail_hint(r, "raising a hard limit needs CAP_SYS_RESOURCE");
	return r;
}

int rlimit_raise(const struct spec_rlimit *limits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		__rlimit_resource_t which =
			(__rlimit_resource_t)limits[i].resource;
		struct rlimit limit;

		if (getrlimit(which, &limit) < 0)
			return fail_limit(&limits[i], errno);
		if (limit.rlim_max >= limits[i].hard)
			continue;
		limit.rlim_max = limits[i].hard;
		if (setrlimit(which, &limit) < 0)
			return fail_limit(&limits[i], errno);
	}
	return 0;
}

int rlimit_apply(const struct spec_rlimit *limits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct rlimit limit = {.rlim_cur = limits[i].soft,
					     .rlim_max = limits[i].hard};

		if (setrlimit((__rlimit_resource_t)limits[i].resource,
			      &limit) < 0)
			return fail_limit(&limits[i], errno);
	}
	return 0;
}
