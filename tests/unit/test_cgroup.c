/* SPDX-License-Identifier: MIT */
/* Tests of cgroups on the machine's own hierarchies, v1, hybrid or v2. */
#include "isolate/cgroup_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "tests/unit/test.h"

#define DEPTH 300 /* of hostile nesting: more than fds or a path would take */

/* A path that no other test uses. */
static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/bulkhead-test-%d%s", getpid(), name);
	return path;
}

/* Shows why a call failed. */
static int shown(int r)
{
	if (r < 0)
		printf("# %d: %s\n", r, fail_text());
	return r;
}

/* A process in cg that waits for a signal; joined as spawn does it. */
static pid_t start(struct cgroup *cg)
{
	int ready[2];
	char byte = 0;
	struct clone_args args = {
		.flags = cgroup_fd(cg) < 0 ? 0 : CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroup_fd(cg)};

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;

	pid_t pid = sys_clone3(&args);
	if (pid == 0) {
		byte = cgroup_join(cg, cgroup_fd(cg) >= 0) == 0;
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		byte = 0;
	close(ready[0]);
	return byte ? pid : -1;
}

static void end(pid_t pid)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* How many hierarchies have cg's directory. */
static size_t count_dirs(const struct cgroup *cg)
{
	struct stat st;
	size_t n = 0;

	if (cg->v2.dir)
		n += fstatat(cg->v2.root, cg->v2.dir, &st, 0) == 0;
	for (size_t i = 0; i < cg->n_v1; i++)
		n += fstatat(cg->v1[i].root, cg->v1[i].dir, &st, 0) == 0;
	return n;
}

/* Makes cg's directories and nothing else, as a container could. */
static void make_dirs(const struct cgroup *cg)
{
	if (cg->v2.dir)
		mkdirat(cg->v2.root, cg->v2.dir, 0755);
	for (size_t i = 0; i < cg->n_v1; i++)
		mkdirat(cg->v1[i].root, cg->v1[i].dir, 0755);
}

static size_t count_hierarchies(const struct cgroup *cg)
{
	return cg->n_v1 + (cg->v2.dir != NULL);
}

/* The first line of a file of cg; "?" when it cannot be read. */
static const char *file_of(const struct cgroup *cg,
			   enum cgroup_controller controller, const char *file)
{
	static char text[256];
	struct buf b = {};

	if (cgroup_limit_read(cg, controller, file, &b) < 0)
		buf_puts(&b, "?");
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(buf_str(&b), "\n"),
		 buf_str(&b));
	buf_fini(&b);
	return text;
}

static bool holds(const struct cgroup *cg, enum cgroup_controller controller,
		  const char *v1_file, const char *v2_file, const char *want)
{
	bool is_v2 = cgroup_mode(cg) == CGROUP_V2;
	const char *got = file_of(cg, controller, is_v2 ? v2_file : v1_file);

	if (strcmp(got, want) != 0)
		printf("# %s: \"%s\", not \"%s\"\n", is_v2 ? v2_file : v1_file,
		       got, want);
	return strcmp(got, want) == 0;
}

/* -- Paths ---------------------------------------------------------------- */

static bool path_is(const char *given, const char *want)
{
	_cleanup_free_ char *path = cgroup_path(given, "web");

	return path && want ? strcmp(path, want) == 0 : path == want;
}

static void test_paths(void)
{
	TEST("a cgroup path is made absolute and plain")
	{
		CHECK(path_is(NULL, "/web"));
		CHECK(path_is("", "/web"));
		CHECK(path_is("a/b", "/a/b"));
		CHECK(path_is("/a/b", "/a/b"));
		CHECK(path_is("//a/./b//", "/a/b"));
		CHECK(path_is("/.hidden/b", "/.hidden/b"));
	}
	TEST("a path that leads up or to the root is refused")
	{
		CHECK(path_is("/a/../..", NULL));
		CHECK(errno == EINVAL);
		CHECK(path_is("..", NULL));
		CHECK(path_is("/", NULL));
		CHECK(path_is("/./", NULL));
		CHECK(strstr(fail_text(), "root"));
	}
}

