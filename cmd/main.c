/* SPDX-License-Identifier: MIT */
/* The bulkhead program: global options, the table of commands, errors. */
#include <malloc.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "oci/state.h"
#include "runtime/self.h"

#define HEAP_STEP_BYTES (1 << 20)

static const struct command *const commands[] = {
	&cmd_run,    &cmd_create, &cmd_start, &cmd_exec,   &cmd_kill,
	&cmd_delete, &cmd_list,	  &cmd_state, &cmd_ps,	   &cmd_pause,
	&cmd_resume, &cmd_spec,	  &cmd_features,
};

static void print_usage(const struct option *global)
{
	printf("usage: bulkhead [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n"
	       "\nRuns OCI containers. `bulkhead run BUNDLE/` is enough.\n"
	       "\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i]->name,
		       commands[i]->purpose);
	printf("\nOptions (long ones also with one dash):\n");
	option_print_help(global, stdout);
	printf("\n`bulkhead COMMAND --help` tells about a command.\n");
}

static void print_version(void)
{
	printf("bulkhead version " BULKHEAD_VERSION "\nspec: " OCI_VERSION
	       "\n");
}

/* -- What commands share -------------------------------------------------- */

int cmd_options(const struct command *cmd, const struct option *options,
		int argc, char **argv)
{
	int at = option_parse(options, argc, argv);

	if (at != OPTION_HELP)
		return at;
	printf("usage: bulkhead %s [OPTION]... %s\n\n%s.\n", cmd->name,
	       cmd->arguments, cmd->purpose);
	if (options[0].name)
		printf("\nOptions:\n");
	option_print_help(options, stdout);
	return 0;
}

int cmd_one_id(int argc, char **argv, int at, const char **id)
{
	if (at >= argc)
		return fail_plain(EINVAL, "a container id is missing");
	if (at + 1 < argc)
		return fail_plain(EINVAL, "too many arguments: \"%s\"",
				  argv[at + 1]);
	*id = argv[at];
	return 0;
}

int cmd_each_match(const struct store *s, const char *regex,
		   int (*one)(const struct store *s, const char *id, void *arg),
		   void *arg)
{
	_cleanup_free_ char **ids = NULL;
	regex_t re;
	int n, r = 0;

	if (regcomp(&re, regex, REG_EXTENDED | REG_NOSUB) != 0)
		return fail_plain(EINVAL, "\"%s\" is no regular expression",
				  regex);
	n = store_list(s, &ids);
	for (int i = 0; i < n; i++) {
		if (regexec(&re, ids[i], 0, NULL, 0) != 0)
			continue;

		int one_r = one(s, ids[i], arg);

		r = r < 0 ? r : one_r;
	}
	regfree(&re);
	return n < 0 ? n : r;
}

/* -- Global options ------------------------------------------------------- */

static int set_log_level(const char *word)
{
	static const char *const words[] = {"error", "warning", "info",
					    "debug"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(word, words[i]) == 0) {
			log_set_level((enum log_level)i);
			return 0;
		}
	}
	return fail_plain(EINVAL, "--log-level %s: error, warning, info or "
				  "debug is wanted",
			  word);
}

