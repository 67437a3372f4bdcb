/* SPDX-License-Identifier: MIT */
/* Making, finding, joining and removing a cgroup in every hierarchy. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/path.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* -- The path ------------------------------------------------------------- */

/* A path of NULL, with errno and text. */
static char *no_path(int err, const char *why, const char *path)
{
	fail_plain(err, "path \"%s\" %s", path, why);
	errno = err;
	return NULL;
}

char *cgroup_path(const char *cgroups_path, const char *id)
{
	const char *from = cgroups_path && *cgroups_path ? cgroups_path : id;
	_cleanup_free_ char *path = malloc(strlen(from) + 2);
	size_t len = 0;

	if (!path)
		return no_path(ENOMEM, "is too long", from);
	if (path_has_dotdot(from))
		return no_path(EINVAL, "has \"..\" in it", from);
	/* Each component once with a slash before it; "." is none. */
	for (const char *p = from; *p;) {
		size_t n = strcspn(p, "/");

		if (n > 1 || (n == 1 && *p != '.')) {
			path[len++] = '/';
			memcpy(path + len, p, n);
			len += n;
		}
		p += n;
		p += strspn(p, "/");
	}
	path[len] = '\0';
	return len ? take_ptr(&path) : no_path(EINVAL, "is the root", from);
}

/* -- Finding the hierarchies ---------------------------------------------- */

static int place_v2(struct cgroup *cg, int root, const char *mount)
{
	cg->v2.root = root;
	cg->v2.label = "unified";
	cg->v2.root_len = strlen(mount);
	/* Relative to a detached mount's root: without the first slash. */
	cg->v2.dir = arena_printf(&cg->arena, "%s%s", mount,
				  *mount ? cg->path : cg->path + 1);
	return cg->v2.dir ? 0 : fail(ENOMEM, "%s", cg->path);
}

/*
 * A cgroup2 mount that no one else sees; -1 when we may not. There is one
 * cgroup2 for the whole machine: a mount from the initial cgroup namespace
 * sets its flags anew, for everybody, and what it does not name it clears.
 * So the flags that protect are named. What else the machine may have set
 * cannot be read without a mount; hence only where none is to be seen.
 */
static int mount_detached_v2(void)
{
	static const char *const flags[] = {"nsdelegate",
					    "memory_recursiveprot"};
	_cleanup_fd_ int fs = sys_fsopen("cgroup2", FSOPEN_CLOEXEC);

	if (fs < 0)
		return -1;
	/* One that an old kernel refuses, it cannot have set. */
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		sys_fsconfig(fs, FSCONFIG_SET_FLAG, flags[i], NULL);
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
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
		return place_v2(cg, AT_FDCWD, CGROUP_ROOT);
	}
	cg->mode = CGROUP_V1;

	int r = cgroup_v1_find(cg);
	if (r < 0 || cg->v2.dir)
		return r;
	cg->v2_root = mount_detached_v2();
	if (cg->v2_root >= 0)
		return place_v2(cg, cg->v2_root, "");
	return cg->n_v1 ? 0 : fail_plain(ENOENT, "no hierarchy is mounted");
}

static int cgroup_new(const char *path, struct cgroup **out)
{
	struct cgroup *cg = calloc(1, sizeof(*cg));

	if (!cg)
		return fail(ENOMEM, "%s", path);
	cg->v2_fd = cg->v2_root = -1;
	cg->path = arena_strdup(&cg->arena, path);

	int r = 0;
	if (*path != '/' || path_has_dotdot(path))
		r = fail_plain(EINVAL, "path \"%s\" is not valid", path);
	else if (!cg->path)
		r = fail(ENOMEM, "%s", path);
	else
		r = find_hierarchies(cg);
	if (r < 0) {
		cgroup_close(cg);
		return r;
	}
	*out = cg;
	return 0;
}

static int open_v2(struct cgroup *cg)
{
	if (!cg->v2.dir)
		return 0;
	cg->v2_fd = openat(cg->v2.root, cg->v2.dir,
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cg->v2_fd < 0 && errno != ENOENT)
		return fail(errno, "open %s", cg->v2.dir);
	return 0;
}

/* -- Creating and opening ------------------------------------------------- */

static int refuse_used(const struct cgroup *cg, const struct hierarchy *h)
{
	struct buf pids = {};
	int r = h->had ? cgroup_tree_pids(h, &pids) : 0;

	if (r == 0 && pids.len)
		r = fail_plain(EBUSY, "%s is in use by another container",
			       cg->path);
	buf_fini(&pids);
	return r;
}

static int make_all(struct cgroup *cg)
{
	int r = cg->v2.dir ? cgroup_tree_make(&cg->v2, NULL) : 0;

	if (r == 0)
		r = refuse_used(cg, &cg->v2);
	if (r == 0)
		r = cgroup_v1_make(cg);
	for (size_t i = 0; r == 0 && i < cg->n_v1; i++)
		r = refuse_used(cg, &cg->v1[i]);
	if (r == 0)
		r = open_v2(cg);
	if (r == 0 && cg->mode == CGROUP_V2)
		cgroup_v2_enable(cg);
	return r;
}

int cgroup_create(const char *path, struct cgroup **out)
{
	struct cgroup *cg = NULL;
	int r = cgroup_new(path, &cg);

	if (r < 0)
		return r;
	r = make_all(cg);
	if (r < 0) {
		for (size_t i = 0; i < cg->n_v1; i++)
			cgroup_tree_undo(&cg->v1[i]);
		cgroup_tree_undo(&cg->v2);
		cgroup_close(cg);
		return r;
	}
	cg->is_new = !cg->v2.had;
	*out = cg;
	return 0;
}

int cgroup_open(const char *path, struct cgroup **out)
{
	struct cgroup *cg = NULL;
	int r = cgroup_new(path, &cg);

	if (r < 0)
		return r;
	r = open_v2(cg);
	if (r < 0) {
		cgroup_close(cg);
		return r;
	}
	*out = cg;
	return 0;
}

void cgroup_close(struct cgroup *cg)
{
	if (!cg)
		return;
	cleanup_fd(&cg->v2_fd);
	cleanup_fd(&cg->v2_root);
	arena_fini(&cg->arena);
	free(cg);
}

enum cgroup_mode cgroup_mode(const struct cgroup *cg)
{
	return cg->mode;
}

int cgroup_fd(const struct cgroup *cg)
{
	return cg->v2_fd;
}

/* -- Limits --------------------------------------------------------------- */

int cgroup_memory_limit(const struct cgroup *cg, int64_t *limit)
{
	bool is_v1 = cgroup_v1_with(cg, CGROUP_MEMORY);
	const char *file = is_v1 ? "memory.limit_in_bytes" : "memory.max";
	int r = cgroup_limit_read_number(cg, CGROUP_MEMORY, file, limit);

	return r < 0 ? fail(-r, "cgroup %s: read %s", cg->path, file) : 0;
}

int cgroup_apply(struct cgroup *cg, const struct spec_resources *res,
		 bool is_update)
{
	struct limit_source src = {cg, res, is_update};
	int r = cg->mode == CGROUP_V2 ? cgroup_v2_limits(&src)
				      : cgroup_v1_limits(&src);

	if (r == 0)
		r = cgroup_v2_unified(&src);
	if (r == 0)
		r = cgroup_devices_apply(cg, res, is_update);
	cg->is_new = false;
	return r;
}
