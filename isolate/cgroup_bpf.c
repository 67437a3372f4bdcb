/* SPDX-License-Identifier: MIT */
/* Device rules of cgroup v2: an eBPF program that the kernel asks. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

/*
 * Theory of operation
 *
 * The kernel runs the program at every open and mknod of a device node, with
 * the kind of device, the accesses asked for and the numbers. "Later rules
 * win" holds for each access on its own (one rule may allow reading, another
 * deny writing), so the program goes through the rules from the last to the
 * first and keeps the set of accesses that no rule has decided yet:
 *
 *	a rule that allows takes its accesses out of the set; empty: allowed
 *	a rule that denies and has one of the set: denied
 *	no rule left: the default
 */

#define PROGRAM_NAME "bulkhead_dev" /* how we know ours again; 15 bytes */
#define MAX_ATTACHED 64             /* the kernel's BPF_CGROUP_MAX_PROGS */

/* Registers of the program. */
enum {
	R_RESULT = BPF_REG_0,
	R_CONTEXT = BPF_REG_1,
	R_TYPE = BPF_REG_2,
	R_LEFT = BPF_REG_3, /* accesses not decided yet */
	R_MAJOR = BPF_REG_4,
	R_MINOR = BPF_REG_5,
	R_SCRATCH = BPF_REG_6,
};

/* -- The program ---------------------------------------------------------- */

static void emit(struct buf *b, uint8_t code, uint8_t dst, int16_t off,
		 int32_t imm)
{
	struct bpf_insn insn = {
		.code = code, .dst_reg = dst & 15, .off = off, .imm = imm};

	buf_put(b, &insn, sizeof(insn));
}

static void emit_load(struct buf *b, uint8_t dst, size_t offset)
{
	struct bpf_insn insn = {.code = BPF_LDX | BPF_MEM | BPF_W,
				.dst_reg = dst & 15,
				.src_reg = R_CONTEXT,
				.off = (int16_t)offset};

	buf_put(b, &insn, sizeof(insn));
}

static void emit_copy(struct buf *b, uint8_t dst, uint8_t src)
{
	struct bpf_insn insn = {.code = BPF_ALU | BPF_MOV | BPF_X,
				.dst_reg = dst & 15,
				.src_reg = src & 15};

	buf_put(b, &insn, sizeof(insn));
}

static void emit_return(struct buf *b, bool allow)
{
	emit(b, BPF_ALU64 | BPF_MOV | BPF_K, R_RESULT, 0, allow);
	emit(b, BPF_JMP | BPF_EXIT, 0, 0, 0);
}

/* The kernel's bits for the spec's. */
static int32_t kernel_access(unsigned access)
{
	return (access & SPEC_DEVICE_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & SPEC_DEVICE_WRITE ? BPF_DEVCG_ACC_WRITE : 0) |
	       (access & SPEC_DEVICE_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0);
}

static void emit_rule(struct buf *b, const struct spec_device_rule *rule)
{
	int32_t access = kernel_access(rule->access);
	int type = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
	/* Instructions behind the tests: what a test has to jump over. */
	int16_t body = rule->allow ? 4 : 5;

	emit(b, BPF_JMP | BPF_JNE | BPF_K, R_TYPE,
	     (int16_t)(body + (rule->major >= 0) + (rule->minor >= 0)), type);
	if (rule->major >= 0)
		emit(b, BPF_JMP32 | BPF_JNE | BPF_K, R_MAJOR,
		     (int16_t)(body + (rule->minor >= 0)),
		     (int32_t)rule->major);
	if (rule->minor >= 0)
		emit(b, BPF_JMP32 | BPF_JNE | BPF_K, R_MINOR, body,
		     (int32_t)rule->minor);
	if (rule->allow) {
		emit(b, BPF_ALU | BPF_AND | BPF_K, R_LEFT, 0, ~access);
		emit(b, BPF_JMP | BPF_JNE | BPF_K, R_LEFT, 2, 0);
		emit_return(b, true);
		return;
	}
	emit_copy(b, R_SCRATCH, R_LEFT);
	emit(b, BPF_ALU | BPF_AND | BPF_K, R_SCRATCH, 0, access);
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, R_SCRATCH, 2, 0);
	emit_return(b, false);
}

