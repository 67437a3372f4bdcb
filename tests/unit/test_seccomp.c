/* SPDX-License-Identifier: MIT */
/* Seccomp filters: their decisions, in an interpreter and in the kernel. */
#include "isolate/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"
#include "tests/unit/test.h"

#define ERRNO(e) ((uint32_t)(SECCOMP_RET_ERRNO | (e)))
#define ALLOW    SCMP_ACT_ALLOW
#define NAMES(...)                \
	(char *[])                \
	{                         \
		__VA_ARGS__, NULL \
	}

/* -- A machine for classic BPF, as far as seccomp allows it --------------- */

static bool jumps(uint16_t op, uint32_t a, uint32_t k)
{
	switch (BPF_OP(op)) {
	case BPF_JEQ: return a == k;
	case BPF_JGT: return a > k;
	case BPF_JGE: return a >= k;
	case BPF_JSET: return a & k;
	}
	CHECK(!"a known jump");
	return false;
}

/* What the program answers; out of its bounds it fails the test. */
static uint32_t interpret(const struct buf *program,
			  const struct seccomp_data *data)
{
	const struct sock_filter *insn = (const void *)program->data;
	size_t n = program->len / sizeof(*insn);
	uint32_t acc = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &insn[pc];

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			CHECK_INT(i->code, BPF_LD | BPF_W | BPF_ABS);
			CHECK(i->k + 4 <= sizeof(*data) && i->k % 4 == 0);
			memcpy(&acc, (const char *)data + i->k, 4);
			break;
		case BPF_ALU:
			CHECK_INT(i->code, BPF_ALU | BPF_AND | BPF_K);
			acc &= i->k;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				pc += i->k;
			else
				pc += jumps(i->code, acc, i->k) ? i->jt : i->jf;
			break;
		case BPF_RET: return i->k;
		default: CHECK(!"a known instruction");
		}
	}
	CHECK(!"an answer");
	return 0;
}

/* -- The same decision, straight from the spec ---------------------------- */

static bool holds(const struct spec_seccomp_arg *a, uint64_t v)
{
	switch (a->op) {
	case SCMP_CMP_NE: return v != a->value;
	case SCMP_CMP_LT: return v < a->value;
	case SCMP_CMP_LE: return v <= a->value;
	case SCMP_CMP_EQ: return v == a->value;
	case SCMP_CMP_GE: return v >= a->value;
	case SCMP_CMP_GT: return v > a->value;
	case SCMP_CMP_MASKED_EQ: return (v & a->value) == a->value_two;
	}
	CHECK(!"a known operator");
	return false;
}

static bool matches(const struct spec_syscall_rule *rule,
		    const struct seccomp_data *d)
{
	bool all = true, any = false;
	unsigned seen = 0;
	bool repeated = false;

	for (size_t i = 0; i < rule->n_args; i++) {
		bool h = holds(&rule->args[i], d->args[rule->args[i].index]);

		all &= h;
		any |= h;
		repeated |= seen & 1u << rule->args[i].index;
		seen |= 1u << rule->args[i].index;
	}
	return repeated ? any : all;
}

static uint32_t expected(const struct spec_seccomp *sec,
			 const struct seccomp_data *d)
{
	int largest = -1;

	for (size_t i = 0; i < sec->n_rules; i++) {
		for (char **n = sec->rules[i].names; *n; n++) {
			int native = seccomp_syscall_resolve_name(*n);
			int number =
				seccomp_syscall_resolve_name_arch(d->arch, *n);

			largest = native > largest ? native : largest;
			if (number >= 0 && number == d->nr &&
			    matches(&sec->rules[i], d))
				return sec->rules[i].action;
		}
	}
	if (d->arch == SCMP_ARCH_X86_64 && d->nr > largest &&
	    sec->default_action != ALLOW && sec->default_action != SCMP_ACT_LOG)
		return ERRNO(ENOSYS);
	return sec->default_action;
}

/* -- Profiles ------------------------------------------------------------- */

#define ARG(i, o, v, w)                                                 \
	{                                                               \
		.index = (i), .op = (o), .value = (v), .value_two = (w) \
	}

static struct spec_seccomp_arg personality_args[] = {ARG(0, SCMP_CMP_EQ, 8, 0)};
static struct spec_seccomp_arg clone_args[] = {
	ARG(0, SCMP_CMP_MASKED_EQ, 0x7e020000, 0)};
