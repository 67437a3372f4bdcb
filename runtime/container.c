/* SPDX-License-Identifier: MIT */
/* A container as later commands find it: record, init process, status. */
#include "runtime/container.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define STAT_MAX_BYTES 4096

uint64_t process_start_time(pid_t pid)
{
	_cleanup_(buf_fini) struct buf b = {};
	char path[32];
	unsigned long long ticks;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (fd_read_file(AT_FDCWD, path, &b, STAT_MAX_BYTES) < 0)
		return 0;
	/* The name in parentheses may hold anything; field 3 follows it. */
	const char *p = b.len ? strrchr(b.data, ')') : NULL;

	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %llu", &ticks) == 1 ? ticks : 0;
}

int container_write_pid(int dir, pid_t pid)
{
	struct process_id id = {.pid = pid,
				.start_time = process_start_time(pid)};
	char text[64];

	snprintf(text, sizeof(text), "%d %llu\n", id.pid,
		 (unsigned long long)id.start_time);
	return fd_replace_file(dir, "pid", text, strlen(text));
}

static struct process_id read_pid(int dir)
{
	_cleanup_(buf_fini) struct buf b = {};
	struct process_id id = {};
	unsigned long long ticks;

	if (fd_read_file(dir, "pid", &b, STAT_MAX_BYTES) < 0 ||
	    sscanf(buf_str(&b), "%d %llu", &id.pid, &ticks) != 2)
		return (struct process_id){};
	id.start_time = ticks;
	return id;
}

static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* A pidfd of the process, or -1: it is gone, or another has its pid now. */
static int open_process(struct process_id id)
{
	_cleanup_fd_ int fd = id.pid > 0 ? sys_pidfd_open(id.pid, 0) : -1;

	/* Compared after the opening: the fd then stands for this one. */
	if (fd < 0 || process_start_time(id.pid) != id.start_time ||
	    has_ended(fd))
		return -1;
	return take_fd(&fd);
}

int container_open_damaged(const struct store *s, const char *id,
			   struct container *c)
{
	struct stat st;
	int r;

	*c = (struct container){.store = s, .id = id, .pidfd = -1};
	c->dir = store_find(s, id);
	if (c->dir < 0)
		return c->dir;
	r = record_read(c->dir, &c->record);
	c->damaged = r < 0 && r != -ENOENT;
	if (!c->damaged)
		fail_clear();
	c->init = read_pid(c->dir);
	c->pidfd = open_process(c->init);
	c->waiting = fstatat(c->dir, "start", &st, AT_SYMLINK_NOFOLLOW) == 0;
	return 0;
}

int container_open(const struct store *s, const char *id, struct container *c)
{
	int r = container_open_damaged(s, id, c);

	if (r < 0 || !c->damaged)
		return r;
	container_close(c);
	return fail_plain(EINVAL,
			  "container \"%s\": the state record is damaged", id);
}

int container_open_locked(const struct store *s, const char *id,
			  struct container *c, int *lock)
{
	int r = container_open(s, id, c);

	if (r < 0)
		return r;
	*lock = store_lock(c->dir);
	return *lock < 0 ? *lock : 0;
}

void container_close(struct container *c)
{
	if (!c->store)
		return;
	cgroup_close(c->cg);
	record_free(c->record);
	cleanup_fd(&c->pidfd);
	cleanup_fd(&c->dir);
	*c = (struct container){.dir = -1, .pidfd = -1};
}

int container_cgroup(struct container *c, struct cgroup **cg)
{
	int r = 0;

	if (!c->record || !c->record->cgroup)
		return fail_plain(ENOENT, "container \"%s\" has no cgroup",
				  c->id);
	if (!c->cg)
		r = cgroup_open(c->record->cgroup, &c->cg);
	*cg = c->cg;
	return r;
}

static ino_t pid_namespace(pid_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	/* One that is not ours to look at is not of our container. */
	return stat(path, &st) < 0 ? 0 : st.st_ino;
}

/* Without a cgroup: who is in init's pid namespace is of the container. */
static int pids_of_namespace(const struct container *c, struct buf *pids)
{
	ino_t inside = pid_namespace(c->init.pid);
	DIR *proc;

	if (!inside || inside == pid_namespace(getpid()))
		return fail_plain(ENOENT,
				  "container \"%s\" has neither a cgroup nor "
				  "a pid namespace to find its processes by",
				  c->id);
	proc = opendir("/proc");
	if (!proc)
		return fail(errno, "open /proc");
	for (struct dirent *d; (d = readdir(proc));) {
		pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);

		if (pid > 0 && pid_namespace(pid) == inside)
			buf_put(pids, &pid, sizeof(pid));
	}
	closedir(proc);
	return pids->failed ? fail(ENOMEM, "list processes") : 0;
}

int container_pids(struct container *c, struct buf *pids)
{
	struct cgroup *cg = NULL;
	int r;

	if (c->record && !c->record->cgroup)
		return c->pidfd < 0 ? 0 : pids_of_namespace(c, pids);
	r = container_cgroup(c, &cg);
	return r < 0 ? r : cgroup_pids(cg, pids);
}

int container_status(struct container *c, enum status *status)
{
	struct cgroup *cg;
	int r;

	if (!c->record || c->init.pid == 0)
		*status = STATUS_CREATING;
	else if (c->pidfd < 0)
		*status = STATUS_STOPPED;
	else if (c->waiting)
		*status = STATUS_CREATED;
	else
		*status = STATUS_RUNNING;
	if (*status != STATUS_RUNNING || !c->record->cgroup)
		return 0;
	r = container_cgroup(c, &cg);
	if (r == 0)
		r = cgroup_is_frozen(cg);
	if (r > 0)
		*status = STATUS_PAUSED;
	return r < 0 ? r : 0;
}

int container_require(struct container *c, unsigned mask, const char *what)
{
	enum status status;
	int r = container_status(c, &status);

	if (r < 0 || (mask & 1u << status))
		return r;
	return fail_plain(EINVAL, "container \"%s\" is %s, not %s", c->id,
			  status_name(status), what);
}

int container_state(struct container *c, struct state *state)
{
	enum status status;
	int r = container_status(c, &status);

	if (r < 0)
		return r;
	*state = (struct state){
		.id = c->id,
		.status = status,
		.pid = status == STATUS_STOPPED ? 0 : c->init.pid,
		.bundle = "",
		.rootfs = "",
		.created = "",
		.owner = "",
	};
	if (!c->record)
		return 0;
	state->bundle = c->record->bundle;
	state->rootfs = c->record->rootfs;
	state->created = c->record->created;
	state->annotations = c->record->annotations;
	state->n_annotations = c->record->n_annotations;
	return 0;
}

int container_signal(const struct container *c, int sig)
{
	if (sys_pidfd_send_signal(c->pidfd, sig) < 0)
		return fail(errno, "send signal %d to process %d", sig,
			    c->init.pid);
	return 0;
}
