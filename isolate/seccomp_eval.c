/* SPDX-License-Identifier: MIT */
/* What a seccomp filter would say to a system call, without loading it. */
#include "isolate/seccomp.h"

#include <seccomp.h>
#include <string.h>

/* The machine that runs a filter: linux/filter.h. */
struct machine {
	uint32_t a, x;
	uint32_t mem[BPF_MEMWORDS];
};

static uint32_t alu(uint32_t a, uint16_t code, uint32_t operand)
{
	switch (BPF_OP(code)) {
	case BPF_ADD: return a + operand;
	case BPF_SUB: return a - operand;
	case BPF_MUL: return a * operand;
	case BPF_DIV: return operand ? a / operand : 0;
	case BPF_AND: return a & operand;
	case BPF_OR: return a | operand;
	case BPF_XOR: return a ^ operand;
	case BPF_LSH: return operand < 32 ? a << operand : 0;
	case BPF_RSH: return operand < 32 ? a >> operand : 0;
	default: return -a; /* BPF_NEG */
	}
}

static bool compare(uint32_t a, uint16_t code, uint32_t operand)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ: return a == operand;
	case BPF_JGT: return a > operand;
	case BPF_JGE: return a >= operand;
	default: return a & operand; /* BPF_JSET */
	}
}

static uint32_t load(const struct machine *m, const struct sock_filter *in,
		     const struct seccomp_data *call)
{
	uint32_t word = 0;

	switch (BPF_MODE(in->code)) {
	case BPF_IMM: return in->k;
	case BPF_LEN: return sizeof(*call);
	case BPF_MEM: return in->k < BPF_MEMWORDS ? m->mem[in->k] : 0;
	default: break; /* BPF_ABS */
	}
	if (in->k <= sizeof(*call) - sizeof(word))
		memcpy(&word, (const char *)call + in->k, sizeof(word));
	return word;
}

/* Everything but jumps and returns. */
static void step(struct machine *m, const struct sock_filter *in,
		 const struct seccomp_data *call)
{
	uint32_t operand = BPF_SRC(in->code) == BPF_X ? m->x : in->k;

	switch (BPF_CLASS(in->code)) {
	case BPF_LD: m->a = load(m, in, call); break;
	case BPF_LDX: m->x = load(m, in, call); break;
	case BPF_ST: m->mem[in->k % BPF_MEMWORDS] = m->a; break;
	case BPF_STX: m->mem[in->k % BPF_MEMWORDS] = m->x; break;
	case BPF_ALU: m->a = alu(m->a, in->code, operand); break;
	default: /* BPF_MISC */
		if (BPF_MISCOP(in->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
	}
}

/* The action that the program returns; it jumps forwards only. */
static uint32_t run(const struct sock_filter *insns, size_t n,
		    const struct seccomp_data *call)
{
	struct machine m = {};

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *in = &insns[pc];

		switch (BPF_CLASS(in->code)) {
		case BPF_RET:
			return BPF_RVAL(in->code) == BPF_A ? m.a : in->k;
		case BPF_JMP:
			if (BPF_OP(in->code) == BPF_JA)
				pc += in->k;
			else
				pc += compare(m.a, in->code,
					      BPF_SRC(in->code) == BPF_X
						      ? m.x
						      : in->k)
					      ? in->jt
					      : in->jf;
			break;
		default: step(&m, in, call);
		}
	}
	return SECCOMP_RET_KILL_PROCESS; /* the kernel takes none such */
}

bool seccomp_allows(const struct sock_filter *insns, size_t n,
		    const struct seccomp_data *call)
{
	struct seccomp_data native = *call;
	uint32_t action;

	native.arch = seccomp_arch_native();
	action = run(insns, n, &native) & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
