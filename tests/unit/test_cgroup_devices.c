/* SPDX-License-Identifier: MIT */
/* Tests of device rules: their meaning in eBPF, and on real devices. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

#define R SPEC_DEVICE_READ
#define W SPEC_DEVICE_WRITE
#define M SPEC_DEVICE_MKNOD

/* -- An interpreter of the few instructions that the program uses --------- */

static uint32_t alu(uint8_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_MOV: return b;
	case BPF_AND: return a & b;
	case BPF_RSH: return a >> b;
	default: return 0xdead;
	}
}

/* The program's answer, or -1 when it does what it must not. */
static int64_t run(const struct bpf_insn *p, size_t n,
		   struct bpf_cgroup_dev_ctx ctx)
{
	uint32_t reg[11] = {};

	for (size_t at = 0; at < n; at++) {
		struct bpf_insn i = p[at];
		uint32_t operand =
			i.code & BPF_X ? reg[i.src_reg] : (uint32_t)i.imm;

		switch (BPF_CLASS(i.code)) {
		case BPF_LDX:
			if (i.src_reg != 1 || i.off > 8)
				return -1;
			memcpy(&reg[i.dst_reg], (char *)&ctx + i.off, 4);
			break;
		case BPF_ALU:
		case BPF_ALU64:
			reg[i.dst_reg] =
				alu(BPF_OP(i.code), reg[i.dst_reg], operand);
			break;
		case BPF_JMP:
		case BPF_JMP32:
			if (BPF_OP(i.code) == BPF_EXIT)
				return reg[0];
			if ((BPF_OP(i.code) == BPF_JEQ) ==
			    (reg[i.dst_reg] == operand))
				at += i.off;
			break;
		default: return -1;
		}
	}
	return -1;
}

static int64_t asks(const struct spec_device_rule *rules, size_t n, char type,
		    unsigned access, unsigned major, unsigned minor)
{
	struct arena arena = {};
	struct device_policy policy;
	struct buf b = {};
	uint32_t bits = (access & R ? BPF_DEVCG_ACC_READ : 0) |
			(access & W ? BPF_DEVCG_ACC_WRITE : 0) |
			(access & M ? BPF_DEVCG_ACC_MKNOD : 0);
	struct bpf_cgroup_dev_ctx ctx = {
		.access_type = bits << 16 | (type == 'b' ? BPF_DEVCG_DEV_BLOCK
							 : BPF_DEVCG_DEV_CHAR),
		.major = major,
		.minor = minor};

	device_policy_make(&arena, rules, n, &policy);
	cgroup_bpf_program(&policy, &b);

	int64_t verdict = run((const struct bpf_insn *)(void *)b.data,
			      b.len / sizeof(struct bpf_insn), ctx);

	buf_fini(&b);
	arena_fini(&arena);
	return verdict;
}

#define ALLOWED(rules, ...) (asks(rules, ARRAY_SIZE(rules), __VA_ARGS__) == 1)
#define DENIED(rules, ...)  (asks(rules, ARRAY_SIZE(rules), __VA_ARGS__) == 0)

static const struct spec_device_rule deny_all = {false, 'a', -1, -1, R | W | M};

/* -- Meaning -------------------------------------------------------------- */

static void test_defaults(void)
{
	TEST("without rules only the devices of every container are allowed")
	{
		CHECK(asks(NULL, 0, 'c', R | W, 1, 3) == 1);
		CHECK(asks(NULL, 0, 'c', R | W, 5, 0) == 1);
		CHECK(asks(NULL, 0, 'c', R | W, 5, 1) == 1);
		CHECK(asks(NULL, 0, 'c', R | W, 136, 99) == 1);
		CHECK(asks(NULL, 0, 'c', M, 10, 200) == 1);
		CHECK(asks(NULL, 0, 'b', M, 8, 0) == 1);
		CHECK(asks(NULL, 0, 'b', R, 8, 0) == 0);
		CHECK(asks(NULL, 0, 'c', R, 1, 1) == 0);
		CHECK(asks(NULL, 0, 'c', R | M, 1, 1) == 0);
	}
	TEST("a list that forgets to deny all denies all the same")
	{
		const struct spec_device_rule rules[] = {
			{true, 'c', 10, 200, R | W | M}};

		CHECK(ALLOWED(rules, 'c', R | W, 10, 200));
		CHECK(DENIED(rules, 'c', R, 10, 201));
		CHECK(DENIED(rules, 'b', R, 10, 200));
		CHECK(ALLOWED(rules, 'c', R | W, 1, 3));
	}
	TEST("a container that may use all may use all, no matter what was "
	     "denied before")
	{
		const struct spec_device_rule rules[] = {
			deny_all,
			{false, 'c', 1, 3, R},
			{true, 'a', -1, -1, R | W | M}};

		CHECK(ALLOWED(rules, 'b', R | W | M, 8, 0));
		CHECK(ALLOWED(rules, 'c', R, 1, 3));
	}
	TEST("no accesses given mean all accesses")
	{
		const struct spec_device_rule rules[] = {{true, 'a', -1, -1, 0},
							 {false, 'c', 1, 1, 0}};

		CHECK(ALLOWED(rules, 'b', R | W | M, 8, 0));
		CHECK(DENIED(rules, 'c', R, 1, 1));
		CHECK(DENIED(rules, 'c', M, 1, 1));
	}
}

