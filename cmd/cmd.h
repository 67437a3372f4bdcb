/* SPDX-License-Identifier: MIT */
/* The commands: one file each, found in one table (main.c). */
#pragma once

#include <stdbool.h>

#include "runtime/store.h"

/* The options before the command. Strings borrowed from argv. */
struct global_options {
	const char *root; /* --root; NULL: the default */
	const char *log, *log_format, *log_level;
	bool debug;
	bool systemd_cgroup;
};

/*
 * One command. run gets its own arguments (argv[0] is the command's name) and
 * returns the program's exit code, or -errno with fail() text, which main
 * prints as "bulkhead: NAME "ID": TEXT" before it exits with `failure` (1
 * when zero).
 */
struct command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *purpose; /* one line for --help */
	int (*run)(const struct global_options *g, int argc, char **argv);
	bool enters; /* runs from a protected image (runtime/self.h) */
	int failure; /* exit code when it fails; 0 stands for 1 */
};
