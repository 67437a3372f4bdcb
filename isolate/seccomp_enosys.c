/* SPDX-License-Identifier: MIT */
/* ENOSYS for system calls that are newer than a seccomp profile. */
#include "isolate/seccomp_enosys.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "oci/spec.h"

#define X32_BIT 0x40000000u /* numbers of the x32 ABI, left to the filter */

static bool refuses(uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;

	return kind == SECCOMP_RET_ERRNO || kind == SECCOMP_RET_KILL_PROCESS ||
	       kind == SECCOMP_RET_KILL_THREAD || kind == SECCOMP_RET_TRAP;
}

/* The largest native number that the profile names; -1: none. */
static int largest(const struct spec_seccomp *sec)
{
	int max = -1;

	for (size_t i = 0; i < sec->n_rules; i++) {
		for (char **name = sec->rules[i].names; *name; name++) {
			int n = seccomp_syscall_resolve_name(*name);

			if (n > max)
				max = n;
		}
	}
	return max;
}

void seccomp_put_enosys(const struct spec_seccomp *sec, struct buf *out)
{
	int max = largest(sec);

	if (max < 0 || !refuses(sec->default_action))
		return;

	const struct sock_filter stub[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 0,
			 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)max, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	buf_put(out, stub, sizeof(stub));
}
