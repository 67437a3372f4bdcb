/* SPDX-License-Identifier: MIT */
/* Limits as words of the command line: numbers with units, what they set. */
#pragma once

#include "oci/spec.h"

/* What `update` was given, as text; NULL: not named. Borrowed from argv. */
struct limit_words {
	const char *blkio_weight, *cpu_period, *cpu_quota, *cpu_burst,
		*cpu_shares, *cpu_rt_period, *cpu_rt_runtime, *cpu_idle,
		*cpuset_cpus, *cpuset_mems, *memory, *memory_reservation,
		*memory_swap, *pids_limit;
};

/*
 * A number of bytes: "64M", "1.5g" is none, "2GiB", "-1" for none; units are
 * b, k, m, g, t, p of 1024, in either case, with "b" or "ib" behind.
 * Returns 0 or -EINVAL with fail() text that names the option.
 */
int limit_bytes(const char *option, const char *word, int64_t *bytes);

/*
 * Sets what is named in *res, whose other members stay. Returns 0 or -EINVAL
 * with fail() text that names the option.
 */
int limit_set_all(const struct limit_words *words, struct spec_resources *res);
