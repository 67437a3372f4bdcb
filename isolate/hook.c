/* SPDX-License-Identifier: MIT */
/* Hooks: programs that the spec wants run around the container's life. */
#include "isolate/hook.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "oci/names.h"

#define STDERR_KEPT 1024 /* bytes of a failing hook's complaint */

/* A file in memory that holds text, positioned at its start. */
static int memory_file(const char *text, size_t len)
{
	_cleanup_fd_ int fd = memfd_create("hook", MFD_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, text, len) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return fail(errno, "make a file in memory");
	return take_fd(&fd);
}

_Noreturn static void exec_hook(const struct spec_hook *hook, int in, int err)
{
	sigset_t none;
	char *no_env[] = {NULL};

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	umask(0022);
	if (dup2(in, 0) < 0 || dup2(err, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	sys_close_range(3, ~0U, 0);
	execve(hook->path, hook->args, hook->env ? hook->env : no_env);
	dprintf(2, "%s", strerror(errno));
	_exit(127);
}

/* Waits for the hook; on its timeout kills it and all of its group. */
static int wait_hook(pid_t pid, int pidfd, unsigned timeout_s, int *status)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int timeout = timeout_s && timeout_s < INT32_MAX / 1000
			      ? (int)timeout_s * 1000
			      : -1;
	int n;

	do {
		n = poll(&p, 1, timeout);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		kill(-pid, SIGKILL);
	if (waitpid(pid, status, 0) < 0)
		return fail(errno, "wait");
	if (n == 0)
		return fail_plain(ETIMEDOUT, "timed out after %u s, killed",
				  timeout_s);
	return 0;
}

/* What the hook wrote, in one line. */
static void append_complaint(struct buf *b, int err)
{
	char text[STDERR_KEPT];
	ssize_t n = pread(err, text, sizeof(text), 0);

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (text[i] == '\n' || text[i] == '\r')
			text[i] = ' ';
	if (n > 0) {
		buf_puts(b, ": ");
		buf_put(b, text, (size_t)n);
	}
}

static int judge(int status, int err)
{
	_cleanup_(buf_fini) struct buf why = {};

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		buf_printf(&why, "exit code %d", WEXITSTATUS(status));
	else
		buf_printf(&why, "killed by signal %d", WTERMSIG(status));
	append_complaint(&why, err);
	return fail_plain(EIO, "%s", buf_str(&why));
}

static int run_one(const struct spec_hook *hook, const struct buf *state)
{
	_cleanup_fd_ int in = memory_file(buf_str(state), state->len);
	_cleanup_fd_ int err = memory_file("", 0);
	_cleanup_fd_ int pidfd = -1;
	struct clone_args args = {.flags = CLONE_PIDFD,
				  .pidfd = (uintptr_t)&pidfd,
				  .exit_signal = SIGCHLD};
	int status;

	if (in < 0 || err < 0)
		return in < 0 ? in : err;

	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return fail(errno, "clone");
	if (pid == 0)
		exec_hook(hook, in, err);
	setpgid(pid, pid); /* whichever of us comes first */

	int r = wait_hook(pid, pidfd, hook->timeout_s, &status);

	return r < 0 ? r : judge(status, err);
}

int hook_run_all(enum spec_hook_kind kind, const struct spec_hooks *hooks,
		 const struct state *state)
{
	_cleanup_(buf_fini) struct buf doc = {};
	_cleanup_free_ char *first = NULL;
	int first_r = 0;

	if (hooks->n_hooks == 0)
		return 0;
	state_format(&doc, state, 0);
	if (doc.failed)
		return fail(ENOMEM, "hooks");
	for (size_t i = 0; i < hooks->n_hooks; i++) {
		int r = run_one(&hooks->hooks[i], &doc);

		if (r == 0)
			continue;
		fail_in(r, "hooks: %s %zu (%s)", name_of(names_hooks, kind), i,
			hooks->hooks[i].path);
		/* When all is over the others have their turn all the same. */
		if (kind != SPEC_HOOK_POSTSTOP)
			return r;
		if (first_r == 0) {
			first_r = r;
			first = strdup(fail_text());
		}
	}
	return first ? fail_from(-first_r, first, strlen(first)) : first_r;
}