static struct spec_seccomp_arg socket_args[] = {ARG(0, SCMP_CMP_NE, 40, 0),
						ARG(1, SCMP_CMP_LE, 5, 0)};
static struct spec_seccomp_arg either_args[] = {ARG(0, SCMP_CMP_EQ, 1, 0),
						ARG(0, SCMP_CMP_EQ, 7, 0)};
static struct spec_seccomp_arg wide_args[] = {
	ARG(2, SCMP_CMP_GT, 0x1ffffffffull, 0)};

static struct spec_syscall_rule rules[] = {
	{NAMES("read", "write", "close", "mmap", "exit_group", "futex", "poll",
	       "openat", "getpid", "prctl", "brk", "rt_sigreturn", "munmap",
	       "fstat", "lseek", "mprotect", "ioctl", "pread64", "access",
	       "pipe", "select", "dup", "nanosleep", "uname", "getcwd",
	       "newfstatat", "getrandom", "statx", "rseq", "write"),
	 ALLOW, NULL, 0},
	{NAMES("personality"), ALLOW, personality_args, 1},
	{NAMES("clone"), ALLOW, clone_args, 1},
	{NAMES("socket"), ALLOW, socket_args, 2},
	{NAMES("kill"), ALLOW, either_args, 2},
	{NAMES("lseek_of_the_future", "no_such_call"), ALLOW, NULL, 0},
	{NAMES("mknod"), ERRNO(EACCES), NULL, 0},
	{NAMES("bpf"), SCMP_ACT_KILL_PROCESS, NULL, 0},
	{NAMES("ftruncate"), ALLOW, wide_args, 1},
	/* the same as the default: says nothing, but the call is known */
	{NAMES("clone3"), ERRNO(EPERM), NULL, 0},
};

static uint32_t archs[] = {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32};

static const struct spec_seccomp profile = {
	.default_action = ERRNO(EPERM),
	.architectures = archs,
	.n_architectures = 2,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
};

static void compile(const struct spec_seccomp *sec, struct buf *out)
{
	size_t skipped = 0;
	int r = seccomp_compile(sec, out, &skipped);

	if (r < 0)
		printf("# %s\n", fail_text());
	CHECK_INT(r, 0);
	CHECK(out->len % sizeof(struct sock_filter) == 0);
}

static const uint64_t values[] = {
	0,  1,          5,          6,           7,           8,
	40, 0x00020000, 0x7e020000, 0x1ffffffff, 0x200000000, 0x100000008};

/* Arguments of 32-bit callers have no upper half. */
static bool fits(uint32_t arch, uint64_t v)
{
	return arch == SCMP_ARCH_X86_64 || v <= UINT32_MAX;
}

static void compare_number(const struct spec_seccomp *sec,
			   const struct buf *program, uint32_t arch, int nr)
{
	const size_t n = sizeof(values) / sizeof(values[0]);

	for (size_t i = 0; i < n * n; i++) {
		struct seccomp_data d = {.nr = nr, .arch = arch};

		d.args[0] = d.args[2] = values[i % n];
		d.args[1] = values[i / n];
		if (!fits(arch, d.args[0]) || !fits(arch, d.args[1]))
			continue;

		uint32_t have = interpret(program, &d);
		uint32_t want = expected(sec, &d);

		if (have != want)
			printf("# arch %#x nr %d args %#llx %#llx: %#x, "
			       "not %#x\n",
			       arch, nr, (unsigned long long)d.args[0],
			       (unsigned long long)d.args[1], have, want);
		CHECK(have == want);
		if (arch == SCMP_ARCH_X86_64)
			CHECK_INT(seccomp_allows((const void *)program->data,
						 program->len /
							 sizeof(struct sock_filter),
						 &d),
				  want == ALLOW);
	}
}

static void decides_as_the_spec(void)
{
	_cleanup_(buf_fini)
	struct buf program = {};

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		SKIP("x86-64");
	compile(&profile, &program);
	for (int nr = 0; nr <= 600; nr++) {
		compare_number(&profile, &program, SCMP_ARCH_X86_64, nr);
		/* socket(2), which i386 has twice: 359, and in socketcall(2) */
		if (nr != 359 && nr != 102)
			compare_number(&profile, &program, SCMP_ARCH_X86, nr);
	}
}

