/* SPDX-License-Identifier: MIT */
/* The container's control group: v2, or v1 and hybrid, behind one set of calls. */
#include "isolate/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "isolate/cgroup_hierarchy.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "oci/spec.h"

#define CGROUP_ROOT    "/sys/fs/cgroup"
#define FILE_MAX_BYTES (16 << 20) /* cgroup.procs of a huge container */
#define REMOVE_TIMEOUT_MS 10000 /* a killed process that does not go */

/* -- Opening -------------------------------------------------------------- */

char *cgroup_path(const char *cgroups_path, const char *id)
{
	const char *from = cgroups_path && *cgroups_path ? cgroups_path : id;
	char *path;

	if (path_has_dotdot(from) || !from[strspn(from, "/.")]) {
		fail_plain(EINVAL, "cgroup path \"%s\" is not one", from);
		errno = EINVAL;
		return NULL;
	}
	if (asprintf(&path, "/%s", from + strspn(from, "/")) < 0) {
		fail(ENOMEM, "cgroup path");
		errno = ENOMEM;
		return NULL;
	}
	/* Trailing slashes would make an empty last name. */
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	return path;
}

/* A v1 machine has the v2 hierarchy too; where nobody mounted it, we do. */
static int mount_v2(void)
{
	_cleanup_fd_ int fs = sys_fsopen("cgroup2", FSOPEN_CLOEXEC);

	if (fs < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -1;
	return sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
}

static int find_hierarchies(struct cgroup *cg)
{
	struct statfs fs;

	if (statfs(CGROUP_ROOT, &fs) < 0)
		return fail(errno, "%s", CGROUP_ROOT);
	if (fs.f_type == CGROUP2_SUPER_MAGIC) {
		cg->mode = CGROUP_V2;
		cg->root = open(CGROUP_ROOT,
				O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return cg->root < 0 ? fail(errno, "open %s", CGROUP_ROOT) : 0;
	}
	cg->mode = CGROUP_V1;

	int r = cgroup_v1_find(cg);

	if (r == 0 && cg->root < 0)
		cg->root = mount_v2();
	return r;
}

static int make(const char *path, struct cgroup **out)
{
	struct cgroup *cg = calloc(1, sizeof(*cg));
	int r;

	if (!cg)
		return fail(ENOMEM, "cgroup");
	cg->root = cg->dir = -1;
	cg->path = strdup(path);
	r = cg->path ? find_hierarchies(cg) : fail(ENOMEM, "cgroup");
	if (r < 0) {
		cgroup_close(cg);
		return r;
	}
	*out = cg;
	return 0;
}

/* The path below a hierarchy's root. */
static const char *relative(const struct cgroup *cg)
{
	return cg->path + 1;
}

static int open_dir(const struct cgroup *cg)
{
	if (cg->root < 0)
		return -1;
	return openat(cg->root, relative(cg),
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int cgroup_open(const char *path, struct cgroup **out)
{
	int r = make(path, out);

	if (r == 0)
		(*out)->dir = open_dir(*out);
	return r;
}

void cgroup_close(struct cgroup *cg)
{
	if (!cg)
		return;
	cgroup_v1_free(cg);
	cleanup_fd(&cg->dir);
	cleanup_fd(&cg->root);
	free(cg->path);
	free(cg);
}

enum cgroup_mode cgroup_mode(const struct cgroup *cg)
{
	return cg->mode;
}

int cgroup_fd(const struct cgroup *cg)
{
	return cg->dir;
}

/* -- Creating ------------------------------------------------------------- */

/* Lets the children of dir have all controllers that dir itself has. */
static void enable_controllers(int dir)
{
	_cleanup_(buf_fini) struct buf all = {}, on = {};
	char *save, word[64];

	if (fd_read_file(dir, "cgroup.controllers", &all, FILE_MAX_BYTES) < 0 ||
	    fd_read_file(dir, "cgroup.subtree_control", &on, FILE_MAX_BYTES) < 0)
		return;
	if (!all.data || (on.data && all.len == on.len &&
			  memcmp(all.data, on.data, all.len) == 0))
		return;
	for (char *c = strtok_r(all.data, " \n", &save); c;
	     c = strtok_r(NULL, " \n", &save)) {
		/* One by one: what the parent may not have is told by the
		 * limit that needs it. */
		snprintf(word, sizeof(word), "+%s", c);
		fd_write_file(dir, "cgroup.subtree_control", word);
	}
}

/* The leaf, whose parents exist. */
static int make_leaf(struct cgroup *cg, int parent, const char *name)
{
	_cleanup_(buf_fini) struct buf events = {};

	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return fail(errno, "make cgroup %s", cg->path);
	cg->dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cg->dir < 0)
		return fail(errno, "open cgroup %s", cg->path);
	return 0;
}

/* Walks to the leaf, making what is missing, enabling controllers. */
static int create_v2(struct cgroup *cg)
{
	_cleanup_free_ char *copy = strdup(relative(cg));
	_cleanup_fd_ int at = dup(cg->root);
	char *name = copy;

	if (!copy || at < 0)
		return fail(ENOMEM, "cgroup");
	for (char *slash; (slash = strchr(name, '/')); name = slash + 1) {
		*slash = '\0';
		if (!*name)
			continue;
		if (cg->mode == CGROUP_V2)
			enable_controllers(at);
		if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
			return fail(errno, "make cgroup %s", cg->path);

		int next = openat(at, name,
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (next < 0)
			return fail(errno, "open cgroup %s", cg->path);
		close(at);
		at = next;
	}
	if (cg->mode == CGROUP_V2)
		enable_controllers(at);
	fail_clear();
	return make_leaf(cg, at, name);
}

static int read_event(int events, const char *key)
{
	char text[256];
	ssize_t n = pread(events, text, sizeof(text) - 1, 0);
	const char *at;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	at = strstr(text, key);
	return at ? atoi(at + strlen(key)) : 0;
}

static int open_events(const struct cgroup *cg)
{
	return cg->dir < 0 ? -1
			   : openat(cg->dir, "cgroup.events",
				    O_RDONLY | O_CLOEXEC);
}

static bool is_populated(const struct cgroup *cg)
{
	_cleanup_fd_ int events = open_events(cg);

	return events >= 0 && read_event(events, "populated ") > 0;
}

int cgroup_create(const char *path, struct cgroup **out)
{
	struct cgroup *cg;
	int r = make(path, &cg);

	if (r < 0)
		return r;
	if (cg->root >= 0)
		r = create_v2(cg);
	if (r == 0 && is_populated(cg)) {
		r = fail_plain(EBUSY, "cgroup %s is in use", path);
		cgroup_close(cg);
		return r;
	}
	if (r == 0)
		r = cgroup_v1_create(cg);
	if (r < 0) {
		_cleanup_free_ char *text = strdup(fail_text());

		cgroup_remove(cg);
		if (text)
			fail_from(-r, text, strlen(text));
		cgroup_close(cg);
		return r;
	}
	*out = cg;
	return 0;
}

int cgroup_join(const struct cgroup *cg, bool in_v2)
{
	int r = 0;

	if (!in_v2 && cg->dir >= 0)
		r = fd_write_file(cg->dir, "cgroup.procs", "0");
	return r < 0 ? r : cgroup_v1_join(cg);
}

int cgroup_apply(struct cgroup *cg, const struct spec_resources *res,
		 bool is_update)
{
	int r = cg->mode == CGROUP_V2 ? cgroup_v2_apply(cg->dir, res)
				      : cgroup_v1_apply(cg, res);

	(void)is_update; /* without rules both leave devices alone */
	if (r == 0 && cg->mode == CGROUP_V2 && res->n_devices)
		r = cgroup_devices_attach(cg->dir, res);
	return r;
}

/* -- Life cycle ----------------------------------------------------------- */

int cgroup_kill(struct cgroup *cg)
{
	int r;

	if (cg->dir < 0)
		return cg->mode == CGROUP_V1 && cg->root < 0
			       ? cgroup_signal(cg, SIGKILL)
			       : 0;
	r = fd_write_file(cg->dir, "cgroup.kill", "1");
	/* A cgroup that was removed has nothing to kill. */
	return r == -ENODEV || r == -ENOENT ? 0 : r;
}

int cgroup_signal(struct cgroup *cg, int sig)
{
	_cleanup_(buf_fini) struct buf pids = {};
	int r = cgroup_pids(cg, &pids);

	for (size_t i = 0; r == 0 && i < pids.len / sizeof(pid_t); i++) {
		pid_t pid = ((pid_t *)(void *)pids.data)[i];

		if (kill(pid, sig) < 0 && errno != ESRCH)
			r = fail(errno, "send signal %d to process %d", sig,
				 pid);
	}
	return r;
}

/* Waits on cgroup.events until key has this value. */
static int wait_event(const struct cgroup *cg, const char *key, int value,
		      int timeout_ms)
{
	_cleanup_fd_ int events = open_events(cg);
	struct pollfd p = {.fd = events, .events = POLLPRI};

	if (events < 0)
		return errno == ENOENT || errno == ENODEV || cg->dir < 0
			       ? 0
			       : fail(errno, "open cgroup.events");
	for (;;) {
		/* Read first: it arms the notification. */
		int now = read_event(events, key);

		if (now == value || now == -ENODEV)
			return 0;
		if (now < 0)
			return fail(-now, "read cgroup.events");

		int n = poll(&p, 1, timeout_ms);

		if (n == 0)
			return fail(ETIMEDOUT, "wait for cgroup %s", cg->path);
		if (n < 0 && errno != EINTR)
			return fail(errno, "wait for cgroup %s", cg->path);
	}
}

int cgroup_freeze(struct cgroup *cg, bool frozen)
{
	int r;

	if (cg->dir < 0)
		return fail_plain(EOPNOTSUPP, "cgroup %s cannot be frozen",
				  cg->path);
	r = fd_write_file(cg->dir, "cgroup.freeze", frozen ? "1" : "0");
	return r < 0 ? r : wait_event(cg, "frozen ", frozen, -1);
}

int cgroup_wait_thawed(struct cgroup *cg)
{
	return wait_event(cg, "frozen ", 0, -1);
}

int cgroup_is_frozen(struct cgroup *cg)
{
	_cleanup_fd_ int events = open_events(cg);
	int r = events < 0 ? 0 : read_event(events, "frozen ");

	return r < 0 ? 0 : r;
}

int cgroup_wait_empty(struct cgroup *cg, int timeout_ms)
{
	return wait_event(cg, "populated ", 0, timeout_ms);
}

/* Appends the numbers in dir's cgroup.procs, as pid_t. */
static int append_pids(int dir, struct buf *pids)
{
	_cleanup_(buf_fini) struct buf text = {};
	int r = fd_read_file(dir, "cgroup.procs", &text, FILE_MAX_BYTES);

	/* A threaded cgroup: its processes are listed above it. */
	if (r == -EOPNOTSUPP || r == -ENODEV || r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	for (const char *p = buf_str(&text); *p; p += strcspn(p, "\n"), p += *p == '\n') {
		pid_t pid = atoi(p);

		if (pid > 0)
			buf_put(pids, &pid, sizeof(pid));
	}
	return 0;
}

#define PIDS_DEPTH_MAX 64 /* deeper ones are the container's own affair */

static int collect(int dir, struct buf *pids, unsigned depth)
{
	int r = append_pids(dir, pids);
	int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = own < 0 ? NULL : fdopendir(own);

	if (!d)
		return r;
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		if (e->d_type != DT_DIR || *e->d_name == '.' ||
		    depth == PIDS_DEPTH_MAX)
			continue;

		_cleanup_fd_ int sub =
			openat(dir, e->d_name,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (sub >= 0)
			r = collect(sub, pids, depth + 1);
	}
	closedir(d);
	return r;
}

int cgroup_pids(struct cgroup *cg, struct buf *pids)
{
	int r = cg->dir < 0 ? 0 : collect(cg->dir, pids, 0);

	if (r == 0 && pids->failed)
		r = fail(ENOMEM, "list the processes of cgroup %s", cg->path);
	return r;
}

static int remove_everywhere(struct cgroup *cg)
{
	int r = cgroup_v1_remove(cg);

	/* Last: its events tell when the others can be removed. */
	return r < 0 || cg->root < 0 ? r
				     : cgroup_remove_tree(cg->root,
							  relative(cg));
}

int cgroup_remove(struct cgroup *cg)
{
	int r = remove_everywhere(cg);

	/* What has been killed takes a moment to be gone. */
	if (r == -EBUSY) {
		if (is_populated(cg)) {
			r = wait_event(cg, "populated ", 0, REMOVE_TIMEOUT_MS);
			if (r < 0)
				return r;
		}
		r = remove_everywhere(cg);
	}
	return r < 0 ? fail(-r, "remove cgroup %s", cg->path) : 0;
}
