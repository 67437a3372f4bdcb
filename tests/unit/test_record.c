/* SPDX-License-Identifier: MIT */
/* Tests of runtime/record.c. */
#include "runtime/record.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/wire.h"
#include "tests/unit/test.h"

#define ROOM 65536

static int dir;

/* What does not lie in struct numbers of record.c gets values of its own. */
static char *hook_args[] = {(char *)"hook", (char *)"",     (char *)"three",
			    (char *)"four", (char *)"five", NULL};
static char *hook_env[] = {(char *)"A=1", NULL};
static char *env[] = {(char *)"PATH=/bin", (char *)"EMPTY=", NULL};
static gid_t gids[] = {0, 5, 4294967294u};
static uint32_t cpus_initial[] = {0, 3, 1023}, cpus_final[] = {7};
static struct spec_key_value annotations[] = {
	{"org.example/key", "value"}, {"empty", ""}, {"three", "\xc3\xbc\n"}};
static struct spec_hook hooks[] = {
	{"/bin/one", hook_args, hook_env, 7},
	{"/bin/two", hook_args, NULL, 0},
	{"/bin/three", hook_args, hook_env, 4294967295u},
};
static struct spec_rlimit rlimits[] = {{RLIMIT_NOFILE, 1, UINT64_MAX},
				       {RLIMIT_CORE, 0, 0},
				       {RLIMIT_CPU, 5, 6}};

static struct record full(void)
{
	return (struct record){
		.id = "web",
		.bundle = "/b",
		.rootfs = "/b/rootfs",
		.created = "2026-01-02T03:04:05.678901234Z",
		.cgroup = "/bulkhead/web",
		.owner = 4294967294u,
		.join_flags = 0x7e020080u,
		.no_pivot = true,
		.own_pid_ns = true,
		.annotations = annotations,
		.n_annotations = ARRAY_SIZE(annotations),
		.poststart = {hooks, 2},
		.poststop = {hooks, 3},
		.process =
			{
				.terminal = true,
				.user = {.uid = 1000,
					 .gid = 4294967294u,
					 .has_umask = true,
					 .umask = 0027,
					 .additional_gids = gids,
					 .n_additional_gids = ARRAY_SIZE(gids)},
				.env = env,
				.cwd = "/work",
				.has_capabilities = true,
				.capabilities = {1, 1ull << 40, 3, UINT64_MAX,
						 5},
				.rlimits = rlimits,
				.n_rlimits = ARRAY_SIZE(rlimits),
				.no_new_privileges = true,
				.apparmor_profile = "profile",
				.selinux_label = "u:r:t:s0",
				.has_oom_score_adj = true,
				.oom_score_adj = -1000,
				.has_scheduler = true,
				.scheduler = {.policy = 6,
					      .nice = -20,
					      .priority = 99,
					      .flags = 1ull << 33,
					      .runtime_ns = 1,
					      .deadline_ns = UINT64_MAX,
					      .period_ns = 3},
				.has_io_priority = true,
				.io_priority = 0x4007,
				.has_exec_cpu_affinity = true,
				.exec_cpu_initial = {cpus_initial,
						     ARRAY_SIZE(cpus_initial)},
				.exec_cpu_final = {cpus_final,
						   ARRAY_SIZE(cpus_final)},
			},
	};
}

static struct record least(void)
{
	return (struct record){
		.id = "x",
		.bundle = "/b",
		.rootfs = "/r",
		.created = "now",
		.process = {.cwd = "/"},
	};
}

static void same_list(char *const *have, char *const *want)
{
	size_t i = 0;

	if (!want || !have) {
		CHECK(!want && !have);
		return;
	}
	for (; want[i] && have[i]; i++)
		CHECK_STR(have[i], want[i]);
	CHECK(!want[i] && !have[i]);
}

static void same_hooks(const struct spec_hooks *have,
		       const struct spec_hooks *want)
{
	CHECK_INT(have->n_hooks, want->n_hooks);
	for (size_t i = 0; i < want->n_hooks; i++) {
		CHECK_STR(have->hooks[i].path, want->hooks[i].path);
		same_list(have->hooks[i].args, want->hooks[i].args);
		same_list(have->hooks[i].env, want->hooks[i].env);
		CHECK_INT(have->hooks[i].timeout_s, want->hooks[i].timeout_s);
	}
}