static int set_log_format(const char *word)
{
	bool json = strcmp(word, "json") == 0;

	if (!json && strcmp(word, "text") != 0)
		return fail_plain(EINVAL,
				  "--log-format %s: text or json is wanted",
				  word);
	log_set_format(json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
	return 0;
}

static int refuse_unless(const char *name, const char *value, const char *only)
{
	if (!value || strcmp(value, only) == 0)
		return 0;
	return fail_plain(EOPNOTSUPP, "--%s %s: only \"%s\" is there yet",
			  name, value, only);
}

/* Options first, and the log file as soon as its form is known. */
static int apply_globals(const struct global_options *g, const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;
	int r = 0;

	if (g->log_format)
		r = set_log_format(g->log_format);
	if (r == 0 && g->log_level)
		r = set_log_level(g->log_level);
	if (g->debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if (r == 0 && g->log)
		r = log_open(g->log);
	if (r == 0)
		r = refuse_unless("isolation",
				  strcmp(name, "bulkhead-vm") == 0
					  ? "vm"
					  : g->isolation,
				  "container");
	if (r == 0)
		r = refuse_unless("cgroup-manager",
				  g->systemd_cgroup ? "systemd"
						    : g->cgroup_manager,
				  "cgroupfs");
	return r;
}

/* -- Running -------------------------------------------------------------- */

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* The one place that prints errors. */
static int report(const struct command *cmd, int r)
{
	const char *text = *fail_text() ? fail_text() : strerror(-r);

	/* `create "web": …` where the text begins with the container's id */
	if (cmd)
		log_error("%s%s %s", cmd->name, *text == '"' ? "" : ":", text);
	else
		log_error("%s", text);
	return cmd && cmd->failure ? cmd->failure : 1;
}

static int run_command(const struct global_options *g, int argc, char **argv)
{
	const struct command *cmd = find_command(argv[0]);
	int r;

	if (!cmd) {
		r = fail_plain(EINVAL, "unknown command \"%s\" (see --help)",
			       argv[0]);
		return report(NULL, r);
	}
	r = cmd->run(g, argc, argv);
	if (r >= 0 && fflush(stdout) != 0)
		r = fail(errno, "write to standard output");
	return r < 0 ? report(cmd, r) : r;
}

/* Whether the command word on the line is one that enters a container. */
static bool enters(const char *word)
{
	const struct command *cmd = find_command(word);

	return cmd && cmd->enters;
}

int main(int argc, char **argv)
{
	struct global_options g = {};
	const struct option options[] = {
		{"root", 0, OPTION_STRING, &g.root, "DIR",
		 "state directory (/run/bulkhead)"},
		{"log", 0, OPTION_STRING, &g.log, "FILE",
		 "write messages to FILE as well"},
		{"log-format", 0, OPTION_STRING, &g.log_format, "FORMAT",
		 "text or json"},
		{"log-level", 0, OPTION_STRING, &g.log_level, "LEVEL",
		 "error, warning, info or debug"},
		{"debug", 0, OPTION_FLAG, &g.debug, NULL,
		 "the same as --log-level debug"},
		{"isolation", 0, OPTION_STRING, &g.isolation, "WALL",
		 "container (vm is to come)"},
		{"cgroup-manager", 0, OPTION_STRING, &g.cgroup_manager,
		 "NAME", "cgroupfs (systemd is to come)"},
		{"systemd-cgroup", 0, OPTION_FLAG, &g.systemd_cgroup, NULL,
		 NULL},
		{"rootless", 0, OPTION_STRING, &g.rootless, "BOOL",
		 "accepted; what is needed is found out"},
		{"version", 'v', OPTION_FLAG, &g.version, NULL,
		 "print the version"},
		{"V", 'V', OPTION_FLAG, &g.version, NULL, NULL},
		{},
	};
	int at = option_parse(options, argc, argv);
	int r;

	/* The heap grows in few steps; what is not touched costs nothing. */
	mallopt(M_TOP_PAD, HEAP_STEP_BYTES);
	if (at > 0 && at < argc && enters(argv[at])) {
		r = self_protect(argv);
		if (r < 0)
			return report(NULL, r);
	}
	r = at < 0 ? at : apply_globals(&g, argv[0]);
	if (r < 0)
		return report(NULL, r);
	if (at == OPTION_HELP || (at < argc && !strcmp(argv[at], "help"))) {
		print_usage(options);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (g.version) {
		print_version();
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (at == argc)
		return report(NULL, fail_plain(EINVAL, "a command is missing "
						       "(see --help)"));
	return run_command(&g, argc - at, argv + at);
}
