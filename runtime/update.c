/* SPDX-License-Identifier: MIT */
/* update: other limits for a container that exists. */
#include "runtime/update.h"

#include <errno.h>
#include <inttypes.h>

#include "isolate/cgroup.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "runtime/container.h"

#define ALIVE \
	(1u << STATUS_CREATED | 1u << STATUS_RUNNING | 1u << STATUS_PAUSED)

/* Engines send whole objects, with 0 for what they do not want changed. */
static void forget_zeros(struct spec_resources *res)
{
	struct spec_memory *m = &res->memory;
	struct spec_cpu *c = &res->cpu;

	m->has_limit &= m->limit != 0;
	m->has_reservation &= m->reservation != 0;
	m->has_swap &= m->swap != 0;
	m->has_kernel &= m->kernel != 0;
	m->has_kernel_tcp &= m->kernel_tcp != 0;
	c->has_shares &= c->shares != 0;
	c->has_quota &= c->quota_us != 0;
	c->has_period &= c->period_us != 0;
	c->has_rt_runtime &= c->rt_runtime_us != 0;
	c->has_rt_period &= c->rt_period_us != 0;
	res->block_io.has_weight &= res->block_io.weight != 0;
	res->block_io.has_leaf_weight &= res->block_io.leaf_weight != 0;
}

/* A VMM that has less than its guest was promised is killed sooner or later. */
static int check_vm(const struct cgroup *cg, const struct spec_memory *m)
{
	int64_t now;
	int r = 0;

	if (!m->has_limit || m->limit < 0)
		return 0;
	r = cgroup_memory_limit(cg, &now);
	if (r < 0 || (now >= 0 && m->limit >= now))
		return r;
	return fail_plain(EINVAL,
			  "linux.resources.memory.limit: %" PRId64 " is below "
			  "what the micro-VM has, which cannot be taken back",
			  m->limit);
}

int update_container(const struct store *s, const char *id,
		     const struct spec_resources *res)
{
	_cleanup_(container_close)
	struct container c = {};
	_cleanup_fd_ int lock = -1;
	struct spec_resources changes = *res;
	struct cgroup *cg = NULL;
	int r = container_open_locked(s, id, &c, &lock);

	if (r < 0)
		return r;
	r = container_require(&c, ALIVE, "running");
	if (r == 0)
		r = container_cgroup(&c, &cg);
	forget_zeros(&changes);
	if (r == 0 && c.record->in_vm)
		r = check_vm(cg, &changes.memory);
	if (r == 0)
		r = cgroup_apply(cg, &changes, true);
	return r < 0 ? fail_in(r, "\"%s\"", id) : 0;
}
