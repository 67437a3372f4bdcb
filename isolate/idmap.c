/* SPDX-License-Identifier: MIT */
/* uid and gid maps of a user namespace. */
#include "isolate/idmap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

struct map {
	const char *file; /* /proc/PID/… */
	const char *tool; /* by absolute path: $PATH is the user's */
	const struct spec_id_map *ids;
	size_t n;
};

static int proc_write(int proc, pid_t pid, const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/%s", pid, file);
	return fd_write_file(proc, path, text);
}

/* All lines in one write(2): the kernel takes no second one. */
static int write_map(int proc, pid_t pid, const struct map *m)
{
	_cleanup_(buf_fini) struct buf text = {};

	for (size_t i = 0; i < m->n; i++)
		buf_printf(&text, "%u %u %u\n", m->ids[i].container_id,
			   m->ids[i].host_id, m->ids[i].size);
	if (text.failed)
		return fail(ENOMEM, "%s", m->file);
	return proc_write(proc, pid, m->file, buf_str(&text));
}

static char **tool_args(const struct map *m, pid_t pid, struct arena *a)
{
	char **args = arena_array(a, 3 + 3 * m->n, sizeof(*args));
	size_t n = 0;

	if (!args)
		return NULL;
	args[n++] = arena_strdup(a, m->tool);
	args[n++] = arena_printf(a, "%d", pid);
	for (size_t i = 0; i < m->n; i++) {
		args[n++] = arena_printf(a, "%u", m->ids[i].container_id);
		args[n++] = arena_printf(a, "%u", m->ids[i].host_id);
		args[n++] = arena_printf(a, "%u", m->ids[i].size);
	}
	for (size_t i = 0; i < n; i++)
		if (!args[i])
			return NULL;
	return args;
}

/* newuidmap(1): lets the user have what /etc/subuid gives. */
static int run_tool(const struct map *m, pid_t pid)
{
	struct arena arena = {};
	char **args = tool_args(m, pid, &arena);
	pid_t tool = args ? fork() : -1;
	int status;

	if (tool == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execv(m->tool, args);
		_exit(127);
	}
	arena_fini(&arena);
	if (tool < 0 || waitpid(tool, &status, 0) < 0)
		return fail(errno, "run %s", m->tool);
	if (status != 0)
		return fail_plain(EPERM,
				  "%s refused the id map (see /etc/subuid)",
				  m->tool);
	return 0;
}

/* What the kernel grants everyone: one id, the own one. */
static bool is_own_id(const struct map *m, unsigned own)
{
	return m->n == 1 && m->ids[0].size == 1 && m->ids[0].host_id == own;
}

int idmap_write(int proc, pid_t pid, const struct spec_linux *linux_)
{
	const struct map uids = {"uid_map", "/usr/bin/newuidmap",
				 linux_->uid_mappings, linux_->n_uid_mappings};
	const struct map gids = {"gid_map", "/usr/bin/newgidmap",
				 linux_->gid_mappings, linux_->n_gid_mappings};
	int r;

	if (geteuid() == 0) {
		r = write_map(proc, pid, &uids);
		return r < 0 ? r : write_map(proc, pid, &gids);
	}
	if (is_own_id(&uids, geteuid()) && is_own_id(&gids, getegid())) {
		r = proc_write(proc, pid, "setgroups", "deny");
		if (r == 0)
			r = write_map(proc, pid, &uids);
		return r < 0 ? r : write_map(proc, pid, &gids);
	}
	r = run_tool(&uids, pid);
	return r < 0 ? r : run_tool(&gids, pid);
}