void cgroup_bpf_program(const struct device_policy *policy, struct buf *insns)
{
	/* access_type holds the type in its lower half, accesses above. */
	emit_load(insns, R_LEFT,
		  offsetof(struct bpf_cgroup_dev_ctx, access_type));
	emit_load(insns, R_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	emit_load(insns, R_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	emit_copy(insns, R_TYPE, R_LEFT);
	emit(insns, BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0xffff);
	emit(insns, BPF_ALU | BPF_RSH | BPF_K, R_LEFT, 0, 16);
	for (size_t i = policy->n_rules; i > 0; i--)
		emit_rule(insns, &policy->rules[i - 1]);
	emit_return(insns, policy->default_allow);
}

/* -- bpf(2) --------------------------------------------------------------- */

/*
 * Always with the whole union, zeroed: from 6.17 until 7.1 BPF_PROG_QUERY
 * writes beyond a shorter one.
 */
static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* Returns the program's fd or -errno; no text. */
static int load(const struct buf *insns)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = pointer(insns->data);
	attr.insn_cnt = (uint32_t)(insns->len / sizeof(struct bpf_insn));
	attr.license = pointer("MIT"); /* no helper is called */
	memcpy(attr.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

static bool is_ours(int prog)
{
	struct bpf_prog_info about;
	union bpf_attr attr;

	memset(&about, 0, sizeof(about));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)prog;
	attr.info.info_len = sizeof(about);
	attr.info.info = pointer(&about);
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
	       strncmp(about.name, PROGRAM_NAME, sizeof(about.name)) == 0;
}

/* An fd of our program that is attached to dir; -ENOENT when none is. */
static int find_ours(int dir)
{
	uint32_t ids[MAX_ATTACHED] = {};
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = pointer(ids);
	attr.query.prog_cnt = MAX_ATTACHED;
	r = sys_bpf(BPF_PROG_QUERY, &attr);
	if (r < 0)
		return r;

	uint32_t n = attr.query.prog_cnt;
	for (uint32_t i = 0; i < n && i < MAX_ATTACHED; i++) {
		memset(&attr, 0, sizeof(attr));
		attr.prog_id = ids[i];

		int prog = sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
		if (prog >= 0 && is_ours(prog))
			return prog;
		cleanup_fd(&prog);
	}
	return -ENOENT;
}

static int attach(int dir, int prog, int old)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	return sys_bpf(BPF_PROG_ATTACH, &attr);
}

/*
 * True where we are root of a user namespace at most: bpf(2) is not for us,
 * and neither are device nodes, which is what the rules are about.
 */
static bool is_in_user_namespace(void)
{
	struct buf map = {};
	unsigned long inside = 0, outside = 0, count = 0;
	bool is_initial = false;

	if (fd_read_file(AT_FDCWD, "/proc/self/uid_map", &map, 1 << 16) == 0 &&
	    sscanf(buf_str(&map), "%lu %lu %lu", &inside, &outside, &count) ==
		    3)
		is_initial = inside == 0 && outside == 0 && count == UINT32_MAX;
	buf_fini(&map);
	return !is_initial || geteuid() != 0;
}

int cgroup_bpf_attach(const struct cgroup *cg,
		      const struct device_policy *policy)
{
	/* A cgroup that was made just now has none. */
	_cleanup_fd_ int old = cg->is_new ? -ENOENT : find_ours(cg->v2_fd);
	struct buf insns = {};
	const char *what = "load device program";

	if (old < 0 && policy->default_allow && !policy->n_rules)
		return 0; /* everything is allowed as it is */
	cgroup_bpf_program(policy, &insns);

	_cleanup_fd_ int prog = insns.failed ? -ENOMEM : load(&insns);
	int r = prog;

	buf_fini(&insns);
	if (r >= 0) {
		what = "attach device program";
		r = attach(cg->v2_fd, prog, old);
	}
	if (r == -EPERM && is_in_user_namespace())
		return 0;
	return r < 0 ? fail(-r, "%s to %s", what, cg->path) : 0;
}