/* -- Life ----------------------------------------------------------------- */

static void test_life(void)
{
	struct cgroup *cg = NULL, *other = NULL;
	pid_t pid = -1;

	TEST("a new cgroup exists in every hierarchy")
	{
		CHECK(shown(cgroup_create(path_of("-life"), &cg)) == 0);
		if (!cg)
			return;
		CHECK(count_dirs(cg) == count_hierarchies(cg));
		CHECK(cgroup_fd(cg) >= 0);
	}
	TEST("a process that joins is in it in every hierarchy")
	{
		struct buf b = {};
		char file[64];
		size_t n = 0;

		pid = start(cg);
		CHECK(pid > 0);
		snprintf(file, sizeof(file), "/proc/%d/cgroup", pid);
		CHECK(fd_read_file(AT_FDCWD, file, &b, 1 << 16) == 0);
		for (const char *p = buf_str(&b);
		     (p = strstr(p, path_of("-life"))); p++)
			n++;
		CHECK(n == count_hierarchies(cg));
		buf_fini(&b);
	}
	TEST("its processes are listed")
	{
		struct buf pids = {};

		CHECK(shown(cgroup_pids(cg, &pids)) == 0);
		CHECK(pids.len == sizeof(pid_t) && *(pid_t *)pids.data == pid);
		buf_fini(&pids);
	}
	TEST("a cgroup in use cannot be created, and stays as it is")
	{
		CHECK(cgroup_create(path_of("-life"), &other) == -EBUSY);
		CHECK(strstr(fail_text(), "is in use by another container"));
		CHECK(!other);
		CHECK(count_dirs(cg) == count_hierarchies(cg));
		CHECK(kill(pid, 0) == 0);
	}
	TEST("a cgroup with a living process is not removed")
	{
		CHECK(cgroup_remove(cg) == -EBUSY);
		CHECK(strstr(fail_text(), "still in it"));
	}
	TEST("freezing returns when it is so, thawing too")
	{
		CHECK(cgroup_is_frozen(cg) == 0);
		CHECK(shown(cgroup_freeze(cg, true)) == 0);
		CHECK(cgroup_is_frozen(cg) == 1);
		CHECK(shown(cgroup_freeze(cg, false)) == 0);
		CHECK(cgroup_is_frozen(cg) == 0);
		CHECK(cgroup_wait_thawed(cg) == 0);
	}
	TEST("waiting for the end gives up in time")
	CHECK(cgroup_wait_empty(cg, 1) == -ETIMEDOUT);
	TEST("a signal reaches the processes")
	{
		int status = 0;

		CHECK(shown(cgroup_signal(cg, SIGTERM)) == 0);
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
		CHECK(shown(cgroup_wait_empty(cg, 10000)) == 0);
	}
	TEST("kill and remove work at once, before the killed is reaped")
	{
		for (int i = 0; i < 20; i++) {
			pid = start(cg);
			CHECK(pid > 0);
			CHECK(shown(cgroup_kill(cg)) == 0);
			CHECK(shown(cgroup_remove(cg)) == 0);
			CHECK(count_dirs(cg) == 0);
			end(pid);
			cgroup_close(cg);
			cg = NULL;
			CHECK(shown(cgroup_create(path_of("-life"), &cg)) == 0);
		}
	}
	TEST("a frozen process is killed too")
	{
		pid = start(cg);
		CHECK(shown(cgroup_freeze(cg, true)) == 0);
		CHECK(shown(cgroup_kill(cg)) == 0);
		CHECK(shown(cgroup_wait_empty(cg, 10000)) == 0);
		end(pid);
	}
	TEST("what is gone can be removed, killed, listed and asked again")
	{
		struct buf pids = {};

		CHECK(shown(cgroup_remove(cg)) == 0);
		CHECK(shown(cgroup_remove(cg)) == 0);
		CHECK(shown(cgroup_kill(cg)) == 0);
		CHECK(cgroup_is_frozen(cg) == 0);
		CHECK(cgroup_pids(cg, &pids) == 0 && pids.len == 0);
		CHECK(cgroup_wait_empty(cg, -1) == 0);
		buf_fini(&pids);
		cgroup_close(cg);
		CHECK(shown(cgroup_open(path_of("-life"), &cg)) == 0);
		CHECK(cgroup_fd(cg) == -1);
		CHECK(shown(cgroup_remove(cg)) == 0);
	}
	cgroup_close(cg);
}