static void refuses_foreign(void)
{
	_cleanup_(buf_fini)
	struct buf program = {};
	static const uint32_t foreign[] = {SCMP_ARCH_AARCH64, SCMP_ARCH_PPC64LE,
					   0, UINT32_MAX};

	compile(&profile, &program);
	for (size_t a = 0; a < sizeof(foreign) / sizeof(foreign[0]); a++) {
		for (int nr = 0; nr <= 600; nr++) {
			const struct seccomp_data d = {.nr = nr,
						       .arch = foreign[a]};

			CHECK(interpret(&program, &d) == SCMP_ACT_KILL);
		}
	}
}

/* x32 calls come as x86-64 with a bit: never allowed by accident. */
static void refuses_x32(void)
{
	_cleanup_(buf_fini)
	struct buf program = {};

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		SKIP("x86-64");
	compile(&profile, &program);
	for (int nr = 0; nr <= 600; nr++) {
		const struct seccomp_data d = {.nr = nr | 0x40000000,
					       .arch = SCMP_ARCH_X86_64};

		CHECK(interpret(&program, &d) != SCMP_ACT_ALLOW);
		CHECK(interpret(&program, &d) != ERRNO(ENOSYS));
	}
}

static void permissive_has_no_stub(void)
{
	struct spec_syscall_rule deny[] = {
		{NAMES("mknod"), ERRNO(EPERM), NULL, 0}};
	static const uint32_t defaults[] = {SCMP_ACT_ALLOW, SCMP_ACT_LOG};

	for (size_t i = 0; i < 2; i++) {
		const struct spec_seccomp sec = {.default_action = defaults[i],
						 .rules = deny,
						 .n_rules = 1};
		_cleanup_(buf_fini)
		struct buf program = {};
		const struct seccomp_data d = {.nr = 600,
					       .arch = seccomp_arch_native()};

		compile(&sec, &program);
		CHECK(interpret(&program, &d) == defaults[i]);
		CHECK(seccomp_allows((const void *)program.data,
				     program.len / sizeof(struct sock_filter),
				     &d));
	}
}

static void counts_skipped(void)
{
	_cleanup_(buf_fini)
	struct buf program = {};
	size_t skipped = 0;

	CHECK_INT(seccomp_compile(&profile, &program, &skipped), 0);
	CHECK_INT(skipped, 2);
}

/* -- Key ------------------------------------------------------------------ */

static struct buf key_of(const struct spec_seccomp *sec)
{
	struct buf key = {};

	seccomp_key(sec, &key);
	CHECK(!key.failed && key.len);
	return key;
}

static bool same_key(const struct spec_seccomp *a, const struct spec_seccomp *b)
{
	_cleanup_(buf_fini)
	struct buf x = key_of(a);
	_cleanup_(buf_fini)
	struct buf y = key_of(b);

	return x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
}

/* Checks that a change of FIELD to VALUE changes the key of s, and undoes it.
 */
#define CHANGES(field, value)                     \
	do {                                      \
		__typeof__(field) _old = (field); \
		(field) = (value);                \
		CHECK(!same_key(&base, &s));      \
		(field) = _old;                   \
		CHECK(same_key(&base, &s));       \
	} while (0)

static void key_has_every_field(void)
{
	uint32_t base_archs[] = {1, 2}, own_archs[] = {1, 2};
	struct spec_seccomp_arg base_args[] = {ARG(0, 1, 2, 3),
					       ARG(1, 1, 2, 3)};
	struct spec_seccomp_arg own_args[] = {ARG(0, 1, 2, 3), ARG(1, 1, 2, 3)};
	struct spec_syscall_rule base_rules[] = {
		{NAMES("ab", "c"), ERRNO(1), base_args, 2},
		{NAMES("d"), ALLOW, NULL, 0}};
	struct spec_syscall_rule own_rules[] = {
		{NAMES("ab", "c"), ERRNO(1), own_args, 2},
		{NAMES("d"), ALLOW, NULL, 0}};
	const struct spec_seccomp base = {.default_action = ERRNO(1),
					  .architectures = base_archs,
					  .n_architectures = 2,
					  .rules = base_rules,
					  .n_rules = 2};
	struct spec_seccomp s = base;

	s.architectures = own_archs;
	s.rules = own_rules;
	CHECK(same_key(&base, &s));
	CHANGES(s.default_action, ERRNO(38));
	CHANGES(s.n_architectures, 1);
	CHANGES(own_archs[1], 3);
	CHANGES(s.flags, 2);
	CHANGES(s.n_rules, 1);
	CHANGES(own_rules[0].action, ERRNO(2));
	CHANGES(own_rules[0].n_args, 1);
	CHANGES(own_args[1].index, 2);
	CHANGES(own_args[1].op, 4);
	CHANGES(own_args[1].value, 1ull << 40);
	CHANGES(own_args[1].value_two, 1ull << 40);
	/* The same letters, cut elsewhere. */
	CHANGES(own_rules[0].names, NAMES("a", "bc"));
	CHANGES(own_rules[0].names, NAMES("abc"));
	CHANGES(own_rules[0].names, NAMES("ab"));
	CHANGES(own_rules[1].names, NAMES("d", "e"));
}

