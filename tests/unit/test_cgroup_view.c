/* SPDX-License-Identifier: MIT */
/* Tests of the view from inside, mounted in a mount namespace of its own. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/path.h"
#include "tests/unit/test.h"

/* One view and what is to be seen in it. */
struct scene {
	struct cgroup *cg;
	bool has_ns;
	unsigned attr;
	bool (*look)(const struct scene *s, int target);
	bool stays_outside; /* the cgroup is not to be joined */
};

static bool say(bool ok, const char *what)
{
	if (!ok)
		printf("# %s (%s)\n", what, fail_text());
	return ok;
}

/* True when the process list at path holds this very process alone. */
static bool lists_us(int target, const char *path)
{
	struct buf b = {};
	bool ok = fd_read_file(target, path, &b, 1 << 20) == 0 &&
		  atoi(buf_str(&b)) == getpid();

	buf_fini(&b);
	return ok;
}

static bool is_refused_write(int dir, const char *name)
{
	bool refused = mkdirat(dir, name, 0755) < 0 && errno == EROFS;

	if (!refused)
		unlinkat(dir, name, AT_REMOVEDIR);
	return refused;
}

static bool look_v2(const struct scene *s, int target)
{
	return say(path_is_on(target, CGROUP2_SUPER_MAGIC), "is cgroup2") &&
	       say(lists_us(target, "cgroup.procs"), "shows our cgroup") &&
	       (!(s->attr & MOUNT_ATTR_RDONLY) ||
		say(is_refused_write(target, "new"), "is read-only"));
}

/* Each controller is found by its own name, be it a directory or a link. */
static bool has_names(const struct hierarchy *h, int target)
{
	bool ok = true;

	for (int i = 0; i < CGROUP_CONTROLLERS; i++) {
		char file[64];

		snprintf(file, sizeof(file), "%s/cgroup.procs",
			 cgroup_v1_name(i));
		if (h->controllers & 1U << i)
			ok = say(lists_us(target, file), file) && ok;
	}
	return ok;
}

static bool look_v1(const struct scene *s, int target)
{
	bool ok = say(path_is_on(target, TMPFS_MAGIC), "is a tmpfs");
	struct stat st;

	ok = ok && say(fstat(target, &st) == 0 && (st.st_mode & 07777) == 0755,
		       "mode of the tmpfs");
	for (size_t i = 0; ok && i < s->cg->n_v1; i++) {
		const char *label = s->cg->v1[i].label;
		char file[300];
		_cleanup_fd_ int dir =
			openat(target, label, O_RDONLY | O_CLOEXEC);

		snprintf(file, sizeof(file), "%s/cgroup.procs", label);
		ok = say(path_is_on(dir, CGROUP_SUPER_MAGIC), label) &&
		     say(lists_us(target, file), file) &&
		     has_names(&s->cg->v1[i], target) &&
		     (!(s->attr & MOUNT_ATTR_RDONLY) ||
		      say(is_refused_write(dir, "new"), "is read-only"));
	}
	if (ok && s->cg->v2.dir && s->cg->v2_root < 0)
		ok = say(lists_us(target, "unified/cgroup.procs"), "unified");
	if (ok && s->attr & MOUNT_ATTR_RDONLY)
		ok = say(is_refused_write(target, "new"), "tmpfs is read-only");
	return ok;
}

static bool look(const struct scene *s, int target)
{
	return cgroup_mode(s->cg) == CGROUP_V2 ? look_v2(s, target)
					       : look_v1(s, target);
}

static bool look_links(const struct scene *s, int target)
{
	char to[64] = "";

	return readlinkat(target, "cpuacct", to, sizeof(to) - 1) == 11 &&
	       strcmp(to, "cpu,cpuacct") == 0 &&
	       readlinkat(target, "cpu", to, sizeof(to) - 1) == 11 &&
	       s->cg->n_v1 == 1;
}

