/* SPDX-License-Identifier: MIT */
/* The bulkhead program: global options, the table of commands, errors. */
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "oci/state.h"
#include "runtime/self.h"

#define HEAP_STEP_BYTES (1 << 20)

static const struct command *const commands[] = {
	&cmd_run,    &cmd_create, &cmd_start,    &cmd_exec, &cmd_kill,
	&cmd_delete, &cmd_list,   &cmd_state,    &cmd_ps,   &cmd_pause,
	&cmd_resume, &cmd_update, &cmd_spec,     &cmd_features,
};

static void print_usage(const struct option *global)
{
	printf("usage: bulkhead [OPTION]... COMMAND [OPTION]... [ARGUMENT]...\n"
	       "\nRuns OCI containers. `bulkhead run BUNDLE/` is enough.\n"
	       "\nCommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->purpose);
	printf("\nOptions (long ones also with one dash):\n");
	option_print_help(global, stdout);
	printf("\n`bulkhead COMMAND --help` tells about a command.\n");
}

/* Engines read "version", "commit" and "spec"; people the last line. */
static void print_version(void)
{
	printf("bulkhead version " BULKHEAD_VERSION "\n");
	if (*BULKHEAD_COMMIT)
		printf("commit: " BULKHEAD_COMMIT "\n");
	printf("spec: " OCI_VERSION "\n"
	       "+SELINUX +APPARMOR +CAP +SECCOMP +EBPF +YAJL\n");
}

/* -- Global options ------------------------------------------------------- */

static const char *program_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	return slash ? slash + 1 : argv0;
}

/* crun's other forms are refused, not taken for names of files. */
static int set_log(const char *log)
{
	if (strncmp(log, "journald:", 9) == 0 ||
	    strncmp(log, "syslog:", 7) == 0)
		return fail_plain(EOPNOTSUPP, "--log %s: only files are there",
				  log);
	return log_open(strncmp(log, "file:", 5) == 0 ? log + 5 : log);
}

/* The log first, so that it holds what is wrong with the rest. */
static int apply_log(const struct global_options *g)
{
	static const char *const levels[] = {"error", "warning", "info",
					     "debug", NULL};
	static const char *const formats[] = {"text", "json", NULL};
	int format = g->log_format
			     ? cmd_word("log-format", g->log_format, formats)
			     : LOG_FORMAT_TEXT;
	int level;

	if (format >= 0)
		log_set_format((enum log_format)format);

	int r = g->log ? set_log(g->log) : 0;

	if (r < 0 || format < 0)
		return r < 0 ? r : format;
	level = g->log_level ? cmd_word("log-level", g->log_level, levels)
			     : LOG_LEVEL_WARNING;
	if (level < 0)
		return level;
	log_set_level(g->debug ? LOG_LEVEL_DEBUG : (enum log_level)level);
	return 0;
}

static int apply_globals(struct global_options *g, const char *argv0)
{
	static const char *const managers[] = {"cgroupfs", "systemd",
					       "disabled", NULL};
	static const char *const yes_no[] = {"true", "false", "auto", NULL};
	int r = apply_log(g);

	if (r >= 0 && g->rootless)
		r = cmd_word("rootless", g->rootless, yes_no);
	if (r >= 0 && g->cgroup_manager)
		r = cmd_word("cgroup-manager", g->cgroup_manager, managers);
	if (r < 0)
		return r;
	if (g->cgroup_manager)
		g->driver = (enum cgroup_driver)r;
	if (g->systemd_cgroup)
		g->driver = CGROUP_SYSTEMD;
	if (!g->isolation && strcmp(program_name(argv0), "bulkhead-vm") == 0)
		g->isolation = "vm";
	return 0;
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

/* What is left to do when a command, or main itself, has come to its end. */
static int finish(const struct command *cmd, int r)
{
	if (r >= 0 && fflush(stdout) != 0)
		r = fail(errno, "write to standard output");
	else if (r >= 0 && ferror(stdout))
		r = fail(EIO, "write to standard output");
	return r < 0 ? report(cmd, r) : r;
}

static int run_command(const struct global_options *g, int argc, char **argv)
{
	const struct command *cmd = find_command(argv[0]);

	if (!cmd)
		return report(NULL, fail_plain(EINVAL,
					       "unknown command \"%s\" (see "
					       "--help)",
					       argv[0]));
	return finish(cmd, cmd->run(g, argc, argv));
}

/* help, help COMMAND */
static int help(const struct global_options *g, const struct option *options,
		int argc, char **argv)
{
	char *ask[] = {argc > 1 ? argv[1] : NULL, (char *)"--help", NULL};

	if (ask[0])
		return run_command(g, 2, ask);
	print_usage(options);
	return finish(NULL, 0);
}

/*
 * A file of ours that took the place of a closed standard stream would be
 * written to, or handed to a container. What is written to standard output
 * still fails.
 */
static void open_closed_streams(void)
{
	struct pollfd streams[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};

	poll(streams, ARRAY_SIZE(streams), 0);
	for (int i = 0; i < (int)ARRAY_SIZE(streams); i++)
		if (streams[i].revents & POLLNVAL)
			(void)!open("/dev/null",
				    i == STDERR_FILENO ? O_RDWR : O_RDONLY);
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
		{"cgroup-manager", 0, OPTION_STRING, &g.cgroup_manager, "NAME",
		 "cgroupfs (systemd and disabled are to come)"},
		{"systemd-cgroup", 0, OPTION_FLAG, &g.systemd_cgroup, NULL,
		 "the same as --cgroup-manager systemd"},
		{"rootless", 0, OPTION_STRING, &g.rootless, "WORD",
		 "true, false or auto: without effect, it is found out"},
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
	open_closed_streams();
	r = at < 0 ? at : apply_globals(&g, argv[0]);
	if (r < 0)
		return report(NULL, r);
	if (at == OPTION_HELP)
		return help(&g, options, 0, NULL);
	if (g.version) {
		print_version();
		return finish(NULL, 0);
	}
	if (at == argc)
		return report(NULL, fail_plain(EINVAL, "a command is missing "
						       "(see --help)"));
	if (strcmp(argv[at], "help") == 0)
		return help(&g, options, argc - at, argv + at);
	return run_command(&g, argc - at, argv + at);
}
