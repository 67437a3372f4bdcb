/* SPDX-License-Identifier: MIT */
/* The life of a cgroup's processes: signals, freezing, the end, removal. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define EVENTS_MAX_BYTES  4096
#define FREEZE_TIMEOUT_MS 10000 /* a task in the kernel may take a while */
#define DYING_TIMEOUT_MS  10000 /* of one that was sent SIGKILL */
#define REMOVE_TRIES      8

/* -- Events --------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The flag KEY in the text of cgroup.events; false when it is not there. */
static bool event_flag(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = text; *p;) {
		if (strncmp(p, key, len) == 0 && p[len] == ' ')
			return p[len + 1] == '1';
		p += strcspn(p, "\n");
		p += strspn(p, "\n");
	}
	return false;
}

/* 1 or 0, or -errno; no text. */
static int read_event(int fd, const char *key)
{
	char text[EVENTS_MAX_BYTES];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return event_flag(text, key);
}

/*
 * Waits until a flag of cgroup.events has this value. kernfs reports a
 * change since the last read of the same fd as POLLPRI. A cgroup that is
 * gone has all flags at 0.
 */
static int wait_event(const struct cgroup *cg, const char *key, bool value,
		      int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;
	_cleanup_fd_ int fd =
		openat(cg->v2_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT && errno != ENODEV)
		return fail(errno, "open cgroup.events of %s", cg->path);
	while (fd >= 0) {
		int r = read_event(fd, key);
		if (r == (int)value || r == -ENODEV)
			return 0;
		if (r < 0)
			return fail(-r, "read cgroup.events of %s", cg->path);

		struct pollfd p = {.fd = fd, .events = POLLPRI};
		int64_t left = deadline - now_ms();
		int wait = timeout_ms < 0 ? -1 : left < 0 ? 0 : (int)left;
		int n = poll(&p, 1, wait);

		if (n == 0)
			return fail_plain(ETIMEDOUT,
					  "cgroup %s: no \"%s %d\" in %d ms",
					  cg->path, key, value, timeout_ms);
		if (n < 0 && errno != EINTR)
			return fail(errno, "poll cgroup.events");
	}
	return 0;
}

/* -- Signals -------------------------------------------------------------- */

/* A hierarchy that holds all processes: v2, else any of v1. */
static const struct hierarchy *main_tree(const struct cgroup *cg)
{
	if (cg->v2.dir)
		return &cg->v2;
	return cg->n_v1 ? &cg->v1[0] : NULL;
}

int cgroup_pids(struct cgroup *cg, struct buf *pids)
{
	const struct hierarchy *h = main_tree(cg);

	return h ? cgroup_tree_pids(h, pids) : 0;
}

/* Returns how many processes were there, or -errno with text. */
static ssize_t signal_all(struct cgroup *cg, int sig)
{
	struct buf pids = {};
	int r = cgroup_pids(cg, &pids);
	const pid_t *pid = (const pid_t *)pids.data;
	size_t n = pids.len / sizeof(*pid);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (kill(pid[i], sig) < 0 && errno != ESRCH)
			r = fail(errno, "cgroup %s: send signal %d to %d",
				 cg->path, sig, pid[i]);
	buf_fini(&pids);
	return r < 0 ? r : (ssize_t)n;
}

int cgroup_signal(struct cgroup *cg, int sig)
{
	ssize_t n = signal_all(cg, sig);

	return n < 0 ? (int)n : 0;
}

int cgroup_kill(struct cgroup *cg)
{
	cg->is_killed = true;
	if (cg->v2_fd >= 0) {
		int r = fd_write_file(cg->v2_fd, "cgroup.kill", "1");

		/* Removed already, or never made: nothing is left in it. */
		if (r == 0 || r == -ENODEV || r == -ENOENT)
			return 0;
		return fail_in(r, "cgroup %s", cg->path);
	}
	/* No v2: one that forks while we list is found in the next round. */
	size_t before = 0;
	for (;;) {
		ssize_t n = signal_all(cg, SIGKILL);

		if (n < 0)
			return (int)n;
		if (n == 0 || (size_t)n == before)
			return 0;
		before = (size_t)n;
	}
}

/* -- Freezing ------------------------------------------------------------- */

int cgroup_freeze(struct cgroup *cg, bool frozen)
{
	if (cg->v2_fd < 0)
		return fail_plain(EOPNOTSUPP,
				  "cgroup %s: freezing needs a cgroup v2 "
				  "hierarchy",
				  cg->path);

	int r = fd_write_file(cg->v2_fd, "cgroup.freeze", frozen ? "1" : "0");
	if (r < 0)
		return fail_in(r, "cgroup %s", cg->path);
	r = wait_event(cg, "frozen", frozen, FREEZE_TIMEOUT_MS);
	if (r < 0 && frozen) {
		char *text = strdup(fail_text());

		/* Half frozen is worse than not: take it back. */
		fd_write_file(cg->v2_fd, "cgroup.freeze", "0");
		if (text)
			fail_from(-r, text, strlen(text));
		free(text);
	}
	return r;
}

int cgroup_wait_thawed(struct cgroup *cg)
{
	return cg->v2_fd < 0 ? 0 : wait_event(cg, "frozen", false, -1);
}