static void same_cpus(const struct spec_cpu_set *have,
		      const struct spec_cpu_set *want)
{
	CHECK_INT(have->n_cpus, want->n_cpus);
	for (size_t i = 0; i < want->n_cpus; i++)
		CHECK_INT(have->cpus[i], want->cpus[i]);
}

static void same_user(const struct spec_user *have,
		      const struct spec_user *want)
{
	CHECK_INT(have->uid, want->uid);
	CHECK_INT(have->gid, want->gid);
	CHECK_INT(have->has_umask, want->has_umask);
	CHECK_INT(have->umask, want->umask);
	CHECK_INT(have->n_additional_gids, want->n_additional_gids);
	for (size_t i = 0; i < want->n_additional_gids; i++)
		CHECK_INT(have->additional_gids[i], want->additional_gids[i]);
}

static void same_limits(const struct spec_process *have,
			const struct spec_process *want)
{
	const struct spec_scheduler *s = &have->scheduler;
	const struct spec_scheduler *t = &want->scheduler;

	CHECK_INT(have->n_rlimits, want->n_rlimits);
	for (size_t i = 0; i < want->n_rlimits; i++) {
		CHECK_INT(have->rlimits[i].resource, want->rlimits[i].resource);
		CHECK_INT(have->rlimits[i].soft, want->rlimits[i].soft);
		CHECK_INT(have->rlimits[i].hard, want->rlimits[i].hard);
	}
	CHECK_INT(s->policy, t->policy);
	CHECK_INT(s->nice, t->nice);
	CHECK_INT(s->priority, t->priority);
	CHECK_INT(s->flags, t->flags);
	CHECK_INT(s->runtime_ns, t->runtime_ns);
	CHECK_INT(s->deadline_ns, t->deadline_ns);
	CHECK_INT(s->period_ns, t->period_ns);
	CHECK_INT(have->has_scheduler, want->has_scheduler);
	CHECK_INT(have->has_oom_score_adj, want->has_oom_score_adj);
	CHECK_INT(have->oom_score_adj, want->oom_score_adj);
	CHECK_INT(have->has_io_priority, want->has_io_priority);
	CHECK_INT(have->io_priority, want->io_priority);
	CHECK_INT(have->has_exec_cpu_affinity, want->has_exec_cpu_affinity);
	same_cpus(&have->exec_cpu_initial, &want->exec_cpu_initial);
	same_cpus(&have->exec_cpu_final, &want->exec_cpu_final);
}

static void same_text(const char *have, const char *want)
{
	if (want)
		CHECK_STR(have, want);
	else
		CHECK(!have);
}

static void same_process(const struct spec_process *have,
			 const struct spec_process *want)
{
	const struct spec_capabilities *c = &have->capabilities;
	const struct spec_capabilities *d = &want->capabilities;

	same_user(&have->user, &want->user);
	same_limits(have, want);
	same_list(have->env, want->env);
	CHECK_STR(have->cwd, want->cwd);
	CHECK_INT(have->terminal, want->terminal);
	CHECK_INT(have->no_new_privileges, want->no_new_privileges);
	CHECK_INT(have->has_capabilities, want->has_capabilities);
	CHECK_INT(c->bounding, d->bounding);
	CHECK_INT(c->effective, d->effective);
	CHECK_INT(c->inheritable, d->inheritable);
	CHECK_INT(c->permitted, d->permitted);
	CHECK_INT(c->ambient, d->ambient);
	same_text(have->apparmor_profile, want->apparmor_profile);
	same_text(have->selinux_label, want->selinux_label);
}

static void record_free_at(struct record **rec)
{
	record_free(*rec);
}

static void comes_back(const struct record *want)
{
	_cleanup_(record_free_at)
	struct record *have = NULL;

	CHECK_INT(record_write(dir, want), 0);
	CHECK_INT(record_read(dir, &have), 0);
	if (!have)
		return;
	CHECK_STR(have->id, want->id);
	CHECK_STR(have->bundle, want->bundle);
	CHECK_STR(have->rootfs, want->rootfs);
	CHECK_STR(have->created, want->created);
	same_text(have->cgroup, want->cgroup);
	CHECK_INT(have->owner, want->owner);
	CHECK_INT(have->join_flags, want->join_flags);
	CHECK_INT(have->no_pivot, want->no_pivot);
	CHECK_INT(have->own_pid_ns, want->own_pid_ns);
	CHECK_INT(have->n_annotations, want->n_annotations);
	for (size_t i = 0; i < want->n_annotations; i++) {
		CHECK_STR(have->annotations[i].key, want->annotations[i].key);
		CHECK_STR(have->annotations[i].value,
			  want->annotations[i].value);
	}
	same_hooks(&have->poststart, &want->poststart);
	same_hooks(&have->poststop, &want->poststop);
	same_process(&have->process, &want->process);
}

