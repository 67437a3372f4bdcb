/* SPDX-License-Identifier: MIT */
/* The commands: one file each, found in one table (main.c); what they share. */
#pragma once

#include <stdbool.h>

#include "cmd/option.h"
#include "runtime/create.h"
#include "runtime/store.h"

/* Who makes cgroups; the words of --cgroup-manager in this order. */
enum cgroup_driver { CGROUP_FS, CGROUP_SYSTEMD, CGROUP_DISABLED };

/* The options before the command. Strings borrowed from argv. */
struct global_options {
	const char *root; /* --root; NULL: the default */
	const char *log, *log_format, *log_level;
	const char *isolation; /* also by the program's name; NULL: default */
	const char *cgroup_manager, *rootless;
	bool debug, systemd_cgroup, version;
	enum cgroup_driver driver; /* from cgroup_manager, systemd_cgroup */
};

/*
 * One command. run gets its own arguments (argv[0] is the command's name) and
 * returns the program's exit code, or -errno with fail() text, which main
 * prints as "bulkhead: NAME: TEXT" before it exits with `failure` (1 when
 * zero).
 */
struct command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *purpose; /* one line for --help */
	int (*run)(const struct global_options *g, int argc, char **argv);
	bool enters; /* runs from a protected image (runtime/self.h) */
	int failure; /* exit code when it fails; 0 stands for 1 */
};

extern const struct command cmd_create, cmd_run, cmd_start, cmd_exec, cmd_kill,
	cmd_delete, cmd_list, cmd_state, cmd_ps, cmd_pause, cmd_resume,
	cmd_spec, cmd_features, cmd_update;

/*
 * Parses a command's options. Returns the index of the first argument behind
 * them; 0 when help was asked for and given; -errno with fail() text.
 */
int cmd_options(const struct command *cmd, const struct option *options,
		int argc, char **argv);

/* Fails unless exactly one argument, the container's id, is left. */
int cmd_one_id(int argc, char **argv, int at, const char **id);

/* Fails when there is an argument at `at`. */
int cmd_no_more(int argc, char **argv, int at);

/*
 * The place of value, which option has, among words (NULL-terminated), or
 * -EINVAL with fail() text that tells the words.
 */
int cmd_word(const char *option, const char *value, const char *const *words);

/*
 * Whether a container can be made the way the options say, and which wall it
 * gets (o->in_vm); isolation NULL: the default. Asked by create and run only:
 * with the same global options engines clean up what could not be made.
 * Returns 0 or -errno with text.
 */
int cmd_can_create(const struct global_options *g, const char *isolation,
		   struct create_options *o);

/*
 * Calls one(store, id, arg) for each container whose id matches the POSIX
 * extended regular expression. Goes on after a failure; returns the first,
 * with its text, and warns of the others.
 */
int cmd_each_match(const struct store *s, const char *regex,
		   int (*one)(const struct store *s, const char *id, void *arg),
		   void *arg);
