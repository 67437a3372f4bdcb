/* SPDX-License-Identifier: MIT */
/* Scheduling, I/O priority, CPU affinity, personality and memory policy. */
#include "isolate/sched.h"

#include <stdlib.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

#define IOPRIO_WHO_PROCESS 1 /* linux/ioprio.h */

/* struct sched_attr of the kernel, in its first form (sched_setattr(2)). */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

int sched_apply(const struct spec_process *process)
{
	const struct spec_scheduler *s = &process->scheduler;

	if (process->has_scheduler) {
		struct attr attr = {.size = sizeof(attr),
				    .policy = s->policy,
				    .flags = s->flags,
				    .nice = s->nice,
				    .priority = s->priority,
				    .runtime = s->runtime_ns,
				    .deadline = s->deadline_ns,
				    .period = s->period_ns};

		if (syscall(SYS_sched_setattr, 0, &attr, 0) < 0)
			return fail(errno, "set scheduling policy %u",
				    s->policy);
	}
	if (process->has_io_priority &&
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		    process->io_priority) < 0)
		return fail(errno, "set I/O priority");
	return 0;
}

/* A bit mask with the set's members; *bits: its length. NULL: no memory. */
static unsigned long *mask_of(const struct spec_cpu_set *set, size_t *bits)
{
	const size_t per_word = 8 * sizeof(unsigned long);
	size_t words = set->cpus[set->n_cpus - 1] / per_word + 1;
	unsigned long *mask = calloc(words, sizeof(*mask));

	for (size_t i = 0; mask && i < set->n_cpus; i++)
		mask[set->cpus[i] / per_word] |= 1ul << set->cpus[i] % per_word;
	*bits = words * per_word;
	return mask;
}

int sched_set_affinity(const struct spec_cpu_set *cpus)
{
	size_t bits;

	if (cpus->n_cpus == 0)
		return 0;

	_cleanup_free_ unsigned long *mask = mask_of(cpus, &bits);

	if (!mask)
		return fail(ENOMEM, "set CPU affinity");
	if (syscall(SYS_sched_setaffinity, 0, bits / 8, mask) < 0)
		return fail(errno, "set CPU affinity");
	return 0;
}

static int set_memory_policy(const struct spec_linux *l)
{
	const struct spec_cpu_set *nodes = &l->memory_policy_nodes;
	_cleanup_free_ unsigned long *mask = NULL;
	size_t bits = 0;

	if (nodes->n_cpus) {
		mask = mask_of(nodes, &bits);
		if (!mask)
			return fail(ENOMEM, "set memory policy");
	}
	/* The kernel takes one bit less than it is told. */
	if (syscall(SYS_set_mempolicy, l->memory_policy_mode, mask,
		    bits ? bits + 1 : 0) < 0)
		return fail(errno, "set memory policy");
	return 0;
}

int sched_apply_linux(const struct spec_linux *linux_)
{
	if (linux_->has_personality && personality(linux_->personality) < 0)
		return fail(errno, "set personality");
	return linux_->has_memory_policy ? set_memory_policy(linux_) : 0;
}
