/* SPDX-License-Identifier: MIT */
/* Tests of isolate/mount_idmap.c. */
#include "isolate/mount_idmap.h"

#include "tests/unit/sandbox.h"
#include "tests/unit/test.h"

static struct spec_id_map shift[] = {{0, 100000, 1000}};

/* A bind of host/ on /v, with a file of uid 7 in it. */
static struct spec_mount *add_source(struct box *b)
{
	struct spec_mount *m = add_mount(b, SPEC_MOUNT_BIND, "",
					 strdup(at(b, "host")), "/v");

	NEED(put(at(b, "host/f"), ""));
	NEED(chown(at(b, "host/f"), 7, 8) == 0);
	m->id_mapped = true;
	return m;
}

static bool owned(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == uid && st.st_gid == gid;
}

static void own_maps(struct box *b)
{
	struct spec_mount *m = add_source(b);

	m->uid_mappings = m->gid_mappings = shift;
	m->n_uid_mappings = m->n_gid_mappings = 1;
	NEED(box_mount(b) == 0);
	NEED(owned(at(b, "root/v/f"), 100007, 100008));
	NEED(owned(at(b, "host/f"), 7, 8));
	NEED(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void containers_maps(struct box *b)
{
	add_source(b);
	b->spec.linux_.uid_mappings = b->spec.linux_.gid_mappings = shift;
	b->spec.linux_.n_uid_mappings = b->spec.linux_.n_gid_mappings = 1;
	NEED(box_mount(b) == 0);
	NEED(owned(at(b, "root/v/f"), 100007, 100008));
}

static void recursive(struct box *b)
{
	struct spec_mount *m = add_source(b);

	NEED(mkdir(at(b, "host/sub"), 0755) == 0);
	NEED(sys_mount("sub", at(b, "host/sub"), "tmpfs", 0, NULL) == 0);
	NEED(put(at(b, "host/sub/f"), ""));
	m->recursive = m->id_mapped_recursive = true;
	m->uid_mappings = m->gid_mappings = shift;
	m->n_uid_mappings = m->n_gid_mappings = 1;
	NEED(box_mount(b) == 0);
	NEED(owned(at(b, "root/v/f"), 100007, 100008));
	NEED(owned(at(b, "root/v/sub/f"), 100000, 100000));
}

static void new_fs(struct box *b)
{
	struct spec_mount *m =
		add_mount(b, SPEC_MOUNT_FS, "tmpfs", "tmpfs", "/v");

	m->id_mapped = true;
	m->uid_mappings = m->gid_mappings = shift;
	m->n_uid_mappings = m->n_gid_mappings = 1;
	NEED(box_mount(b) == 0);
	NEED(owned(at(b, "root/v"), 100000, 100000));
}

static void no_maps(struct box *b)
{
	add_source(b);
	NEED(box_mount(b) == -EINVAL);
	NEED(SAID("id map: there are no mappings"));
}

static void no_support(struct box *b)
{
	struct spec_mount *m =
		add_mount(b, SPEC_MOUNT_FS, "proc", "proc", "/proc");

	m->id_mapped = true;
	m->uid_mappings = m->gid_mappings = shift;
	m->n_uid_mappings = m->n_gid_mappings = 1;
	NEED(box_mount(b) == -EINVAL);
	NEED(SAID("mount proc on /proc: id map: Invalid argument (this file "
		  "system may not know id maps)"));
}

static void bad_map(struct box *b)
{
	static struct spec_id_map twice[] = {{0, 100000, 10}, {5, 200000, 10}};
	struct spec_mount *m = add_source(b);

	m->uid_mappings = m->gid_mappings = twice;
	m->n_uid_mappings = m->n_gid_mappings = 2;
	NEED(box_mount(b) == -EINVAL);
	NEED(SAID("uid_map"));
	NEED(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* tmpfs knows id maps since Linux 6.3. */
static void has_tmpfs_maps(struct box *b)
{
	struct spec_mount m = {
		.uid_mappings = shift,
		.gid_mappings = shift,
		.n_uid_mappings = 1,
		.n_gid_mappings = 1,
	};
	_cleanup_fd_ int mnt = sys_open_tree(AT_FDCWD, at(b, "host"),
					     OPEN_TREE_CLONE);

	b->failed = mount_idmap(mnt, &m, &b->spec.linux_) < 0;
}

#define TEST_IDMAP(sentence, body)                                             \
	TEST(sentence)                                                         \
	{                                                                      \
		if (can)                                                       \
			CHECK(sandbox(body, 0));                               \
		else                                                           \
			SKIP("needs root, and id maps on tmpfs (Linux 6.3)");  \
	}

int main(void)
{
	bool can = geteuid() == 0 && sandbox(has_tmpfs_maps, 0);

	TEST_IDMAP("a bind shows files under the ids of its own maps",
		   own_maps);
	TEST_IDMAP("without maps of its own it takes the container's",
		   containers_maps);
	TEST_IDMAP("ridmap reaches the mounts below", recursive);
	TEST_IDMAP("a new file system can be mapped", new_fs);
	TEST_IDMAP("id maps that nobody gave are an error", no_maps);
	TEST_IDMAP("a file system without id maps is told", no_support);
	TEST_IDMAP("maps that overlap are refused and leave no child",
		   bad_map);
	return test_done();
}
