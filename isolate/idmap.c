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

#define TOOL_TEXT_MAX 1024 /* bytes of what a tool may say */

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

_Noreturn static void exec_tool(char **args, int err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(err, STDERR_FILENO) >= 0)
		execv(args[0], args);
	dprintf(STDERR_FILENO, "it cannot be run (is uidmap installed?)");
	_exit(127);
}

/* Puts what the tool says into said. Returns its wait status or -errno. */
static int watch_tool(char **args, struct buf *said)
{
	int status;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;

	pid_t tool = fork();
	int err = errno;

	if (tool == 0)
		exec_tool(args, ends[1]);
	close(ends[1]);
	if (tool > 0)
		buf_read_fd(said, ends[0], TOOL_TEXT_MAX);
	/* A tool that goes on writing gets SIGPIPE. */
	close(ends[0]);
	if (tool < 0)
		return -err;
	while (waitpid(tool, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status;
}

/* newuidmap(1): lets the user have what /etc/subuid gives. */
static int run_tool(const struct map *m, pid_t pid)
{
	_cleanup_(arena_fini) struct arena arena = {};
	_cleanup_(buf_fini) struct buf said = {};
	char **args = tool_args(m, pid, &arena);
	int r = args ? watch_tool(args, &said) : -ENOMEM;

	if (r < 0)
		return fail(-r, "run %s", m->tool);
	if (r == 0)
		return 0;

	const char *text = buf_str(&said);

	return fail_plain(EPERM, "%s refused the id map: %.*s", m->tool,
			  (int)strcspn(text, "\n"), text);
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