/* -- Directories ---------------------------------------------------------- */

static void remove_path(const char *name)
{
	struct cgroup *cg = NULL;

	CHECK(shown(cgroup_open(path_of(name), &cg)) == 0);
	CHECK(shown(cgroup_remove(cg)) == 0);
	CHECK(count_dirs(cg) == 0);
	cgroup_close(cg);
}

/* Nests DEPTH cgroups below dir; the fd of the innermost, or -1. */
static int nest(int dir)
{
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 3);

	for (int i = 0; at >= 0 && i < DEPTH; i++) {
		mkdirat(at, "side", 0755);
		int next = mkdirat(at, "a-rather-long-name", 0755) < 0
				   ? -1
				   : openat(at, "a-rather-long-name",
					    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		close(at);
		at = next;
	}
	return at;
}

static void test_directories(void)
{
	struct cgroup *cg = NULL;

	TEST("missing parents are made")
	{
		CHECK(shown(cgroup_create(path_of("/a/b/c"), &cg)) == 0);
		CHECK(count_dirs(cg) == count_hierarchies(cg));
		end(start(cg));
		CHECK(shown(cgroup_remove(cg)) == 0);
		cgroup_close(cg);
	}
	TEST("an existing empty cgroup is used")
	{
		struct cgroup *again = NULL;

		CHECK(shown(cgroup_create(path_of("/a/b"), &cg)) == 0);
		CHECK(shown(cgroup_create(path_of("/a/b"), &again)) == 0);
		cgroup_close(cg);
		cgroup_close(again);
	}
	TEST("what a creation that was killed half-way left is used and "
	     "removed")
	{
		CHECK(shown(cgroup_open(path_of("-half"), &cg)) == 0);
		/* Directories alone: a cpuset in there has no CPUs. */
		make_dirs(cg);
		if (cg->n_v1)
			unlinkat(cg->v1[0].root, cg->v1[0].dir, AT_REMOVEDIR);
		CHECK(shown(cgroup_remove(cg)) == 0);
		CHECK(count_dirs(cg) == 0);
		make_dirs(cg);
		if (cg->n_v1)
			unlinkat(cg->v1[0].root, cg->v1[0].dir, AT_REMOVEDIR);
		cgroup_close(cg);
		CHECK(shown(cgroup_create(path_of("-half"), &cg)) == 0);
		CHECK(count_dirs(cg) == count_hierarchies(cg));

		pid_t pid = start(cg);
		CHECK(pid > 0);
		end(pid);
		CHECK(shown(cgroup_remove(cg)) == 0);
		cgroup_close(cg);
	}
	TEST("removing takes what is below, and leaves what is above")
	{
		struct cgroup *top = NULL;

		CHECK(shown(cgroup_create(path_of("/a/b/c/d"), &cg)) == 0);
		cgroup_close(cg);
		remove_path("/a/b");
		CHECK(cgroup_open(path_of("/a"), &top) == 0);
		CHECK(count_dirs(top) == count_hierarchies(top));
		cgroup_close(top);
		remove_path("");
	}
	TEST("sub-cgroups nested without mercy are listed and removed")
	{
		struct buf pids = {};

		CHECK(shown(cgroup_create(path_of("-deep"), &cg)) == 0);

		int inner = nest(cgroup_fd(cg));
		pid_t pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		char text[16];
		snprintf(text, sizeof(text), "%d", pid);
		CHECK(inner >= 0);
		CHECK(shown(fd_write_file(inner, "cgroup.procs", text)) == 0);
		CHECK(shown(cgroup_pids(cg, &pids)) == 0);
		CHECK(pids.len == sizeof(pid_t) && *(pid_t *)pids.data == pid);
		CHECK(cgroup_remove(cg) == -EBUSY);
		CHECK(shown(cgroup_kill(cg)) == 0);
		CHECK(shown(cgroup_remove(cg)) == 0);
		CHECK(count_dirs(cg) == 0);
		end(pid);
		cleanup_fd(&inner);
		buf_fini(&pids);
		cgroup_close(cg);
	}
	TEST("a creation that fails leaves only what was there before")
	{
		struct cgroup *used = NULL, *none = NULL, *inside = NULL;

		CHECK(shown(cgroup_create(path_of("/u"), &used)) == 0);
		CHECK(shown(cgroup_open(path_of("/u/sub"), &inside)) == 0);
		make_dirs(inside);
		pid_t pid = start(used);
		CHECK(pid > 0);
		CHECK(cgroup_create(path_of("/u"), &none) == -EBUSY);
		CHECK(count_dirs(used) == count_hierarchies(used));
		/* Empty, but another container's. */
		CHECK(count_dirs(inside) == count_hierarchies(inside));
		/* A name that the kernel refuses, below a new parent. */
		CHECK(cgroup_create(path_of("/u/new/a\nb"), &none) == -EINVAL);
		CHECK(cgroup_open(path_of("/u/new"), &none) == 0);
		CHECK(count_dirs(none) == 0);
		cgroup_close(none);
		end(pid);
		cgroup_close(inside);
		cgroup_close(used);
		remove_path("");
	}
}

