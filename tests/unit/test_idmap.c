/* SPDX-License-Identifier: MIT */
/* Id maps: directly, and as a plain user. */
#include "isolate/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

static struct spec_linux with(struct spec_id_map *uids, size_t n_uids,
			      struct spec_id_map *gids, size_t n_gids)
{
	return (struct spec_linux){.uid_mappings = uids,
				   .n_uid_mappings = n_uids,
				   .gid_mappings = gids,
				   .n_gid_mappings = n_gids};
}

/* A child in a new user namespace that waits; ended with the test. */
static pid_t make_child(void)
{
	int ready[2];
	char c;

	CHECK(pipe2(ready, O_CLOEXEC) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		c = unshare(CLONE_NEWUSER) == 0 ? 'y' : 'n';
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(0);
	}
	CHECK(pid > 0 && read(ready[0], &c, 1) == 1);
	if (c != 'y')
		SKIP("user namespaces");
	return pid;
}

static void end_child(pid_t pid)
{
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

static int proc_fd(void)
{
	int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

/* The n-th line of a map; false when there is none. */
static bool map_line(pid_t pid, const char *name, int n, struct spec_id_map *m)
{
	char path[64];
	bool has = false;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	FILE *f = fopen(path, "re");
	CHECK(f);
	for (int i = 0; i <= n; i++)
		has = fscanf(f, "%u %u %u", &m->container_id, &m->host_id,
			     &m->size) == 3;
	fclose(f);
	return has;
}

static void check_line(pid_t pid, const char *name, int n,
		       const struct spec_id_map *want)
{
	struct spec_id_map have;

	CHECK(map_line(pid, name, n, &have));
	CHECK_INT(have.container_id, want->container_id);
	CHECK_INT(have.host_id, want->host_id);
	CHECK_INT(have.size, want->size);
}

static void writes_many_lines(void)
{
	struct spec_id_map uids[] = {{0, 100000, 1000}, {1000, 5, 1}};
	struct spec_id_map gids[] = {
		{0, 200000, 1}, {1, 300000, 50000}, {4294967294u, 7, 1}};
	struct spec_linux l = with(uids, 2, gids, 3);
	struct spec_id_map more;

	if (geteuid() != 0)
		SKIP("root");
	pid_t pid = make_child();
	CHECK_INT(idmap_write(proc_fd(), pid, &l), 0);
	for (int i = 0; i < 2; i++)
		check_line(pid, "uid_map", i, &uids[i]);
	for (int i = 0; i < 3; i++)
		check_line(pid, "gid_map", i, &gids[i]);
	CHECK(!map_line(pid, "uid_map", 2, &more));
	end_child(pid);
}

static void refuses_overlap(void)
{
	struct spec_id_map uids[] = {{0, 1000, 10}, {5, 2000, 10}};
	struct spec_linux l = with(uids, 2, uids, 2);

	if (geteuid() != 0)
		SKIP("root");
	pid_t pid = make_child();
	CHECK_INT(idmap_write(proc_fd(), pid, &l), -EINVAL);
	CHECK_HAS(fail_text(), "uid_map");
	end_child(pid);
}

static void become_user(uid_t uid)
{
	if (geteuid() == 0)
		CHECK(setresgid(uid, uid, uid) == 0 &&
		      setresuid(uid, uid, uid) == 0);
	/* The change of user has made us undumpable: /proc/PID is root's. */
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void writes_own_id(void)
{
	become_user(54321);

	struct spec_id_map uid = {0, getuid(), 1}, gid = {0, getgid(), 1};
	struct spec_linux l = with(&uid, 1, &gid, 1);
	char path[64], text[16] = "";
	pid_t pid = make_child();

	CHECK_INT(idmap_write(proc_fd(), pid, &l), 0);
	check_line(pid, "uid_map", 0, &uid);
	check_line(pid, "gid_map", 0, &gid);
	snprintf(path, sizeof(path), "/proc/%d/setgroups", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	CHECK_STR(text, "deny\n");
	end_child(pid);
}

/* A user whom /etc/subuid grants nothing. */
static void tells_what_the_tool_said(void)
{
	struct spec_id_map ids = {0, 700000, 1000};
	struct spec_linux l = with(&ids, 1, &ids, 1);

	become_user(54321);
	if (access("/usr/bin/newuidmap", X_OK) < 0)
		SKIP("newuidmap");
	pid_t pid = make_child();
	CHECK_INT(idmap_write(proc_fd(), pid, &l), -EPERM);
	CHECK_HAS(fail_text(), "/usr/bin/newuidmap refused the id map: new");
	CHECK(!strchr(fail_text(), '\n'));
	end_child(pid);
}

int main(void)
{
	TEST("maps of several lines are written", writes_many_lines);
	TEST("overlapping maps are refused", refuses_overlap);
	TEST("a plain user maps the own id, setgroups denied", writes_own_id);
	TEST("what newuidmap says is told", tells_what_the_tool_said);
	return test_done();
}
