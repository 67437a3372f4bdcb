/* SPDX-License-Identifier: MIT */
/* Limits that no kernel takes, and names that would become paths. */
#include "oci/spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/fail.h"

#define WEIGHT_MIN     10
#define WEIGHT_MAX     1000
#define SWAPPINESS_MAX 100

static int check_memory(const struct spec_memory *m)
{
	if (m->swappiness > SWAPPINESS_MAX)
		return fail_plain(
			EINVAL,
			"/linux/resources/memory/swappiness: more than %d",
			SWAPPINESS_MAX);
	/* swap counts memory and swap together */
	if (m->swap > 0 && m->limit > 0 && m->swap < m->limit)
		return fail_plain(
			EINVAL,
			"/linux/resources/memory/swap: less than the limit");
	return 0;
}

static int check_cpu(const struct spec_cpu *c)
{
	if (c->idle < 0 || c->idle > 1)
		return fail_plain(EINVAL,
				  "/linux/resources/cpu/idle: not 0 or 1");
	return 0;
}

static int check_weight(unsigned weight, const char *at)
{
	/* 0 is what older engines write for "none". */
	if (!weight || (weight >= WEIGHT_MIN && weight <= WEIGHT_MAX))
		return 0;
	return fail_plain(EINVAL,
			  "/linux/resources/blockIO/%s: weight %u is not in "
			  "%d to %d",
			  at, weight, WEIGHT_MIN, WEIGHT_MAX);
}

static int check_block_io(const struct spec_block_io *io)
{
	char at[64];
	int r = check_weight(io->weight, "weight");

	if (r == 0)
		r = check_weight(io->leaf_weight, "leafWeight");
	for (size_t i = 0; r == 0 && i < io->n_weight_devices; i++) {
		snprintf(at, sizeof(at), "weightDevice/%zu", i);
		r = check_weight(io->weight_devices[i].weight, at);
		if (r == 0)
			r = check_weight(io->weight_devices[i].leaf_weight, at);
	}
	return r;
}

/* "2MB": becomes part of a file's name in the cgroup. */
static bool is_page_size(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	return *s > '0' && digits && s[digits] && strchr("KMG", s[digits]) &&
	       strcmp(s + digits + 1, "B") == 0;
}

/* "memory.high": a file in the cgroup and nothing above or below it. */
static bool is_file_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

/*
 * The files of the cgroup's core move, kill and freeze processes, those of the
 * host too ("cgroup.procs"): only the two that are limits may be written.
 */
static bool is_limit(const char *s)
{
	return strncmp(s, "cgroup.", strlen("cgroup.")) != 0 ||
	       strncmp(s, "cgroup.max.", strlen("cgroup.max.")) == 0;
}

/* Device names and interfaces stand on a line with their value. */
static bool is_one_word(const char *s)
{
	return *s && !strpbrk(s, " \t\n");
}

static int check_names(const struct spec_resources *res)
{
	for (size_t i = 0; i < res->n_hugepage_limits; i++)
		if (!is_page_size(res->hugepage_limits[i].page_size))
			return fail_plain(EINVAL,
					  "/linux/resources/hugepageLimits/"
					  "%zu/pageSize: not like 2MB",
					  i);
	for (size_t i = 0; i < res->n_unified; i++) {
		const char *key = res->unified[i].key;

		if (!is_file_name(key))
			return fail_plain(EINVAL,
					  "/linux/resources/unified: \"%s\" "
					  "is no file of a cgroup",
					  key);
		if (!is_limit(key))
			return fail_plain(EINVAL,
					  "/linux/resources/unified: \"%s\" "
					  "is no limit",
					  key);
	}
	for (size_t i = 0; i < res->n_rdma; i++)
		if (!is_one_word(res->rdma[i].device))
			return fail_plain(EINVAL,
					  "/linux/resources/rdma: \"%s\" is "
					  "no device",
					  res->rdma[i].device);
	for (size_t i = 0; i < res->n_net_priorities; i++)
		if (!is_one_word(res->net_priorities[i].interface))
			return fail_plain(EINVAL,
					  "/linux/resources/network/"
					  "priorities/%zu/name: no interface",
					  i);
	return 0;
}

int spec_check_resources(const struct spec_resources *res)
{
	int r = check_memory(&res->memory);

	if (r == 0)
		r = check_cpu(&res->cpu);
	if (r == 0)
		r = check_block_io(&res->block_io);
	return r < 0 ? r : check_names(res);
}