static void test_partial(void)
{
	struct cgroup *cg = NULL;

	TEST("a failure in one hierarchy undoes the others")
	{
		struct cgroup *none = NULL;

		CHECK(shown(cgroup_create(path_of("-part"), &cg)) == 0);
		CHECK(shown(cgroup_remove(cg)) == 0);
		cgroup_close(cg);
		cg = NULL;
		CHECK(shown(cgroup_open(path_of("-part"), &cg)) == 0);
		if (cg->n_v1 == 0) {
			SKIP("cgroup v1");
			cgroup_close(cg);
			return;
		}
		/* In the last hierarchy it is there, and in use. */
		struct hierarchy *last = &cg->v1[cg->n_v1 - 1];
		CHECK(mkdirat(last->root, last->dir, 0755) == 0);
		pid_t pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		char file[512], text[16];
		snprintf(file, sizeof(file), "%s/cgroup.procs", last->dir);
		snprintf(text, sizeof(text), "%d", pid);
		CHECK(shown(fd_write_file(last->root, file, text)) == 0);
		CHECK(cgroup_create(path_of("-part"), &none) == -EBUSY);
		CHECK(count_dirs(cg) == 1);
		/* Only v1 knows of the process: removal sees it all the same */
		CHECK(cgroup_remove(cg) == -EBUSY);
		kill(pid, SIGKILL);
		CHECK(shown(cgroup_remove(cg)) == 0);
		waitpid(pid, NULL, 0);
	}
	cgroup_close(cg);
}

/* -- Limits --------------------------------------------------------------- */

