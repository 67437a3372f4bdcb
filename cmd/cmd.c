/* SPDX-License-Identifier: MIT */
/* What the commands share: options, ids, words, many containers at once. */
#include "cmd/cmd.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"

int cmd_options(const struct command *cmd, const struct option *options,
		int argc, char **argv)
{
	int at = option_parse(options, argc, argv);

	if (at != OPTION_HELP)
		return at;
	printf("usage: bulkhead %s%s%s%s\n\n%s.\n", cmd->name,
	       options[0].name ? " [OPTION]..." : "",
	       *cmd->arguments ? " " : "", cmd->arguments, cmd->purpose);
	if (options[0].name)
		printf("\nOptions:\n");
	option_print_help(options, stdout);
	return 0;
}

int cmd_one_id(int argc, char **argv, int at, const char **id)
{
	if (at >= argc)
		return fail_plain(EINVAL, "a container id is missing");
	*id = argv[at];
	return cmd_no_more(argc, argv, at + 1);
}

int cmd_no_more(int argc, char **argv, int at)
{
	return at < argc ? fail_plain(EINVAL, "too many arguments: \"%s\"",
				      argv[at])
			 : 0;
}

int cmd_word(const char *option, const char *value, const char *const *words)
{
	_cleanup_(buf_fini)
	struct buf all = {};

	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], value) == 0)
			return i;
		buf_printf(&all, "%s%s",
			   i == 0         ? ""
			   : words[i + 1] ? ", "
					  : " or ",
			   words[i]);
	}
	return fail_plain(EINVAL, "--%s %s: %s is wanted", option, value,
			  buf_str(&all));
}

int cmd_can_create(const struct global_options *g, const char *isolation,
		   struct create_options *o)
{
	static const char *const walls[] = {"container", "vm", NULL};
	static const char *const vmms[] = {"auto", "kvm", "qemu", NULL};
	int wall = isolation ? cmd_word("isolation", isolation, walls) : 0;
	int vmm = o->vmm ? cmd_word("vmm", o->vmm, vmms) : 0;

	if (wall < 0 || vmm < 0)
		return wall < 0 ? wall : vmm;
	o->in_vm = wall == 1;
	if (!o->in_vm && (o->kernel || o->vmm))
		return fail_plain(EINVAL, "--%s is for --isolation=vm",
				  o->kernel ? "kernel" : "vmm");
	switch (g->driver) {
	case CGROUP_FS: return 0;
	case CGROUP_SYSTEMD:
		return fail_plain(EOPNOTSUPP,
				  "the systemd cgroup driver is not there "
				  "yet: use the cgroupfs driver");
	default:
		return fail_plain(EOPNOTSUPP, "a container without a cgroup "
					      "cannot be asked for yet: use "
					      "the cgroupfs driver");
	}
}

/* The first failure is what is told at the end, the others are warned of. */
static int keep_first(int first, int r, const char *id, char **text)
{
	if (r >= 0)
		return first;
	if (first < 0) {
		log_warn("%s: %s", id, fail_text());
		return first;
	}
	*text = strdup(fail_text());
	return r;
}

int cmd_each_match(const struct store *s, const char *regex,
		   int (*one)(const struct store *s, const char *id, void *arg),
		   void *arg)
{
	_cleanup_free_ char **ids = NULL;
	_cleanup_free_ char *text = NULL;
	regex_t re;
	int n, r = 0;

	if (regcomp(&re, regex, REG_EXTENDED | REG_NOSUB) != 0)
		return fail_plain(EINVAL, "\"%s\" is no regular expression",
				  regex);
	n = store_list(s, &ids);
	for (int i = 0; i < n; i++)
		if (regexec(&re, ids[i], 0, NULL, 0) == 0)
			r = keep_first(r, one(s, ids[i], arg), ids[i], &text);
	regfree(&re);
	if (text)
		return fail_from(-r, text, strlen(text));
	return n < 0 ? n : r;
}
