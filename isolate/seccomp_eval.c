/* SPDX-License-Identifier: MIT */
/* What a seccomp filter would say to a system call, without loading it. */
#include "isolate/seccomp.h"

#include <seccomp.h>
#include <string.h>

#define REFUSED SECCOMP_RET_KILL_PROCESS

static bool compare(uint32_t a, uint16_t code, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ: return a == k;
	case BPF_JGT: return a > k;
	case BPF_JGE: return a >= k;
	default: return a & k; /* BPF_JSET */
	}
}

/* Where the jump at pc leads: forwards only. */
static size_t jump(const struct sock_filter *in, uint32_t a, size_t pc)
{
	if (BPF_OP(in->code) == BPF_JA)
		return pc + in->k;
	return pc + (compare(a, in->code, in->k) ? in->jt : in->jf);
}

/*
 * The action that the program returns. libseccomp writes no more instructions
 * than these; another one is taken for a refusal.
 */
static uint32_t action_of(const struct sock_filter *insns, size_t n,
			  const struct seccomp_data *call)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *in = &insns[pc];

		if (BPF_CLASS(in->code) == BPF_JMP && BPF_SRC(in->code) == BPF_K)
			pc = jump(in, a, pc);
		else if (in->code == (BPF_RET | BPF_K))
			return in->k;
		else if (in->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= in->k;
		else if (in->code == (BPF_LD | BPF_W | BPF_ABS) &&
			 in->k <= sizeof(*call) - sizeof(a))
			memcpy(&a, (const char *)call + in->k, sizeof(a));
		else
			break;
	}
	return REFUSED;
}

bool seccomp_allows(const struct sock_filter *insns, size_t n,
		    const struct seccomp_data *call)
{
	struct seccomp_data native = *call;
	uint32_t action;

	native.arch = seccomp_arch_native();
	action = action_of(insns, n, &native) & SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