/* In the child: becomes what a container's process is, and looks. */
static bool act(const struct scene *s, const struct cgroup_view *view)
{
	unsigned flags = CLONE_NEWNS | (s->has_ns ? CLONE_NEWCGROUP : 0);

	if ((!s->stays_outside &&
	     !say(cgroup_join(s->cg, false) == 0, "join")) ||
	    !say(unshare(flags) == 0, "unshare") ||
	    !say(sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0,
		 "private mounts") ||
	    !say(sys_mount("t", "/mnt", "tmpfs", 0, NULL) == 0, "a tmpfs") ||
	    !say(mkdir("/mnt/view", 0700) == 0, "mkdir"))
		return false;

	_cleanup_fd_ int at =
		open("/mnt/view", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!say(cgroup_view_mount(view, at, s->attr) == 0, "mount the view"))
		return false;

	_cleanup_fd_ int target =
		open("/mnt/view", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->look(s, target);
}

static bool shows(struct scene s)
{
	struct cgroup_view *view = NULL;
	int status = -1;

	if (!say(cgroup_view_open(s.cg, s.has_ns, &view) == 0, "open the view"))
		return false;

	pid_t pid = fork();
	if (pid == 0)
		_exit(act(&s, view) ? 0 : 1);
	cgroup_view_close(view);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* In a child: all hierarchies are found, and one less under a tmpfs. */
static bool hides_one(const struct cgroup *cg)
{
	struct cgroup all = {.path = cg->path}, rest = {.path = cg->path};
	char point[4096];

	if (!say(unshare(CLONE_NEWNS) == 0, "unshare") ||
	    !say(sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0,
		 "private mounts") ||
	    !say(cgroup_v1_find(&all) == 0, "find all"))
		return false;
	snprintf(point, sizeof(point), "%.*s", (int)all.v1[0].root_len,
		 all.v1[0].dir);
	return say(sys_mount("t", point, "tmpfs", 0, NULL) == 0, point) &&
	       say(cgroup_v1_find(&rest) == 0, "find the rest") &&
	       say(rest.n_v1 + 1 == all.n_v1, "one is hidden");
}

static void hidden(const struct cgroup *cg)
{
	int status = -1;

	if (cg->n_v1 == 0)
		SKIP("a hierarchy of cgroup v1");

	pid_t pid = fork();
	if (pid == 0)
		_exit(hides_one(cg) ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
	const unsigned usual =
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	const unsigned ro = usual | MOUNT_ATTR_RDONLY;
	struct cgroup *cg = NULL;
	char path[64];

	setvbuf(stdout, NULL, _IONBF, 0);
	if (geteuid() != 0) {
		TEST("the view of cgroups from inside")
		SKIP("root");
		return test_done();
	}
	snprintf(path, sizeof(path), "/bulkhead-test-view-%d", getpid());
	TEST("a cgroup to be looked at is made")
	CHECK(cgroup_create(path, &cg) == 0);
	if (!cg)
		return test_done();
	TEST("with a cgroup namespace the view begins at the own cgroup")
	CHECK(shows((struct scene){cg, true, usual, look, false}));
	TEST("the same, read-only")
	CHECK(shows((struct scene){cg, true, ro, look, false}));
	TEST("without one the view is the own directories")
	CHECK(shows((struct scene){cg, false, usual, look, false}));
	TEST("the same, read-only")
	CHECK(shows((struct scene){cg, false, ro, look, false}));
	TEST("controllers that share a hierarchy are linked to it")
	{
		struct hierarchy both = cg->n_v1 ? cg->v1[0] : cg->v2;
		struct cgroup joined = {.mode = CGROUP_V1,
					.v1 = &both,
					.n_v1 = 1,
					.v2_fd = -1,
					.v2_root = -1};

		both.label = "cpu,cpuacct";
		both.controllers = 1U << CGROUP_CPU | 1U << CGROUP_CPUACCT;
		CHECK(shows(
			(struct scene){&joined, false, ro, look_links, true}));
	}
	TEST("a hierarchy under another mount is not taken")
	hidden(cg);
	TEST("the cgroup is removed")
	CHECK(cgroup_remove(cg) == 0);
	cgroup_close(cg);
	return test_done();
}
