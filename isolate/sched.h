/* SPDX-License-Identifier: MIT */
/* Scheduling, I/O priority, CPU affinity, personality and memory policy. */
#pragma once

#include "oci/spec.h"

/*
 * Child, while it has CAP_SYS_NICE: scheduler and ioPriority as far as the
 * process object gives them. Returns 0 or -errno with fail() text.
 */
int sched_apply(const struct spec_process *process);

/* CPUs the calling process may run on; an empty set changes nothing. */
int sched_set_affinity(const struct spec_cpu_set *cpus);

/* linux.personality and linux.memoryPolicy. 0 or -errno with fail() text. */
int sched_apply_linux(const struct spec_linux *linux_);
