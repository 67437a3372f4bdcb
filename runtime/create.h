/* SPDX-License-Identifier: MIT */
/* create and run: from a bundle to a process. */
#pragma once

#include <stdbool.h>

struct store;

/* What the command line says; strings borrowed, NULL: not given. */
struct create_options {
	const char *id; /* NULL: made up (run only) */
	const char *bundle; /* NULL: the current directory */
	const char *config; /* another name for config.json */
	const char *console_socket;
	const char *pidfd_socket;
	const char *pid_file;
	unsigned preserve_fds;
	bool no_pivot, no_new_keyring;
	bool detach, keep; /* run only */
	bool in_vm; /* --isolation=vm */
	const char *kernel; /* of the VM: "host", or a path; NULL: chosen */
	const char *vmm; /* "auto", "kvm", "qemu"; NULL: auto */
};

/*
 * Makes a container that waits for start. On failure nothing is left of it.
 * Returns 0 or -errno with fail() text.
 */
int create_container(const struct store *s, const struct create_options *o);

/*
 * Makes a container and runs its program at once. In the foreground it waits
 * for the end, forwarding signals and the terminal, and deletes the container
 * unless o->keep; *exit_code is the program's, 128 + n after signal n.
 * Returns 0 or -errno with fail() text.
 */
int run_container(const struct store *s, const struct create_options *o,
		  int *exit_code);
