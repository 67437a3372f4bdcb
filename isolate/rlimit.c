/* SPDX-License-Identifier: MIT */
/* Resource limits of the process. */
#include "isolate/rlimit.h"

#include <sys/resource.h>

#include "lib/fail.h"

int rlimit_apply(const struct spec_rlimit *limits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct rlimit limit = {.rlim_cur = limits[i].soft,
					     .rlim_max = limits[i].hard};

		if (setrlimit((__rlimit_resource_t)limits[i].resource,
			      &limit) < 0)
			return fail(errno,
				    "set limit %d to %llu, at most %llu",
				    limits[i].resource,
				    (unsigned long long)limits[i].soft,
				    (unsigned long long)limits[i].hard);
	}
	return 0;
}