int cgroup_is_frozen(struct cgroup *cg)
{
	if (cg->v2_fd < 0)
		return 0;

	_cleanup_fd_ int fd =
		openat(cg->v2_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : read_event(fd, "frozen");

	if (r == -ENOENT || r == -ENODEV)
		return 0;
	return r < 0 ? fail(-r, "cgroup %s: read cgroup.events", cg->path) : r;
}

/* -- The end -------------------------------------------------------------- */

static int poll_pidfd(pid_t pid, int timeout_ms)
{
	_cleanup_fd_ int fd = sys_pidfd_open(pid, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return errno == ESRCH ? 0 : fail(errno, "pidfd of %d", pid);

	int n = poll(&p, 1, timeout_ms);
	if (n < 0 && errno != EINTR)
		return fail(errno, "wait for process %d", pid);
	return n == 0 ? fail_plain(ETIMEDOUT, "process %d does not end", pid)
		      : 0;
}

/* v1 has no event: waits for the pids that are listed, until there is none. */
static int wait_pids(const struct hierarchy *h, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;

	for (;;) {
		struct buf pids = {};
		int r = cgroup_tree_pids(h, &pids);
		pid_t pid = pids.len ? *(pid_t *)pids.data : 0;
		int64_t left = deadline - now_ms();

		buf_fini(&pids);
		if (r < 0 || !pid)
			return r;
		r = poll_pidfd(pid, timeout_ms < 0 ? -1
				    : left < 0     ? 0
						   : (int)left);
		if (r < 0)
			return r;
	}
}

int cgroup_wait_empty(struct cgroup *cg, int timeout_ms)
{
	if (cg->v2_fd >= 0)
		return wait_event(cg, "populated", false, timeout_ms);
	if (cg->v2.dir || !cg->n_v1)
		return 0;
	return wait_pids(&cg->v1[0], timeout_ms);
}

/* -- Removing ------------------------------------------------------------- */

#define FLAG_EXITING  0x00000004 /* PF_EXITING, linux/sched.h */
#define FLAG_SIGNALED 0x00000400 /* PF_SIGNALED: a signal killed it */

/* Field n (from 3 on) of the text of /proc/PID/stat; "" when it ends. */
static const char *stat_field(const char *text, int n)
{
	/* The name in parentheses may hold anything. */
	const char *p = strrchr(text, ')');

	if (!p)
		return "";
	for (int i = 2; i < n; i++) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return p;
}

static bool looks_dying(pid_t pid)
{
	char path[32];
	struct buf b = {};

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);

	bool is_dead = fd_read_file(AT_FDCWD, path, &b, 1 << 16) < 0;
	const char *text = buf_str(&b);
	char state = *stat_field(text, 3);
	unsigned long flags = strtoul(stat_field(text, 9), NULL, 10);
	unsigned long pending = strtoul(stat_field(text, 31), NULL, 10);

	buf_fini(&b);
	return is_dead || state == 'Z' || state == 'X' ||
	       flags & (FLAG_EXITING | FLAG_SIGNALED) ||
	       pending & (1UL << (SIGKILL - 1));
}

/*
 * True when the process is dead, or SIGKILL is on its way through it. Looked
 * at twice: the kernel reads the flags before the pending signals, and the
 * signal may have become a flag between the two.
 */
static bool is_dying(pid_t pid)
{
	return looks_dying(pid) || looks_dying(pid);
}

/*
 * Waits for processes in h that are dying; a living one is an error, unless
 * this handle has killed it.
 */
static int wait_dying(struct cgroup *cg, const struct hierarchy *h)
{
	struct buf pids = {};
	int r = cgroup_tree_pids(h, &pids);
	const pid_t *pid = (const pid_t *)pids.data;

	for (size_t i = 0; r == 0 && i < pids.len / sizeof(*pid); i++)
		if (!cg->is_killed && !is_dying(pid[i]))
			r = fail_plain(EBUSY,
				       "cgroup %s: process %d is still in it",
				       cg->path, pid[i]);
	buf_fini(&pids);
	if (r < 0)
		return r;
	/*
	 * The event comes for all hierarchies: since 6.18 a dead process
	 * keeps its cgroups busy until it is off the CPU for good.
	 */
	if (cg->v2_fd >= 0)
		r = wait_event(cg, "populated", false, DYING_TIMEOUT_MS);
	return r < 0 || h == &cg->v2 ? r : wait_pids(h, DYING_TIMEOUT_MS);
}

/* Removes all that can be; *busy is the first that has processes, or NULL. */
static int remove_all(struct cgroup *cg, const struct hierarchy **busy)
{
	*busy = NULL;
	if (cg->v2.dir) {
		int r = cgroup_tree_remove(&cg->v2);

		if (r == -EBUSY)
			*busy = &cg->v2;
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < cg->n_v1; i++) {
		int r = cgroup_tree_remove(&cg->v1[i]);

		if (r == -EBUSY)
			*busy = &cg->v1[i];
		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_remove(struct cgroup *cg)
{
	for (int i = 0; i < REMOVE_TRIES; i++) {
		const struct hierarchy *busy;
		int r = remove_all(cg, &busy);

		if (!busy)
			return r;
		r = wait_dying(cg, busy);
		if (r < 0)
			return r;
	}
	return fail(EBUSY, "cgroup %s: remove", cg->path);
}