static void test_order(void)
{
	TEST("a later rule wins over an earlier one")
	{
		const struct spec_device_rule rules[] = {
			{true, 'a', -1, -1, R | W | M},
			{false, 'b', 8, -1, R | W | M},
			{true, 'b', 8, 1, R}};

		CHECK(DENIED(rules, 'b', R, 8, 0));
		CHECK(ALLOWED(rules, 'b', R, 8, 1));
		CHECK(DENIED(rules, 'b', W, 8, 1));
		CHECK(ALLOWED(rules, 'b', R, 9, 1));
		CHECK(ALLOWED(rules, 'c', R, 8, 0));
	}
	TEST("each access is decided on its own")
	{
		const struct spec_device_rule rules[] = {
			deny_all,
			{true, 'c', 10, 1, R},
			{true, 'c', 10, 1, W},
			{true, 'c', 10, 2, R | W},
			{false, 'c', 10, 2, W}};

		CHECK(ALLOWED(rules, 'c', R, 10, 1));
		CHECK(ALLOWED(rules, 'c', R | W, 10, 1));
		CHECK(ALLOWED(rules, 'c', R, 10, 2));
		CHECK(DENIED(rules, 'c', W, 10, 2));
		CHECK(DENIED(rules, 'c', R | W, 10, 2));
	}
	TEST("a rule for all kinds with numbers holds for both kinds")
	{
		const struct spec_device_rule rules[] = {deny_all,
							 {true, 'a', 7, -1, R}};

		CHECK(ALLOWED(rules, 'b', R, 7, 3));
		CHECK(ALLOWED(rules, 'c', R, 7, 3));
		CHECK(DENIED(rules, 'c', R, 8, 3));
		CHECK(DENIED(rules, 'c', W, 7, 3));
	}
	TEST("a minor number alone matches every major number")
	{
		const struct spec_device_rule rules[] = {deny_all,
							 {true, 'b', -1, 5, R}};

		CHECK(ALLOWED(rules, 'b', R, 1, 5));
		CHECK(ALLOWED(rules, 'b', R, 200, 5));
		CHECK(DENIED(rules, 'b', R, 1, 6));
	}
}

/* -- On real devices ------------------------------------------------------ */

struct place {
	char path[64];
	struct cgroup *cg;
};

/* errno of opening path in the cgroup, 0 when it works, -1: no answer. */
static int try_open(struct cgroup *cg, const char *path, int flags)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (cgroup_join(cg, false) < 0)
			_exit(255);
		_exit(open(path, flags | O_CLOEXEC) < 0 ? errno : 0);
	}

	int status;
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == 255)
		return -1;
	return WEXITSTATUS(status);
}

static int attach_policy(struct cgroup *cg,
			 const struct spec_device_rule *rules, size_t n)
{
	struct arena arena = {};
	struct device_policy policy;
	int r = device_policy_make(&arena, rules, n, &policy);

	if (r == 0)
		r = cgroup_bpf_attach(cg, &policy);
	arena_fini(&arena);
	if (r < 0)
		printf("# %s\n", fail_text());
	return r;
}

static unsigned n_attached(struct cgroup *cg)
{
	uint32_t ids[16];
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = cgroup_fd(cg);
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = ARRAY_SIZE(ids);
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0)
		return 99;
	return attr.query.prog_cnt;
}

