/* SPDX-License-Identifier: MIT */
/* Command-line options by table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum option_kind {
	OPTION_FLAG, /* bool: --x, --x=true, --x=false */
	OPTION_STRING, /* const char * */
	OPTION_UNSIGNED, /* unsigned: whole decimal number */
	OPTION_LIST, /* char **: NULL-terminated, heap, one more each time */
	OPTION_IGNORED_FLAG, /* accepted for the sake of other runtimes */
};

/*
 * One option. Long names work with one dash as with two (Go programs call
 * runtimes so); values come as "--x=V", "--x V", "-xV", "-x V"; short flags
 * can be joined. Tables end with a NULL name.
 */
struct option {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	void *value; /* what kind says */
	const char *argument; /* word for its value in the help text */
	const char *help;
};

#define OPTION_HELP 0 /* option_parse(): --help was given */

/*
 * Reads options from argv[1] up to the first argument that is none, or
 * behind "--". Returns that argument's index (argc: there is none),
 * OPTION_HELP, or -EINVAL with fail() text that names the option.
 */
int option_parse(const struct option *options, int argc, char **argv);

/* Prints one line for each option. */
void option_print_help(const struct option *options, FILE *out);
