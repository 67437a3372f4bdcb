/* SPDX-License-Identifier: MIT */
/* Which cgroup a process goes into, and its going there. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "isolate/scratch.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/path.h"

#define PROC_CGROUP_MAX_BYTES (1 << 16)

/* -- Choosing ------------------------------------------------------------- */

/* Opens dir, of arena memory, in the place of the v2 directory. */
static int set_v2(struct cgroup *cg, char *dir)
{
	int fd = dir ? openat(cg->v2.root, dir,
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		     : -1;

	if (!dir)
		return fail(ENOMEM, "cgroup");
	if (fd < 0)
		return fail(errno, "cgroup %s", dir);
	cleanup_fd(&cg->v2_fd);
	cg->v2_fd = fd;
	cg->v2.dir = dir;
	return 0;
}

static int descend_v1(struct cgroup *cg, struct hierarchy *h, const char *sub)
{
	char *dir = arena_printf(&cg->arena, "%s/%s", h->dir, sub);

	if (!dir)
		return fail(ENOMEM, "cgroup");
	if (strlen(dir) >= PATH_MAX - NAME_MAX)
		return fail(ENAMETOOLONG, "cgroup %s", sub);
	h->dir = dir;
	return 0;
}

static bool is_named(const struct hierarchy *h, const char *word, size_t len)
{
	if (h->name && strncmp(word, "name=", 5) == 0 &&
	    strlen(h->name) == len - 5 &&
	    strncmp(h->name, word + 5, len - 5) == 0)
		return true;
	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		const char *name = cgroup_v1_name((enum cgroup_controller)i);

		if (h->controllers & 1U << i && strlen(name) == len &&
		    strncmp(name, word, len) == 0)
			return true;
	}
	return false;
}

/* Controllers of one hierarchy, "cpu,cpuacct", move it once. */
static int descend_some(struct cgroup *cg, const char *list, size_t list_len,
			const char *sub)
{
	_cleanup_free_ bool *chosen = calloc(cg->n_v1 + 1, sizeof(*chosen));
	const char *end = list + list_len;
	int r = 0;

	if (!chosen)
		return fail(ENOMEM, "cgroup");
	for (size_t n; list < end; list += n + (list + n < end)) {
		size_t i = 0;

		n = strcspn(list, ",:");
		while (i < cg->n_v1 && !is_named(&cg->v1[i], list, n))
			i++;
		if (i == cg->n_v1)
			return fail_plain(EINVAL,
					  "cgroup: there is no v1 hierarchy "
					  "with controller \"%.*s\"",
					  (int)n, list);
		chosen[i] = true;
	}
	for (size_t i = 0; r == 0 && i < cg->n_v1; i++)
		if (chosen[i])
			r = descend_v1(cg, &cg->v1[i], sub);
	return r;
}

int cgroup_descend(struct cgroup *cg, const char *where)
{
	const char *colon = strchr(where, ':');
	const char *sub = colon ? colon + 1 : where;
	int r = 0;

	if (path_has_dotdot(sub))
		return fail_plain(EINVAL,
				  "cgroup %s leads out of the container's "
				  "cgroup",
				  sub);
	if (colon)
		return descend_some(cg, where, (size_t)(colon - where), sub);
	if (cg->v2.dir)
		r = set_v2(cg,
			   arena_printf(&cg->arena, "%s/%s", cg->v2.dir, sub));
	for (size_t i = 0; r == 0 && i < cg->n_v1; i++)
		r = descend_v1(cg, &cg->v1[i], sub);
	return r;
}

int cgroup_follow(struct cgroup *cg, int proc, pid_t pid)
{
	_cleanup_(buf_fini) struct buf text = {};
	char file[32];
	const char *path = NULL;
	char *save = NULL;
	int r;

	snprintf(file, sizeof(file), "%d/cgroup", pid);
	r = fd_read_file(proc, file, &text, PROC_CGROUP_MAX_BYTES);
	if (r < 0)
		return r;
	for (char *l = strtok_r(text.data, "\n", &save); l && !path;
	     l = strtok_r(NULL, "\n", &save))
		if (strncmp(l, "0::/", 4) == 0)
			path = l + 4;
	if (!path || !cg->v2.dir)
		return fail_plain(ENOENT, "process %d has no v2 cgroup", pid);
	return set_v2(cg, arena_printf(&cg->arena, "%.*s%s%s",
				       (int)cg->v2.root_len, cg->v2.dir,
				       cg->v2.root_len ? "/" : "", path));
}

/* -- Joining -------------------------------------------------------------- */

int cgroup_join(const struct cgroup *cg, bool in_v2)
{
	struct scratch fds = {};
	char file[PATH_MAX];
	int r = 0;

	if (!in_v2 && cg->v2_fd >= 0)
		r = fd_write_file(cg->v2_fd, "cgroup.procs", "0");
	for (size_t i = 0; r == 0 && i < cg->n_v1; i++) {
		snprintf(file, sizeof(file), "%s/tasks", cg->v1[i].dir);
		scratch_reserve(&fds, 1);

		int fd = scratch_keep(&fds, openat(cg->v1[i].root, file,
						   O_WRONLY | O_CLOEXEC));
		if (fd < 0 || write(fd, "0", 1) < 0)
			r = fail(errno, "join %s", cg->v1[i].dir);
	}
	scratch_close(&fds);
	return r;
}
