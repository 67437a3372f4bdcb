/* SPDX-License-Identifier: MIT */
/* bulkhead exec: one more process in a container that runs. */
#include "runtime/exec.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/names.h"

/* What has to be made of the options' words. */
struct words {
	const char *user;
	char **gids, **caps;
};

/* A whole decimal id up to end, else -EINVAL: "1x" is nobody. */
static int parse_id(const char *text, const char *end, unsigned *id)
{
	char *stop;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	n = strtoul(text, &stop, 10);
	if (stop != end || n >= 0xffffffffu || end - text > 10)
		return -EINVAL;
	*id = (unsigned)n;
	return 0;
}

static int parse_user(const char *user, struct exec_options *o)
{
	const char *colon = strchr(user, ':');
	const char *end = user + strlen(user);
	int r = parse_id(user, colon ? colon : end, &o->uid);

	if (r == 0 && colon)
		r = parse_id(colon + 1, end, &o->gid);
	o->has_user = true;
	o->has_group = colon;
	return r < 0 ? fail_plain(EINVAL, "--user %s: UID[:GID] in digits is "
					  "wanted",
				  user)
		     : 0;
}

static int parse_gids(char **words, struct exec_options *o)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	if (n == 0)
		return 0;
	o->additional_gids = calloc(n, sizeof(gid_t));
	if (!o->additional_gids)
		return fail(ENOMEM, "--additional-gids");
	for (size_t i = 0; i < n; i++)
		if (parse_id(words[i], words[i] + strlen(words[i]),
			     &o->additional_gids[i]) < 0)
			return fail_plain(EINVAL, "--additional-gids %s: a gid "
						  "in digits is wanted",
					  words[i]);
	o->n_additional_gids = n;
	return 0;
}

static int parse_caps(char **words, struct exec_options *o)
{
	for (; words && *words; words++) {
		int cap = name_capability(*words);

		if (cap < 0)
			return fail_in(cap, "--cap");
		o->caps |= 1ull << cap;
	}
	return 0;
}

static int take_words(const struct words *w, struct exec_options *o)
{
	int r = w->user ? parse_user(w->user, o) : 0;

	if (r == 0)
		r = parse_gids(w->gids, o);
	if (r == 0)
		r = parse_caps(w->caps, o);
	return r;
}

static int check_env(char **env)
{
	for (; env && *env; env++)
		if (!strchr(*env, '=') || **env == '=')
			return fail_plain(EINVAL,
					  "--env %s: NAME=VALUE is wanted",
					  *env);
	return 0;
}

static int exec_with(const struct global_options *g, struct exec_options *o,
		     const struct words *w)
{
	_cleanup_(store_close) struct store s = {.fd = -1};
	int code = 0;
	int r = take_words(w, o);

	if (r == 0)
		r = check_env(o->env);
	if (r == 0)
		r = store_open(g->root, &s);
	if (r == 0)
		r = exec_in_container(&s, o, &code);
	return r < 0 ? fail_in(r, "\"%.255s\"", o->id) : code;
}

static int run_exec(const struct global_options *g, int argc, char **argv)
{
	struct exec_options o = {};
	struct words w = {};
	const struct option options[] = {
		{"process", 'p', OPTION_STRING, &o.process_file, "FILE",
		 "a process object instead of arguments"},
		{"detach", 'd', OPTION_FLAG, &o.detach, NULL,
		 "return once the program runs"},
		{"tty", 't', OPTION_FLAG, &o.tty, NULL,
		 "with a terminal of its own"},
		{"cwd", 0, OPTION_STRING, &o.cwd, "DIR", "working directory"},
		{"env", 'e', OPTION_LIST, &o.env, "NAME=VALUE",
		 "one more variable"},
		{"user", 'u', OPTION_STRING, &w.user, "UID[:GID]", "its user"},
		{"additional-gids", 'g', OPTION_LIST, &w.gids, "GID",
		 "one more group"},
		{"cap", 'c', OPTION_LIST, &w.caps, "NAME",
		 "one more capability"},
		{"no-new-privs", 0, OPTION_FLAG, &o.no_new_privs, NULL,
		 "it cannot gain privileges"},
		{"process-label", 0, OPTION_STRING, &o.process_label, "LABEL",
		 "SELinux label"},
		{"apparmor", 0, OPTION_STRING, &o.apparmor, "PROFILE",
		 "AppArmor profile"},
		{"cgroup", 0, OPTION_STRING, &o.cgroup,
		 "[CONTROLLER,...:]PATH", "cgroup below the container's"},
		{"ignore-paused", 0, OPTION_FLAG, &o.ignore_paused, NULL,
		 "wait until a paused container goes on"},
		{"console-socket", 0, OPTION_STRING, &o.console_socket, "PATH",
		 "unix socket that receives the terminal"},
		{"pidfd-socket", 0, OPTION_STRING, &o.pidfd_socket, "PATH",
		 "unix socket that receives a pidfd"},
		{"pid-file", 0, OPTION_STRING, &o.pid_file, "FILE",
		 "write the process id to FILE"},
		{"preserve-fds", 0, OPTION_UNSIGNED, &o.preserve_fds, "N",
		 "hand on N file descriptors from 3 on"},
		{"no-subreaper", 0, OPTION_IGNORED_FLAG, NULL, NULL, NULL},
		{},
	};
	int at = cmd_options(&cmd_exec, options, argc, argv);

	if (at <= 0)
		return at;
	if (at >= argc)
		return fail_plain(EINVAL, "a container id is missing");
	o.id = argv[at];
	o.args = argv + at + 1;

	int r = exec_with(g, &o, &w);

	free(o.additional_gids);
	free(o.env);
	free(w.gids);
	free(w.caps);
	return r;
}

const struct command cmd_exec = {
	.name = "exec",
	.arguments = "ID PROGRAM [ARGUMENT]...",
	.purpose = "Run one more program in a container",
	.run = run_exec,
	.enters = true,
	.failure = EXEC_NOT_STARTED,
};
