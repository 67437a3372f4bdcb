/* SPDX-License-Identifier: MIT */
/* Command-line options by table. */
#include "cmd/option.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"

static bool takes_value(const struct option *o)
{
	return o->kind != OPTION_FLAG && o->kind != OPTION_IGNORED_FLAG;
}

static const struct option *find_long(const struct option *options,
				      const char *name, size_t len)
{
	for (const struct option *o = options; o->name; o++)
		if (strncmp(o->name, name, len) == 0 && !o->name[len])
			return o;
	return NULL;
}

static const struct option *find_letter(const struct option *options,
					char letter)
{
	for (const struct option *o = options; o->name; o++)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

static int set_flag(const struct option *o, const char *value)
{
	bool on = !value || strcmp(value, "true") == 0;

	if (!on && strcmp(value, "false") != 0)
		return fail_plain(EINVAL, "--%s=%s: true or false is wanted",
				  o->name, value);
	if (o->kind == OPTION_FLAG)
		*(bool *)o->value = on;
	return 0;
}

static int set_unsigned(const struct option *o, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || n > INT_MAX)
		return fail_plain(EINVAL, "--%s %s: a number is wanted",
				  o->name, value);
	*(unsigned *)o->value = (unsigned)n;
	return 0;
}

static int append(const struct option *o, const char *value)
{
	char ***list = o->value;
	size_t n = 0;

	while (*list && (*list)[n])
		n++;

	char **longer = realloc(*list, (n + 2) * sizeof(*longer));

	if (!longer)
		return fail(ENOMEM, "--%s", o->name);
	longer[n] = (char *)value;
	longer[n + 1] = NULL;
	*list = longer;
	return 0;
}

static int set(const struct option *o, const char *value)
{
	switch (o->kind) {
	case OPTION_STRING: *(const char **)o->value = value; return 0;
	case OPTION_UNSIGNED: return set_unsigned(o, value);
	case OPTION_LIST: return append(o, value);
	default: return set_flag(o, value);
	}
}

/* *i: the index of the argument that is looked at; moved over a value. */
static int parse_long(const struct option *o, const char *equals, int argc,
		      char **argv, int *i)
{
	const char *value = equals ? equals + 1 : NULL;

	if (!value && takes_value(o)) {
		if (*i + 1 >= argc)
			return fail_plain(EINVAL, "option --%s needs a value",
					  o->name);
		value = argv[++*i];
	}
	return set(o, value);
}

/* "-dt", "-u1", "-t=false": flags up to a letter that takes the rest as its
 * value. */
static int parse_letters(const struct option *options, int argc, char **argv,
			 int *i)
{
	const char *arg = argv[*i];

	for (const char *p = arg + 1; *p; p++) {
		const struct option *o = find_letter(options, *p);
		int r;

		if (!o)
			return fail_plain(EINVAL, "unknown option \"%s\"", arg);
		if (!takes_value(o) && p[1] == '=')
			return set(o, p + 2);
		if (!takes_value(o)) {
			r = set(o, NULL);
		} else if (p[1]) {
			return set(o, p[1] == '=' ? p + 2 : p + 1);
		} else {
			return parse_long(o, NULL, argc, argv, i);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int option_parse(const struct option *options, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		const char *name = argv[i] + 1 + (argv[i][1] == '-');
		const char *equals = strchr(name, '=');
		size_t len = equals ? (size_t)(equals - name) : strlen(name);
		const struct option *o;
		int r;

		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (strcmp(name, "help") == 0 || strcmp(argv[i], "-h") == 0)
			return OPTION_HELP;
		/* A letter before a long name of one letter: there is none. */
		o = len > 1 || argv[i][1] == '-' ? find_long(options, name, len)
						 : NULL;
		if (o)
			r = parse_long(o, equals, argc, argv, &i);
		else if (argv[i][1] == '-')
			r = fail_plain(EINVAL, "unknown option \"--%.*s\"",
				       (int)len, name);
		else
			r = parse_letters(options, argc, argv, &i);
		if (r < 0)
			return r;
	}
	return i;
}

void option_print_help(const struct option *options, FILE *out)
{
	for (const struct option *o = options; o->name; o++) {
		char left[64];

		if (!o->help)
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s",
			 o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			 o->letter ? "," : " ", o->name, o->argument ? " " : "",
			 o->argument ? o->argument : "");
		fprintf(out, "  %-32s %s\n", left, o->help);
	}
}
