/* SPDX-License-Identifier: MIT */
/* Scheduling, I/O priority, affinity, personality and memory policy. */
#include "isolate/sched.h"

#include <errno.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

#define CLASS_BE             2
#define IOPRIO(class, level) ((class) << 13 | (level))
#define BIND                 2 /* MPOL_BIND */

static void absent_changes_nothing(void)
{
	const struct spec_process p = {};
	const struct spec_linux l = {};
	const struct spec_cpu_set none = {};
	int nice_before = getpriority(PRIO_PROCESS, 0);

	CHECK_INT(sched_apply(&p), 0);
	CHECK_INT(sched_apply_linux(&l), 0);
	CHECK_INT(sched_set_affinity(&none), 0);
	CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
	CHECK_INT(getpriority(PRIO_PROCESS, 0), nice_before);
}

static void sets_policy_and_priority(void)
{
	const struct spec_process p = {
		.has_scheduler = true,
		.scheduler = {.policy = SCHED_BATCH, .nice = 7},
		.has_io_priority = true,
		.io_priority = IOPRIO(CLASS_BE, 6)};

	CHECK_INT(sched_apply(&p), 0);
	CHECK_INT(sched_getscheduler(0), SCHED_BATCH);
	CHECK_INT(getpriority(PRIO_PROCESS, 0), 7);
	CHECK_INT(syscall(SYS_ioprio_get, 1, 0), IOPRIO(CLASS_BE, 6));
}

static void names_refusals(void)
{
	const struct spec_process policy = {.has_scheduler = true,
					    .scheduler = {.policy = 4711}};
	const struct spec_process io = {.has_io_priority = true,
					.io_priority = IOPRIO(7, 0)};

	CHECK_INT(sched_apply(&policy), -EINVAL);
	CHECK_HAS(fail_text(), "scheduling policy 4711");
	CHECK_INT(sched_apply(&io), -EINVAL);
	CHECK_HAS(fail_text(), "I/O priority");
}

static void sets_affinity(void)
{
	cpu_set_t set;
	uint32_t cpu = 0;

	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	while (!CPU_ISSET(cpu, &set))
		cpu++;

	const struct spec_cpu_set one = {.cpus = &cpu, .n_cpus = 1};

	CHECK_INT(sched_set_affinity(&one), 0);
	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	CHECK_INT(CPU_COUNT(&set), 1);
	CHECK(CPU_ISSET(cpu, &set));
}

/* Beyond the 1024 of libc's cpu_set_t: next to a real one it is harmless. */
static void takes_large_numbers(void)
{
	uint32_t many[] = {0, 5000};
	uint32_t absent[] = {5000};
	const struct spec_cpu_set both = {.cpus = many, .n_cpus = 2};
	const struct spec_cpu_set none = {.cpus = absent, .n_cpus = 1};

	CHECK_INT(sched_set_affinity(&both), 0);
	CHECK_INT(sched_set_affinity(&none), -EINVAL);
	CHECK_HAS(fail_text(), "affinity");
}

static void sets_personality(void)
{
	const struct spec_linux l = {.has_personality = true,
				     .personality = PER_LINUX32};

	CHECK_INT(sched_apply_linux(&l), 0);
	CHECK_INT(personality(0xffffffff), PER_LINUX32);
}

static void sets_memory_policy(void)
{
	uint32_t node = 0;
	const struct spec_linux l = {.has_memory_policy = true,
				     .memory_policy_mode = BIND,
				     .memory_policy_nodes = {&node, 1}};
	unsigned long nodes[16] = {};
	int mode = -1;

	int r = sched_apply_linux(&l);

	if (r == -ENOSYS)
		SKIP("NUMA in the kernel");
	CHECK_INT(r, 0);
	CHECK_INT(syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8,
			  NULL, 0),
		  0);
	CHECK_INT(mode, BIND);
	CHECK_INT(nodes[0], 1);
}

int main(void)
{
	TEST("what is absent changes nothing", absent_changes_nothing);
	TEST("policy, nice and I/O priority are set", sets_policy_and_priority);
	TEST("the error names what was refused", names_refusals);
	TEST("the affinity is what was asked for", sets_affinity);
	TEST("CPU numbers have no limit of ours", takes_large_numbers);
	TEST("the personality is set", sets_personality);
	TEST("memory is bound to its nodes", sets_memory_policy);
	return test_done();
}