static void test_limits(void)
{
	struct cgroup *cg = NULL;
	struct spec_resources res = {};

	if (cgroup_create(path_of("-limits"), &cg) < 0)
		return;
	TEST("limits are in the files")
	{
		res.memory = (struct spec_memory){.has_limit = true,
						  .limit = 64 << 20,
						  .has_reservation = true,
						  .reservation = 32 << 20};
		res.cpu = (struct spec_cpu){.has_shares = true,
					    .shares = 2048,
					    .has_quota = true,
					    .quota_us = 50000,
					    .has_period = true,
					    .period_us = 100000,
					    .has_burst = true,
					    .burst_us = 1000,
					    .cpus = "0",
					    .mems = "0"};
		res.has_pids_limit = true;
		res.pids_limit = 33;
		CHECK(shown(cgroup_apply(cg, &res, false)) == 0);
		CHECK(holds(cg, CGROUP_MEMORY, "memory.limit_in_bytes",
			    "memory.max", "67108864"));
		CHECK(holds(cg, CGROUP_MEMORY, "memory.soft_limit_in_bytes",
			    "memory.low", "33554432"));
		CHECK(holds(cg, CGROUP_CPU, "cpu.shares", "cpu.weight",
			    cgroup_mode(cg) == CGROUP_V2 ? "174" : "2048"));
		CHECK(holds(cg, CGROUP_CPU, "cpu.cfs_quota_us", "cpu.max",
			    cgroup_mode(cg) == CGROUP_V2 ? "50000 100000"
							 : "50000"));
		CHECK(holds(cg, CGROUP_CPU, "cpu.cfs_burst_us", "cpu.max.burst",
			    "1000"));
		CHECK(holds(cg, CGROUP_CPUSET, "cpuset.cpus", "cpuset.cpus",
			    "0"));
		CHECK(holds(cg, CGROUP_PIDS, "pids.max", "pids.max", "33"));
	}
	TEST("a quota below the burst goes in, in the order that works")
	{
		res.cpu.quota_us = 500000;
		res.cpu.burst_us = 400000;
		CHECK(shown(cgroup_apply(cg, &res, true)) == 0);
		res.cpu.quota_us = 20000;
		res.cpu.burst_us = 10000;
		CHECK(shown(cgroup_apply(cg, &res, true)) == 0);
		CHECK(holds(cg, CGROUP_CPU, "cpu.cfs_burst_us", "cpu.max.burst",
			    "10000"));
	}
	TEST("-1 takes limits away")
	{
		res.memory.limit = res.memory.reservation = -1;
		res.cpu.quota_us = -1;
		res.cpu.has_burst = false;
		res.pids_limit = -1;
		CHECK(shown(cgroup_apply(cg, &res, true)) == 0);
		CHECK(holds(cg, CGROUP_PIDS, "pids.max", "pids.max", "max"));
		CHECK(holds(cg, CGROUP_MEMORY, "memory.limit_in_bytes",
			    "memory.max",
			    cgroup_mode(cg) == CGROUP_V2
				    ? "max"
				    : "9223372036854771712"));
		CHECK(holds(cg, CGROUP_CPU, "cpu.cfs_quota_us", "cpu.max",
			    cgroup_mode(cg) == CGROUP_V2 ? "max 100000"
							 : "-1"));
	}
	TEST("a period alone keeps the quota")
	{
		struct spec_resources one = {
			.cpu = {.has_quota = true, .quota_us = 30000}};

		CHECK(shown(cgroup_apply(cg, &one, true)) == 0);
		one.cpu = (struct spec_cpu){.has_period = true,
					    .period_us = 50000};
		CHECK(shown(cgroup_apply(cg, &one, true)) == 0);
		CHECK(holds(cg, CGROUP_CPU, "cpu.cfs_quota_us", "cpu.max",
			    cgroup_mode(cg) == CGROUP_V2 ? "30000 50000"
							 : "30000"));
	}
	TEST("what the kernel refuses is told with file and value")
	{
		struct spec_resources bad = {.cpu = {.cpus = "99999"}};

		CHECK(cgroup_apply(cg, &bad, true) < 0);
		CHECK(strstr(fail_text(), "cpuset.cpus: write \"99999\": "));
	}
	cgroup_remove(cg);
	cgroup_close(cg);
}

