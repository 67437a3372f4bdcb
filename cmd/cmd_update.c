/* SPDX-License-Identifier: MIT */
/* bulkhead update: other limits for a container that exists. */
#include <fcntl.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/limit.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "runtime/update.h"

/* file: "-" is standard input. */
static int read_resources(const char *file, struct arena *a,
			  struct spec_resources *res)
{
	_cleanup_(buf_fini)
	struct buf text = {};
	bool is_stdin = strcmp(file, "-") == 0;
	const char *what = is_stdin ? "standard input" : file;
	int r;

	if (is_stdin) {
		r = buf_read_fd(&text, STDIN_FILENO, SPEC_MAX_BYTES);
		if (r < 0)
			return fail(-r, "read %s", what);
	} else {
		r = fd_read_file(AT_FDCWD, file, &text, SPEC_MAX_BYTES);
	}
	return r < 0 ? r
		     : spec_parse_resources(buf_str(&text), text.len, what, a,
					    res);
}

static int update(const struct global_options *g, const char *id,
		  const char *file, const struct limit_words *words)
{
	_cleanup_(store_close)
	struct store s = {.fd = -1};
	_cleanup_(arena_fini)
	struct arena arena = {};
	struct spec_resources res = {};
	int r = file ? read_resources(file, &arena, &res) : 0;

	if (r == 0)
		r = limit_set_all(words, &res);
	if (r == 0)
		r = spec_check_resources(&res);
	if (r == 0)
		r = store_open(g->root, &s);
	return r < 0 ? r : update_container(&s, id, &res);
}

static int run_update(const struct global_options *g, int argc, char **argv)
{
	struct limit_words w = {};
	const char *file = NULL, *ignored = NULL, *l3 = NULL, *bandwidth = NULL;
	const char *id = NULL;
	const struct option options[] = {
		{"resources", 'r', OPTION_STRING, &file, "FILE",
		 "a linux.resources object, - for standard input"},
		{"blkio-weight", 0, OPTION_STRING, &w.blkio_weight, "N",
		 "weight of block I/O, 10 to 1000"},
		{"cpu-period", 0, OPTION_STRING, &w.cpu_period, "US",
		 "period of the CPU quota"},
		{"cpu-quota", 0, OPTION_STRING, &w.cpu_quota, "US",
		 "CPU time in a period, -1: no limit"},
		{"cpu-burst", 0, OPTION_STRING, &w.cpu_burst, "US",
		 "CPU time that may be saved up"},
		{"cpu-share", 0, OPTION_STRING, &w.cpu_shares, "N",
		 "weight of CPU time"},
		{"cpu-shares", 0, OPTION_STRING, &w.cpu_shares, "N",
		 "the same"},
		{"cpu-rt-period", 0, OPTION_STRING, &w.cpu_rt_period, "US",
		 "period of real-time tasks (cgroup v1)"},
		{"cpu-rt-runtime", 0, OPTION_STRING, &w.cpu_rt_runtime, "US",
		 "CPU time of real-time tasks (cgroup v1)"},
		{"cpu-idle", 0, OPTION_STRING, &w.cpu_idle, "N",
		 "1: only when nothing else runs"},
		{"cpuset-cpus", 0, OPTION_STRING, &w.cpuset_cpus, "LIST",
		 "CPUs to run on"},
		{"cpuset-mems", 0, OPTION_STRING, &w.cpuset_mems, "LIST",
		 "memory nodes to use"},
		{"memory", 0, OPTION_STRING, &w.memory, "SIZE",
		 "limit of memory, -1: none"},
		{"memory-reservation", 0, OPTION_STRING, &w.memory_reservation,
		 "SIZE", "memory that is protected, or the soft limit"},
		{"memory-swap", 0, OPTION_STRING, &w.memory_swap, "SIZE",
		 "limit of memory and swap together, -1: none"},
		{"kernel-memory", 0, OPTION_STRING, &ignored, "SIZE",
		 "without effect: kernels have no such limit any more"},
		{"kernel-memory-tcp", 0, OPTION_STRING, &ignored, "SIZE",
		 "the same"},
		{"pids-limit", 0, OPTION_STRING, &w.pids_limit, "N",
		 "limit of tasks, -1: none"},
		{"l3-cache-schema", 0, OPTION_STRING, &l3, "SCHEMA",
		 "refused: Intel RDT is not there yet"},
		{"mem-bw-schema", 0, OPTION_STRING, &bandwidth, "SCHEMA",
		 "the same"},
		{},
	};
	int at = cmd_options(&cmd_update, options, argc, argv);
	int r;

	if (at <= 0)
		return at;
	r = cmd_one_id(argc, argv, at, &id);
	if (r < 0)
		return r;
	if (l3 || bandwidth)
		return fail_plain(EOPNOTSUPP,
				  "--%s: Intel RDT is not there yet",
				  l3 ? "l3-cache-schema" : "mem-bw-schema");
	return update(g, id, file, &w);
}

const struct command cmd_update = {
	.name = "update",
	.arguments = "ID",
	.purpose = "Change the limits of a container",
	.run = run_update,
};
