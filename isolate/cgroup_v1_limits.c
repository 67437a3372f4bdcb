/* SPDX-License-Identifier: MIT */
/* Limits as the files of cgroup v1 want them. */
#include "isolate/cgroup_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

/* Defines the format of a member that is written as it is. */
#define NUMBER(name, has, value_, form)                                    \
	static int name(const struct limit_source *src, struct buf *value) \
	{                                                                  \
		if (src->res->has)                                         \
			buf_printf(value, "%" form, src->res->value_);     \
		return 0;                                                  \
	}

NUMBER(v1_limit, memory.has_limit, memory.limit, PRId64)
NUMBER(v1_reservation, memory.has_reservation, memory.reservation, PRId64)
NUMBER(v1_kernel, memory.has_kernel, memory.kernel, PRId64)
NUMBER(v1_kernel_tcp, memory.has_kernel_tcp, memory.kernel_tcp, PRId64)
NUMBER(v1_swappiness, memory.has_swappiness, memory.swappiness, PRIu64)
NUMBER(v1_use_hierarchy, memory.has_use_hierarchy, memory.use_hierarchy, "d")
NUMBER(v1_oom, memory.has_disable_oom_killer, memory.disable_oom_killer, "d")
NUMBER(v1_shares, cpu.has_shares, cpu.shares, PRIu64)
NUMBER(v1_period, cpu.has_period, cpu.period_us, PRIu64)
NUMBER(v1_quota, cpu.has_quota, cpu.quota_us, PRId64)
NUMBER(v1_rt_period, cpu.has_rt_period, cpu.rt_period_us, PRIu64)
NUMBER(v1_rt_runtime, cpu.has_rt_runtime, cpu.rt_runtime_us, PRId64)
NUMBER(v1_leaf_weight, block_io.has_leaf_weight, block_io.leaf_weight, "d")
NUMBER(v1_class_id, has_net_class_id, net_class_id, PRIu32)

/* The limit may not pass that of memory and swap: "none" takes both away. */
static int v1_swap(const struct limit_source *src, struct buf *value)
{
	const struct spec_memory *m = &src->res->memory;
	int64_t now;

	if (m->has_swap)
		buf_printf(value, "%" PRId64, m->swap);
	else if (src->is_update && m->has_limit && m->limit < 0 &&
		 cgroup_limit_read_number(src->cg, CGROUP_MEMORY,
					  "memory.memsw.limit_in_bytes",
					  &now) == 0)
		buf_puts(value, "-1");
	return 0;
}

static int v1_leaf_weight_device(const struct limit_source *src,
				 struct buf *value)
{
	const struct spec_block_io *io = &src->res->block_io;

	for (size_t i = 0; i < io->n_weight_devices; i++) {
		const struct spec_weight_device *d = &io->weight_devices[i];

		if (d->has_leaf_weight)
			buf_printf(value, "%u:%u %u\n", d->major, d->minor,
				   d->leaf_weight);
	}
	return 0;
}

static int put_throttle(const struct limit_source *src, enum spec_throttle kind,
			struct buf *value)
{
	const struct spec_block_io *io = &src->res->block_io;

	for (size_t i = 0; i < io->n_throttle[kind]; i++)
		buf_printf(value, "%u:%u %" PRIu64 "\n",
			   io->throttle[kind][i].major,
			   io->throttle[kind][i].minor,
			   io->throttle[kind][i].rate);
	return 0;
}

static int v1_read_bps(const struct limit_source *src, struct buf *value)
{
	return put_throttle(src, SPEC_THROTTLE_READ_BPS, value);
}

static int v1_write_bps(const struct limit_source *src, struct buf *value)
{
	return put_throttle(src, SPEC_THROTTLE_WRITE_BPS, value);
}

static int v1_read_iops(const struct limit_source *src, struct buf *value)
{
	return put_throttle(src, SPEC_THROTTLE_READ_IOPS, value);
}

static int v1_write_iops(const struct limit_source *src, struct buf *value)
{
	return put_throttle(src, SPEC_THROTTLE_WRITE_IOPS, value);
}

static int v1_priorities(const struct limit_source *src, struct buf *value)
{
	for (size_t i = 0; i < src->res->n_net_priorities; i++)
		buf_printf(value, "%s %u\n",
			   src->res->net_priorities[i].interface,
			   src->res->net_priorities[i].priority);
	return 0;
}