/* -- In the kernel -------------------------------------------------------- */

static void load(const struct spec_seccomp *sec)
{
	_cleanup_(buf_fini)
	struct buf program = {};

	compile(sec, &program);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_INT(seccomp_filter_load((const void *)program.data,
				      program.len / sizeof(struct sock_filter),
				      sec->flags),
		  0);
}

/* What a call says: its errno, or 0. */
static int try(long nr, long a, long b, long c)
{
	errno = 0;
	return syscall(nr, a, b, c) < 0 ? errno : 0;
}

static void kernel_agrees(void)
{
	load(&profile);
	CHECK_INT(try(SYS_getpid, 0, 0, 0), 0);
	CHECK_INT(try(SYS_getppid, 0, 0, 0), EPERM);
	CHECK_INT(try(SYS_mknod, 0, 0, 0), EACCES);
	CHECK_INT(try(SYS_personality, 8, 0, 0), 0);
	CHECK_INT(try(SYS_personality, 9, 0, 0), EPERM);
	CHECK_INT(try(SYS_socket, 40, 1, 0), EPERM);
	CHECK_INT(try(SYS_socket, 1, 1, 0), 0);
	CHECK_INT(try(SYS_kill, 1, 0, 0), 0);
	CHECK_INT(try(SYS_kill, getpid(), 0, 0), EPERM);
	CHECK_INT(try(SYS_clone3, 0, 0, 0), EPERM);
	CHECK_INT(try(SYS_clone3 + 1, 0, 0, 0), ENOSYS);
	CHECK_INT(try(600, 0, 0, 0), ENOSYS);
	/* The way out of a sanitizer's program makes calls of its own. */
	syscall(SYS_exit_group, 0);
}

static void kernel_kills(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		load(&profile);
		syscall(SYS_bpf, 0, 0, 0);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGSYS);
}

static void listener_is_returned(void)
{
	struct spec_syscall_rule notify[] = {
		{NAMES("mknod"), SCMP_ACT_NOTIFY, NULL, 0}};
	const struct spec_seccomp sec = {
		.default_action = ALLOW, .rules = notify, .n_rules = 1};
	_cleanup_(buf_fini)
	struct buf program = {};

	compile(&sec, &program);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(seccomp_filter_load((const void *)program.data,
				  program.len / sizeof(struct sock_filter),
				  SECCOMP_FILTER_FLAG_NEW_LISTENER) > 2);
}

static void refuses_a_bad_program(void)
{
	const struct sock_filter no_return[] = {BPF_STMT(BPF_LD, 0)};

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_INT(seccomp_filter_load(no_return, 1, 0), -EINVAL);
	CHECK_HAS(fail_text(), "filter");
}

int main(void)
{
	TEST("each call is decided as the spec says", decides_as_the_spec);
	TEST("calls of another architecture are killed", refuses_foreign);
	TEST("x32 calls are neither allowed nor unknown", refuses_x32);
	TEST("a permissive default stays so", permissive_has_no_stub);
	TEST("unknown names are skipped and counted", counts_skipped);
	TEST("every field is in the key", key_has_every_field);
	TEST("the kernel decides as the interpreter", kernel_agrees);
	TEST("a call that kills does", kernel_kills);
	TEST("the listener's fd is returned", listener_is_returned);
	TEST("a broken program is refused", refuses_a_bad_program);
	return test_done();
}