static void test_live_bpf(struct place *p)
{
	static const struct spec_device_rule mem_ro[] = {
		{false, 'a', -1, -1, R | W | M}, {true, 'c', 1, 11, W}};
	static const struct spec_device_rule all[] = {
		{true, 'a', -1, -1, R | W | M}};

	TEST("the kernel takes the program and asks it")
	{
		CHECK(attach_policy(p->cg, mem_ro, 2) == 0);
		CHECK(try_open(p->cg, "/dev/null", O_RDWR) == 0);
		CHECK(try_open(p->cg, "/dev/kmsg", O_WRONLY) == 0);
		CHECK(try_open(p->cg, "/dev/kmsg", O_RDONLY) == EPERM);
		CHECK(n_attached(p->cg) == 1);
	}
	TEST("a later handle replaces the program of an earlier one")
	{
		struct cgroup *again = NULL;

		CHECK(cgroup_open(p->path, &again) == 0);
		CHECK(attach_policy(again, NULL, 0) == 0);
		CHECK(n_attached(p->cg) == 1);
		CHECK(try_open(p->cg, "/dev/kmsg", O_WRONLY) == EPERM);
		CHECK(attach_policy(again, all, 1) == 0);
		CHECK(n_attached(p->cg) == 1);
		CHECK(try_open(p->cg, "/dev/kmsg", O_RDONLY) == 0);
		cgroup_close(again);
	}
}

static void test_live_apply(struct place *p)
{
	struct spec_device_rule rules[] = {{false, 'a', -1, -1, R | W | M},
					   {true, 'c', 1, 11, R}};
	struct spec_resources res = {.devices = rules, .n_devices = 2};

	TEST("rules that are applied hold for the processes in the cgroup")
	{
		CHECK(cgroup_apply(p->cg, &res, false) == 0);
		CHECK(try_open(p->cg, "/dev/null", O_RDWR) == 0);
		CHECK(try_open(p->cg, "/dev/kmsg", O_RDONLY) == 0);
		CHECK(try_open(p->cg, "/dev/kmsg", O_WRONLY) == EPERM);
	}
	TEST("an update without rules leaves them alone")
	{
		struct spec_resources none = {};

		CHECK(cgroup_apply(p->cg, &none, true) == 0);
		CHECK(try_open(p->cg, "/dev/kmsg", O_RDONLY) == 0);
		CHECK(try_open(p->cg, "/dev/kmsg", O_WRONLY) == EPERM);
	}
	TEST("an update with rules replaces them")
	{
		rules[1].access = W;
		CHECK(cgroup_apply(p->cg, &res, true) == 0);
		CHECK(try_open(p->cg, "/dev/kmsg", O_RDONLY) == EPERM);
		CHECK(try_open(p->cg, "/dev/kmsg", O_WRONLY) == 0);
	}
	TEST("a hole in a wider rule is refused where v1 would ignore it")
	{
		struct spec_device_rule hole[] = {{true, 'c', 1, -1, R | W},
						  {false, 'c', 1, 11, R}};
		struct spec_resources holes = {.devices = hole, .n_devices = 2};
		int r = cgroup_apply(p->cg, &holes, true);

		if (cgroup_mode(p->cg) == CGROUP_V1) {
			CHECK(r == -EOPNOTSUPP);
			CHECK(strstr(fail_text(), "1:11"));
		} else {
			CHECK(r == 0);
			CHECK(try_open(p->cg, "/dev/kmsg", O_RDONLY) == EPERM);
		}
	}
}

int main(void)
{
	struct place p = {};

	test_defaults();
	test_order();
	snprintf(p.path, sizeof(p.path), "/bulkhead-test-dev-%d", getpid());
	if (geteuid() != 0) {
		TEST("device rules on real devices")
		SKIP("root");
		return test_done();
	}
	TEST("a cgroup for the live tests is made")
	CHECK(cgroup_create(p.path, &p.cg) == 0);
	if (!p.cg) {
		printf("# %s\n", fail_text());
		return test_done();
	}
	test_live_bpf(&p);
	cgroup_remove(p.cg);
	cgroup_close(p.cg);
	TEST("a cgroup for the live tests is made")
	CHECK(cgroup_create(p.path, &p.cg) == 0);
	test_live_apply(&p);
	TEST("the cgroup is removed")
	CHECK(cgroup_remove(p.cg) == 0);
	cgroup_close(p.cg);
	return test_done();
}