static void whole(void)
{
	struct record rec = full();

	comes_back(&rec);
	rec = least();
	comes_back(&rec);
}

/* Lists grow by doubling: each size around the steps. */
static void sizes(void)
{
	static char *many[70];
	struct record rec = least();

	rec.process.env = many;
	for (size_t n = 0; n + 1 < ARRAY_SIZE(many); n++) {
		many[n] = (char *)(n % 2 ? "A=b" : "C=");
		comes_back(&rec);
	}
}

/* Puts these bytes in the record's place and reads them. */
static int read_bytes(const void *bytes, size_t len)
{
	struct record *rec = NULL;
	int r;

	CHECK_INT(fd_replace_file(dir, "record", bytes, len), 0);
	fail_clear();
	r = record_read(dir, &rec);
	CHECK(r == 0 ? rec != NULL : !rec && *fail_text());
	record_free(rec);
	return r;
}

static void write_full(struct buf *b)
{
	struct record rec = full();

	CHECK_INT(record_write(dir, &rec), 0);
	CHECK_INT(fd_read_file(dir, "record", b, ROOM), 0);
}

static void truncated(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};

	write_full(&b);
	for (size_t len = 0; len < b.len; len++)
		CHECK_INT(read_bytes(b.data, len), -EINVAL);
	CHECK_STR(fail_text(), "the state record is damaged");
	CHECK_INT(read_bytes(b.data, b.len), 0);
}

static void flipped(void)
{
	static const char flips[] = {0x01, (char)0x80, (char)0xff};
	_cleanup_(buf_fini)
	struct buf b = {};

	write_full(&b);
	for (size_t i = 0; i < b.len; i++) {
		/* The unused halves of the head's two tags mean nothing. */
		if (i == 2 || i == 3 || i == 18 || i == 19)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(flips); k++) {
			b.data[i] ^= flips[k];

			CHECK_INT(read_bytes(b.data, b.len), -EINVAL);
			b.data[i] ^= flips[k];
		}
	}
	CHECK_INT(read_bytes(b.data, b.len), 0);
}

static void later_version(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};

	write_full(&b);
	/* Behind the header of 8 bytes: the magic, then the version. */
	b.data[12]++;
	CHECK_INT(read_bytes(b.data, b.len), -EINVAL);
	CHECK_STR(fail_text(), "the state record has version 3, this program "
			       "knows 2");
	b.data[12]--;
	b.data[8]++;
	CHECK_INT(read_bytes(b.data, b.len), -EINVAL);
	CHECK_STR(fail_text(), "the state record is damaged");
}

static void unknown_tags(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};

	write_full(&b);
	wire_put_str(&b, 40000, "of a later program");
	/* Heads of two fields and one number lie before the hash, then the
	 * rest that it is of. */
	uint64_t sum = htole64(wire_hash(b.data + 32, b.len - 32));

	memcpy(b.data + 24, &sum, sizeof(sum));
	CHECK_INT(read_bytes(b.data, b.len), 0);
}

static void no_record(void)
{
	struct record *rec = NULL;

	unlinkat(dir, "record", 0);
	CHECK_INT(record_read(dir, &rec), -ENOENT);
	CHECK(!rec);
	record_free(NULL);
	CHECK_INT(mkdirat(dir, "record", 0700), 0);
	CHECK(record_read(dir, &rec) < 0);
	unlinkat(dir, "record", AT_REMOVEDIR);
}

int main(void)
{
	char path[] = "/tmp/bulkhead-test-record-XXXXXX";

	dir = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;
	if (dir < 0) {
		printf("Bail out! no directory for tests\n");
		return 1;
	}
	TEST("every member comes back as it was written", whole);
	TEST("lists of all sizes come back", sizes);
	TEST("a record that is cut off anywhere is refused", truncated);
	TEST("a record with any byte changed is refused", flipped);
	TEST("a record of a later version is refused by its number",
	     later_version);
	TEST("fields of a later program are skipped", unknown_tags);
	TEST("no record is told from a damaged one", no_record);
	unlinkat(dir, "record", 0);
	if (rmdir(path) < 0)
		printf("# left in %s: %m\n", path);
	return test_done();
}