/* In the order of writing; rows refused with EINVAL get a second turn. */
static const struct limit_row rows[] = {
	/* first the CPUs: a new cpuset has its parent's */
	{"cpu.cpus", CGROUP_CPUSET, "cpuset.cpus", limit_cpus, NULL, NULL},
	{"cpu.mems", CGROUP_CPUSET, "cpuset.mems", limit_mems, NULL, NULL},
	/* use_hierarchy cannot change once there are children or limits */
	{"memory.useHierarchy", CGROUP_MEMORY, "memory.use_hierarchy",
	 v1_use_hierarchy, NULL, NULL},
	/* limit <= memsw at all times: one of both orders works */
	{"memory.limit", CGROUP_MEMORY, "memory.limit_in_bytes", v1_limit, NULL,
	 NULL},
	{"memory.swap", CGROUP_MEMORY, "memory.memsw.limit_in_bytes", v1_swap,
	 NULL, NULL},
	{"memory.reservation", CGROUP_MEMORY, "memory.soft_limit_in_bytes",
	 v1_reservation, NULL, NULL},
	{"memory.kernel", CGROUP_MEMORY, "memory.kmem.limit_in_bytes",
	 v1_kernel, NULL, NULL},
	{"memory.kernelTCP", CGROUP_MEMORY, "memory.kmem.tcp.limit_in_bytes",
	 v1_kernel_tcp, NULL, NULL},
	{"memory.swappiness", CGROUP_MEMORY, "memory.swappiness", v1_swappiness,
	 NULL, NULL},
	{"memory.disableOOMKiller", CGROUP_MEMORY, "memory.oom_control", v1_oom,
	 NULL, NULL},
	{"cpu.shares", CGROUP_CPU, "cpu.shares", v1_shares, NULL, NULL},
	/* quota / period <= the parent's at all times, burst <= quota */
	{"cpu.period", CGROUP_CPU, "cpu.cfs_period_us", v1_period, NULL, NULL},
	{"cpu.quota", CGROUP_CPU, "cpu.cfs_quota_us", v1_quota, NULL, NULL},
	{"cpu.burst", CGROUP_CPU, "cpu.cfs_burst_us", limit_cpu_burst, NULL,
	 NULL},
	{"cpu.realtimePeriod", CGROUP_CPU, "cpu.rt_period_us", v1_rt_period,
	 NULL, NULL},
	{"cpu.realtimeRuntime", CGROUP_CPU, "cpu.rt_runtime_us", v1_rt_runtime,
	 NULL, NULL},
	{"cpu.idle", CGROUP_CPU, "cpu.idle", limit_cpu_idle, NULL, NULL},
	{"pids.limit", CGROUP_PIDS, "pids.max", limit_pids, NULL, NULL},
	/* the plain names were those of the CFQ scheduler, gone since 5.0 */
	{"blockIO.weight", CGROUP_BLKIO, "blkio.bfq.weight", limit_blkio_weight,
	 "blkio.weight", limit_blkio_weight},
	{"blockIO.weightDevice", CGROUP_BLKIO, "blkio.bfq.weight_device",
	 limit_blkio_weight_device, "blkio.weight_device",
	 limit_blkio_weight_device},
	{"blockIO.leafWeight", CGROUP_BLKIO, "blkio.leaf_weight",
	 v1_leaf_weight, NULL, NULL},
	{"blockIO.weightDevice", CGROUP_BLKIO, "blkio.leaf_weight_device",
	 v1_leaf_weight_device, NULL, NULL},
	{"blockIO.throttleReadBpsDevice", CGROUP_BLKIO,
	 "blkio.throttle.read_bps_device", v1_read_bps, NULL, NULL},
	{"blockIO.throttleWriteBpsDevice", CGROUP_BLKIO,
	 "blkio.throttle.write_bps_device", v1_write_bps, NULL, NULL},
	{"blockIO.throttleReadIOPSDevice", CGROUP_BLKIO,
	 "blkio.throttle.read_iops_device", v1_read_iops, NULL, NULL},
	{"blockIO.throttleWriteIOPSDevice", CGROUP_BLKIO,
	 "blkio.throttle.write_iops_device", v1_write_iops, NULL, NULL},
	{"network.classID", CGROUP_NET_CLS, "net_cls.classid", v1_class_id,
	 NULL, NULL},
	{"network.priorities", CGROUP_NET_PRIO, "net_prio.ifpriomap",
	 v1_priorities, NULL, NULL},
	{"rdma", CGROUP_RDMA, "rdma.max", limit_rdma, NULL, NULL},
};

int cgroup_v1_limits(const struct limit_source *src)
{
	int r = cgroup_limits_write(src, rows, ARRAY_SIZE(rows));

	return r < 0 ? r : cgroup_limits_write_hugetlb(src);
}