/* The numbers of some disk; false when there is none. */
static bool find_disk(struct spec_throttle_device *d)
{
	struct buf b = {};
	_cleanup_fd_ int dir =
		open("/sys/block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = dir < 0 ? NULL : fdopendir(fcntl(dir, F_DUPFD_CLOEXEC, 3));
	bool found = false;

	for (struct dirent *e; list && !found && (e = readdir(list));) {
		char file[300];

		snprintf(file, sizeof(file), "%s/dev", e->d_name);
		buf_fini(&b);
		found = e->d_name[0] != '.' &&
			fd_read_file(dir, file, &b, 64) == 0 &&
			sscanf(buf_str(&b), "%u:%u", &d->major, &d->minor) == 2;
	}
	if (list)
		closedir(list);
	buf_fini(&b);
	return found;
}

static void test_block_io(void)
{
	struct spec_throttle_device d = {.rate = 1 << 20};
	struct spec_resources res = {};
	struct cgroup *cg = NULL;
	char want[64];

	if (cgroup_create(path_of("-io"), &cg) < 0)
		return;
	TEST("throttles of a disk are in the files")
	{
		bool is_v2 = cgroup_mode(cg) == CGROUP_V2;

		if (!find_disk(&d)) {
			SKIP("a disk");
			goto out;
		}
		res.block_io.throttle[SPEC_THROTTLE_READ_BPS] = &d;
		res.block_io.n_throttle[SPEC_THROTTLE_READ_BPS] = 1;
		res.block_io.throttle[SPEC_THROTTLE_WRITE_IOPS] = &d;
		res.block_io.n_throttle[SPEC_THROTTLE_WRITE_IOPS] = 1;
		CHECK(shown(cgroup_apply(cg, &res, false)) == 0);
		snprintf(want, sizeof(want),
			 is_v2 ? "%u:%u rbps=1048576 wbps=max riops=max "
				 "wiops=1048576"
			       : "%u:%u 1048576",
			 d.major, d.minor);
		CHECK(holds(cg, CGROUP_BLKIO, "blkio.throttle.read_bps_device",
			    "io.max", want));
		CHECK(holds(cg, CGROUP_BLKIO,
			    "blkio.throttle.write_iops_device", "io.max",
			    want));
	}
out:
	cgroup_remove(cg);
	cgroup_close(cg);
}

static void test_swap(void)
{
	struct cgroup *cg = NULL;
	struct spec_resources res = {};
	char want[32];

	if (cgroup_create(path_of("-swap"), &cg) < 0)
		return;
	TEST("memory and swap go up and down together")
	{
		static const int sizes_mb[] = {64, 128, 32, 256, 16};
		const char *file = cgroup_mode(cg) == CGROUP_V2
					   ? "memory.swap.max"
					   : "memory.memsw.limit_in_bytes";

		if (strcmp(file_of(cg, CGROUP_MEMORY, file), "?") == 0) {
			SKIP("accounting of swap");
			goto out;
		}
		for (size_t i = 0; i < ARRAY_SIZE(sizes_mb); i++) {
			int64_t limit = (int64_t)sizes_mb[i] << 20;

			res.memory = (struct spec_memory){.has_limit = true,
							  .limit = limit,
							  .has_swap = true,
							  .swap = 2 * limit};
			CHECK(shown(cgroup_apply(cg, &res, true)) == 0);
			snprintf(want, sizeof(want), "%lld",
				 (long long)(cgroup_mode(cg) == CGROUP_V2
						     ? limit
						     : 2 * limit));
			CHECK(holds(cg, CGROUP_MEMORY, file, file, want));
		}
	}
out:
	cgroup_remove(cg);
	cgroup_close(cg);
}

static void test_missing(void)
{
	struct cgroup *cg = NULL;

	if (cgroup_create(path_of("-missing"), &cg) < 0)
		return;
	TEST("a limit without its controller is refused by name")
	{
		struct spec_resources res = {.has_net_class_id = true};

		if (cgroup_v1_with(cg, CGROUP_NET_CLS)) {
			SKIP("a machine without net_cls");
		} else {
			CHECK(cgroup_apply(cg, &res, false) == -EOPNOTSUPP);
			CHECK(strstr(fail_text(), "network.classID"));
		}
	}
	TEST("a limit of huge pages holds for reservations too")
	{
		struct spec_hugepage_limit l = {"2MB", 4 << 20};
		struct spec_resources res = {.hugepage_limits = &l,
					     .n_hugepage_limits = 1};
		bool is_v2 = cgroup_mode(cg) == CGROUP_V2;
		const char *file = is_v2 ? "hugetlb.2MB.max"
					 : "hugetlb.2MB.limit_in_bytes";
		const char *rsvd = is_v2 ? "hugetlb.2MB.rsvd.max"
					 : "hugetlb.2MB.rsvd.limit_in_bytes";

		if (strcmp(file_of(cg, CGROUP_HUGETLB, file), "?") == 0) {
			SKIP("the hugetlb controller");
		} else {
			CHECK(shown(cgroup_apply(cg, &res, false)) == 0);
			CHECK(holds(cg, CGROUP_HUGETLB, file, file, "4194304"));
			CHECK(holds(cg, CGROUP_HUGETLB, rsvd, rsvd, "4194304"));
		}
	}
	TEST("a parent with processes hands down no controllers, and the limit "
	     "says so")
	{
		struct spec_resources res = {.has_pids_limit = true,
					     .pids_limit = 9};
		struct cgroup *below = NULL;
		pid_t pid = start(cg);

		if (cgroup_mode(cg) != CGROUP_V2) {
			SKIP("cgroup v2");
		} else {
			CHECK(shown(cgroup_create(path_of("-missing/x"),
						  &below)) == 0);
			CHECK(cgroup_apply(below, &res, false) == -EOPNOTSUPP);
			CHECK(strstr(fail_text(), "pids.limit needs the pids "
						  "controller"));
			CHECK(shown(cgroup_remove(below)) == 0);
			cgroup_close(below);
		}
		end(pid);
		CHECK(shown(cgroup_wait_empty(cg, 10000)) == 0);
	}
	TEST("a huge page size that does not exist is refused by name")
	{
		struct spec_hugepage_limit l = {"3MB", 1};
		struct spec_resources res = {.hugepage_limits = &l,
					     .n_hugepage_limits = 1};

		CHECK(cgroup_apply(cg, &res, false) == -EOPNOTSUPP);
		CHECK(strstr(fail_text(), "hugepageLimits"));
		l.page_size = "../x";
		CHECK(cgroup_apply(cg, &res, false) == -EINVAL);
	}
	TEST("unified values are written, a missing file is named")
	{
		struct spec_key_value kv = {"cgroup.max.depth", "3"};
		struct spec_resources res = {.unified = &kv, .n_unified = 1};
		struct buf b = {};

		CHECK(shown(cgroup_apply(cg, &res, true)) == 0);
		CHECK(fd_read_file(cgroup_fd(cg), "cgroup.max.depth", &b, 64) ==
		      0);
		CHECK(strcmp(buf_str(&b), "3\n") == 0);
		kv.key = "no.such.file";
		CHECK(cgroup_apply(cg, &res, true) == -EOPNOTSUPP);
		CHECK(strstr(fail_text(), "\"no.such.file\""));
		buf_fini(&b);
	}
	TEST("checkBeforeUpdate refuses a limit below what is in use")
	{
		struct spec_resources res = {
			.memory = {.has_limit = true,
				   .limit = 4096,
				   .check_before_update = true}};
		pid_t pid = start(cg);
		int64_t use = -1;

		if (cgroup_mode(cg) != CGROUP_V2) {
			SKIP("cgroup v2");
		} else if (cgroup_limit_read_number(cg, CGROUP_MEMORY,
						    "memory.current",
						    &use) < 0 ||
			   use <= 4096) {
			SKIP("a cgroup that uses memory");
		} else {
			CHECK(cgroup_apply(cg, &res, true) == -EBUSY);
			CHECK(kill(pid, 0) == 0);
		}
		end(pid);
	}
	cgroup_kill(cg);
	CHECK(shown(cgroup_remove(cg)) == 0);
	cgroup_close(cg);
}

int main(void)
{
	test_paths();
	if (geteuid() != 0) {
		TEST("cgroups on the machine's hierarchies")
		SKIP("root");
		return test_done();
	}
	test_life();
	test_directories();
	test_partial();
	test_limits();
	test_block_io();
	test_swap();
	test_missing();
	return test_done();
}
