/* SPDX-License-Identifier: MIT */
/* How fast this machine's time stamp counter runs. */
#include <time.h>

#include "microvm/arch/x86/x86.h"

#define INTERVAL_NS 10000000 /* to 10 parts in a million, about */

struct sample {
	uint64_t tsc, ns;
};

static struct sample sample(void)
{
	struct timespec now;
	uint64_t before = __builtin_ia32_rdtsc();

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);

	/* In the middle of what the reading of the clock takes. */
	uint64_t after = __builtin_ia32_rdtsc();

	return (struct sample){
		.tsc = before + (after - before) / 2,
		.ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
	};
}

uint64_t x86_tsc_khz(void)
{
	const struct timespec interval = {.tv_nsec = INTERVAL_NS};
	struct sample first = sample(), last;

	nanosleep(&interval, NULL);
	last = sample();
	return (last.tsc - first.tsc) * 1000000 / (last.ns - first.ns);
}
