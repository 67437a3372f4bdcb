/* SPDX-License-Identifier: MIT */
/* Device rules, and the eBPF program that enforces them in cgroup v2. */
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolate/cgroup_hierarchy.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"

#define RWM (SPEC_DEVICE_READ | SPEC_DEVICE_WRITE | SPEC_DEVICE_MKNOD)

/* What every container may use: mknod of anything, use of the harmless. */
static const struct spec_device_rule defaults[] = {
	{true, 'c', -1, -1, SPEC_DEVICE_MKNOD},
	{true, 'b', -1, -1, SPEC_DEVICE_MKNOD},
	{true, 'c', 1, 3, RWM}, /* null */
	{true, 'c', 1, 5, RWM}, /* zero */
	{true, 'c', 1, 7, RWM}, /* full */
	{true, 'c', 1, 8, RWM}, /* random */
	{true, 'c', 1, 9, RWM}, /* urandom */
	{true, 'c', 5, 0, RWM}, /* tty */
	{true, 'c', 5, 2, RWM}, /* ptmx */
	{true, 'c', 136, -1, RWM}, /* pts */
};

struct spec_device_rule *cgroup_device_rules(const struct spec_resources *res,
					     size_t *n)
{
	struct spec_device_rule *all =
		calloc(res->n_devices + ARRAY_SIZE(defaults), sizeof(*all));

	if (!all)
		return NULL;
	if (res->n_devices)
		memcpy(all, res->devices, res->n_devices * sizeof(*all));
	memcpy(all + res->n_devices, defaults, sizeof(defaults));
	*n = res->n_devices + ARRAY_SIZE(defaults);
	return all;
}

/* -- The program ---------------------------------------------------------- */

#define RULE_INSNS_MAX 8
#define FRAME_INSNS    9

static struct bpf_insn insn(uint8_t code, uint8_t dst, uint8_t src, int16_t off,
			    int32_t imm)
{
	return (struct bpf_insn){.code = code,
				 .dst_reg = dst,
				 .src_reg = src,
				 .off = off,
				 .imm = imm};
}

/* "r", "w", "m" of the spec as BPF_DEVCG_ACC_* */
static int32_t bpf_access(unsigned access)
{
	return (access & SPEC_DEVICE_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & SPEC_DEVICE_WRITE ? BPF_DEVCG_ACC_WRITE : 0) |
	       (access & SPEC_DEVICE_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0);
}

enum { R_RESULT, R_CTX, R_TYPE, R_ACCESS, R_MAJOR, R_MINOR, R_TEMP };

/*
 * One rule: falls through to the next when it does not match. A rule that
 * allows matches when it covers all that is asked for, one that denies when
 * it covers any of it. Returns the number of instructions.
 */
static size_t put_rule(struct bpf_insn *out, const struct spec_device_rule *r)
{
	const uint8_t jne = BPF_JMP | BPF_JNE | BPF_K;
	int32_t access = bpf_access(r->access);
	size_t n = 0, jumps = 0;
	size_t jump_at[4];

	if (r->type != 'a') {
		jump_at[jumps++] = n;
		out[n++] = insn(jne, R_TYPE, 0, 0,
				r->type == 'b' ? BPF_DEVCG_DEV_BLOCK
					       : BPF_DEVCG_DEV_CHAR);
	}
	if (r->access != RWM) {
		out[n++] = insn(BPF_ALU64 | BPF_MOV | BPF_X, R_TEMP, R_ACCESS,
				0, 0);
		out[n++] = insn(BPF_ALU64 | BPF_AND | BPF_K, R_TEMP, 0, 0,
				r->allow ? ~access : access);
		jump_at[jumps++] = n;
		out[n++] = insn(r->allow ? jne : BPF_JMP | BPF_JEQ | BPF_K,
				R_TEMP, 0, 0, 0);
	}
	if (r->major >= 0) {
		jump_at[jumps++] = n;
		out[n++] = insn(jne, R_MAJOR, 0, 0, (int32_t)r->major);
	}
	if (r->minor >= 0) {
		jump_at[jumps++] = n;
		out[n++] = insn(jne, R_MINOR, 0, 0, (int32_t)r->minor);
	}
	out[n++] = insn(BPF_ALU64 | BPF_MOV | BPF_K, R_RESULT, 0, 0, r->allow);
	out[n++] = insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (size_t i = 0; i < jumps; i++)
		out[jump_at[i]].off = (int16_t)(n - jump_at[i] - 1);
	return n;
}

/* Later rules win: they are asked first. What none knows is allowed. */
static struct bpf_insn *compile(const struct spec_device_rule *rules, size_t n,
				size_t *n_insns)
{
	const uint8_t load = BPF_LDX | BPF_MEM | BPF_W;
	struct bpf_insn *prog =
		calloc(n * (RULE_INSNS_MAX + 1) + FRAME_INSNS, sizeof(*prog));
	size_t at = 0;

	if (!prog)
		return NULL;
	prog[at++] = insn(load, R_TYPE, R_CTX,
			  offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	prog[at++] = insn(BPF_ALU64 | BPF_MOV | BPF_X, R_ACCESS, R_TYPE, 0, 0);
	prog[at++] = insn(BPF_ALU64 | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
	prog[at++] = insn(BPF_ALU64 | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16);
	prog[at++] = insn(load, R_MAJOR, R_CTX,
			  offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	prog[at++] = insn(load, R_MINOR, R_CTX,
			  offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	while (n--) {
		at += put_rule(prog + at, &rules[n]);
		/* The verifier refuses what can never be reached. */
		if (rules[n].type == 'a' && rules[n].access == RWM &&
		    rules[n].major < 0 && rules[n].minor < 0)
			goto out;
	}
	prog[at++] = insn(BPF_ALU64 | BPF_MOV | BPF_K, R_RESULT, 0, 0, 1);
	prog[at++] = insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
out:
	*n_insns = at;
	return prog;
}

/* -- Loading -------------------------------------------------------------- */

/*
 * attr is always a whole zeroed union: kernels 6.17 to 7.1 write behind a
 * shorter one in BPF_PROG_QUERY.
 */
static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int load(const struct bpf_insn *prog, size_t n)
{
	static const char licence[] = "MIT";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)prog;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uintptr_t)licence;
	return bpf(BPF_PROG_LOAD, &attr);
}

/* The program that is attached to dir itself, or -1. */
static int find_attached(int dir)
{
	uint32_t id = 0;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_cnt = 1;
	attr.query.prog_ids = (uintptr_t)&id;
	if (bpf(BPF_PROG_QUERY, &attr) < 0 || attr.query.prog_cnt != 1)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

int cgroup_devices_attach(int dir, const struct spec_resources *res)
{
	size_t n_rules, n;
	_cleanup_free_ struct spec_device_rule *rules =
		cgroup_device_rules(res, &n_rules);
	_cleanup_free_ struct bpf_insn *code =
		rules ? compile(rules, n_rules, &n) : NULL;
	union bpf_attr attr;

	if (!code)
		return fail(ENOMEM, "devices");

	_cleanup_fd_ int prog = load(code, n);

	/* Without the right to bpf(2) there is none to mknod(2) either. */
	if (prog < 0 && errno == EPERM && geteuid() != 0)
		return 0;
	if (prog < 0)
		return fail(errno, "devices: load the filter program");

	_cleanup_fd_ int old = find_attached(dir);

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	if (bpf(BPF_PROG_ATTACH, &attr) < 0)
		return fail(errno, "devices: attach the filter program");
	return 0;
}
