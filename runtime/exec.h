/* SPDX-License-Identifier: MIT */
/* exec: one more process in a container that runs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct store;

/* What the command line says; strings borrowed, NULL: not given. */
struct exec_options {
	const char *id;
	const char *process_file; /* a process object; else args and the
				     container's own process as default */
	char **args; /* NULL-terminated */
	bool detach, tty;
	bool no_new_privs, ignore_paused;
	const char *cwd;
	char **env; /* "K=V", NULL-terminated, or NULL */
	bool has_user, has_group;
	uid_t uid;
	gid_t gid;
	gid_t *additional_gids;
	size_t n_additional_gids;
	uint64_t caps; /* added to the sets, bit n: capability n */
	const char *process_label, *apparmor;
	const char *cgroup; /* below the container's */
	const char *console_socket, *pidfd_socket, *pid_file;
	unsigned preserve_fds;
};

#define EXEC_NOT_STARTED 255 /* exit code when the process cannot start */

/*
 * Runs the process. In the foreground waits for its end; *exit_code is its
 * code, 128 + n after signal n; detached it is 0.
 * Returns 0 or -errno with fail() text.
 */
int exec_in_container(const struct store *s, const struct exec_options *o,
		      int *exit_code);
