/* SPDX-License-Identifier: MIT */
/* Limits as words of the command line: numbers with units, what they set. */
#include "cmd/limit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

#define UNITS "kmgtp" /* each 1024 of the one before */

static int bad(const char *option, const char *word, const char *wanted)
{
	return fail_plain(EINVAL, "--%s %s: %s is wanted", option, word,
			  wanted);
}

/* A whole number from min on at the beginning of word. */
static int number(const char *word, int64_t min, int64_t *value,
		  const char **end)
{
	const char *digits = *word == '-' ? word + 1 : word;
	char *behind;

	errno = 0;
	*value = strtoll(word, &behind, 10);
	*end = behind;
	return isdigit((unsigned char)*digits) && errno == 0 && *value >= min
		       ? 0
		       : -EINVAL;
}

int limit_bytes(const char *option, const char *word, int64_t *bytes)
{
	const char *unit, *found;
	int64_t value;

	if (number(word, -1, &value, &unit) < 0)
		return bad(option, word, "a size like 64M, or -1,");
	found = *unit ? strchr(UNITS, tolower((unsigned char)*unit)) : NULL;
	if (found) {
		if (value < 0 ||
		    __builtin_mul_overflow(
			    value, INT64_C(1) << 10 * (found - UNITS + 1),
			    &value))
			return bad(option, word, "a size that is possible");
		unit++;
	}
	if (*unit && strcasecmp(unit, "b") != 0 &&
	    !(found && strcasecmp(unit, "ib") == 0))
		return bad(option, word, "a size like 64M, or -1,");
	*bytes = value;
	return 0;
}

/* One option that is a number; max and has as its member's are. */
struct row {
	const char *option, *word;
	int64_t min, max;
	bool *has;
	int64_t *i64; /* either of these */
	uint64_t *u64;
};

static int set_number(const struct row *row)
{
	const char *end;
	int64_t value;

	if (!row->word)
		return 0;
	if (number(row->word, row->min, &value, &end) < 0 || *end ||
	    value > row->max)
		return bad(row->option, row->word, "another number");
	*row->has = true;
	if (row->i64)
		*row->i64 = value;
	else
		*row->u64 = (uint64_t)value;
	return 0;
}

static int set_bytes(const char *option, const char *word, bool *has,
		     int64_t *bytes)
{
	if (!word)
		return 0;
	*has = true;
	return limit_bytes(option, word, bytes);
}

static int set_memory(const struct limit_words *w, struct spec_memory *m)
{
	int r = set_bytes("memory", w->memory, &m->has_limit, &m->limit);

	if (r == 0)
		r = set_bytes("memory-reservation", w->memory_reservation,
			      &m->has_reservation, &m->reservation);
	return r < 0 ? r
		     : set_bytes("memory-swap", w->memory_swap, &m->has_swap,
				 &m->swap);
}

int limit_set_all(const struct limit_words *w, struct spec_resources *res)
{
	struct spec_cpu *c = &res->cpu;
	uint64_t weight = res->block_io.weight;
	const struct row rows[] = {
		{"blkio-weight", w->blkio_weight, 0, 1000,
		 &res->block_io.has_weight, NULL, &weight},
		{"cpu-period", w->cpu_period, 0, INT64_MAX, &c->has_period,
		 NULL, &c->period_us},
		{"cpu-quota", w->cpu_quota, -1, INT64_MAX, &c->has_quota,
		 &c->quota_us, NULL},
		{"cpu-burst", w->cpu_burst, 0, INT64_MAX, &c->has_burst, NULL,
		 &c->burst_us},
		{"cpu-share", w->cpu_shares, 0, INT64_MAX, &c->has_shares, NULL,
		 &c->shares},
		{"cpu-rt-period", w->cpu_rt_period, 0, INT64_MAX,
		 &c->has_rt_period, NULL, &c->rt_period_us},
		{"cpu-rt-runtime", w->cpu_rt_runtime, -1, INT64_MAX,
		 &c->has_rt_runtime, &c->rt_runtime_us, NULL},
		{"cpu-idle", w->cpu_idle, 0, 1, &c->has_idle, &c->idle, NULL},
		{"pids-limit", w->pids_limit, -1, INT64_MAX,
		 &res->has_pids_limit, &res->pids_limit, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = set_number(&rows[i]);

		if (r < 0)
			return r;
	}
	res->block_io.weight = (uint16_t)weight;
	if (w->cpuset_cpus)
		c->cpus = w->cpuset_cpus;
	if (w->cpuset_mems)
		c->mems = w->cpuset_mems;
	return set_memory(w, &res->memory);
}
