/* SPDX-License-Identifier: MIT */
/* Kept seccomp filters: a container has its own, whatever the cache holds. */
#include "runtime/seccomp_cache.h"

#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "isolate/seccomp.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/wire.h"
#include "oci/spec.h"
#include "runtime/store.h"
#include "tests/unit/test.h"

#define RACES 200 /* gets against one who swaps the file all the time */

static char root[] = "/tmp/bulkhead-test-seccomp-XXXXXX";
static struct store store;
static char *mkdir_call[] = {(char *)"mkdir", NULL};

/* Refuses mkdir with this errno. */
static struct spec_seccomp profile(struct spec_syscall_rule *rule, unsigned err)
{
	*rule = (struct spec_syscall_rule){.names = mkdir_call,
					   .action = SCMP_ACT_ERRNO(err)};
	return (struct spec_seccomp){.default_action = SCMP_ACT_ALLOW,
				     .rules = rule,
				     .n_rules = 1};
}

/* The directory of a new container. */
static int container(const char *name)
{
	unlinkat(store.fd, name, AT_REMOVEDIR);
	CHECK_INT(mkdirat(store.fd, name, 0700), 0);

	int dir = openat(store.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(dir >= 0);
	return dir;
}

static void remove_container(const char *name, int dir)
{
	unlinkat(dir, "seccomp", 0);
	unlinkat(store.fd, name, AT_REMOVEDIR);
	close(dir);
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && a->len &&
	       memcmp(a->data, b->data, a->len) == 0;
}

/* What is compiled for sec is what dir has after get, and what get returns. */
static bool gets_own(const struct spec_seccomp *sec, int dir)
{
	_cleanup_(buf_fini) struct buf want = {}, got = {}, kept = {};
	size_t skipped = 0;
	unsigned flags;

	CHECK_INT(seccomp_compile(sec, &want, &skipped), 0);
	CHECK_INT(seccomp_cache_get(&store, sec, dir, &got), 0);
	CHECK_INT(seccomp_cache_load(dir, &kept, &flags), 0);
	return is_same(&want, &got) && is_same(&want, &kept);
}

/* Puts the filter of other where the cache looks for that of sec. */
static void plant(const struct spec_seccomp *sec,
		  const struct spec_seccomp *other, char *path, size_t room)
{
	_cleanup_(buf_fini) struct buf key = {}, other_key = {}, file = {};
	char other_path[64];
	int dir = container("planter");

	seccomp_key(sec, &key);
	seccomp_key(other, &other_key);
	CHECK_INT(seccomp_cache_get(&store, other, dir, &file), 0);
	remove_container("planter", dir);
	snprintf(path, room, ".seccomp/%016llx",
		 (unsigned long long)wire_hash(key.data, key.len));
	snprintf(other_path, sizeof(other_path), ".seccomp/%016llx",
		 (unsigned long long)wire_hash(other_key.data, other_key.len));
	if (strcmp(path, other_path) == 0)
		return;
	unlinkat(store.fd, path, 0);
	CHECK_INT(linkat(store.fd, other_path, store.fd, path, 0), 0);
}

static void keeps_one_file(void)
{
	struct spec_syscall_rule rule;
	struct spec_seccomp sec = profile(&rule, 1);
	struct stat first, second;
	int a = container("a"), b = container("b");

	CHECK(gets_own(&sec, a) && gets_own(&sec, b));
	CHECK_INT(fstatat(a, "seccomp", &first, 0), 0);
	CHECK_INT(fstatat(b, "seccomp", &second, 0), 0);
	CHECK_INT(first.st_ino, second.st_ino);
	remove_container("a", a);
	remove_container("b", b);
}

static void passes_by_collisions(void)
{
	struct spec_syscall_rule rules[2];
	struct spec_seccomp sec = profile(&rules[0], 2);
	struct spec_seccomp other = profile(&rules[1], 3);
	char path[64];
	int dir = container("a");

	plant(&sec, &other, path, sizeof(path));
	CHECK(gets_own(&sec, dir));
	remove_container("a", dir);
}

static void passes_by_damage(void)
{
	static const char *const damaged[] = {"", "x", "\1\0\377\377\377\377"};
	struct spec_syscall_rule rule;
	struct spec_seccomp sec = profile(&rule, 4);
	char path[64];
	int dir = container("a");

	plant(&sec, &sec, path, sizeof(path));
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		unlinkat(dir, "seccomp", 0);
		CHECK_INT(fd_replace_file(store.fd, "x", damaged[i],
					  i == 2 ? 6 : strlen(damaged[i])),
			  0);
		CHECK_INT(renameat(store.fd, "x", store.fd, path), 0);
		CHECK(gets_own(&sec, dir));
	}
	remove_container("a", dir);
}

static _Noreturn void swap_for_ever(const char *evil, const char *path)
{
	for (;;) {
		(void)!linkat(store.fd, evil, store.fd, "next", 0);
		(void)!renameat(store.fd, "next", store.fd, path);
		unlinkat(store.fd, "next", 0);
	}
}

static void survives_swaps(void)
{
	struct spec_syscall_rule rules[2];
	struct spec_seccomp sec = profile(&rules[0], 5);
	struct spec_seccomp other = profile(&rules[1], 6);
	char path[64];
	bool ok = true;

	plant(&sec, &other, path, sizeof(path));
	CHECK_INT(linkat(store.fd, path, store.fd, "evil", 0), 0);

	pid_t swapper = fork();

	if (swapper == 0)
		swap_for_ever("evil", path);
	for (int i = 0; ok && i < RACES; i++) {
		int dir = container("a");

		ok = gets_own(&sec, dir);
		remove_container("a", dir);
	}
	kill(swapper, SIGKILL);
	waitpid(swapper, NULL, 0);
	unlinkat(store.fd, "evil", 0);
	unlinkat(store.fd, "next", 0);
	CHECK(ok);
}

int main(void)
{
	if (!mkdtemp(root) || store_open(root, &store) < 0)
		return 1;
	TEST("one file serves all containers of a profile", keeps_one_file);
	TEST("another profile's filter under the same name is passed by",
	     passes_by_collisions);
	TEST("a damaged file is passed by", passes_by_damage);
	TEST("a file that others swap is never another profile's filter",
	     survives_swaps);
	if (renameat(store.fd, ".seccomp", store.fd, "cache") == 0)
		store_remove(&store, "cache");
	store_close(&store);
	rmdir(root);
	return test_done();
}
