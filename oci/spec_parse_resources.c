/* SPDX-License-Identifier: MIT */
/* linux.resources: limits and device rules; also the body of an update. */
#include "oci/spec_parse.h"

#include <string.h>

#include "lib/arena.h"
#include "oci/spec.h"

#define DEVICE_NUMBER_MAX UINT32_MAX

/* -1 is "no limit"; anything below has no meaning. */
static int read_limit(struct field_context *c, const struct json *v,
		      const struct field *f, void *object)
{
	int64_t value = 0;
	int r = field_i64(v, -1, INT64_MAX, &value);

	(void)c;
	if (r == 0)
		*(int64_t *)((char *)object + f->at) = value;
	return r;
}

/* -- Device rules ---------------------------------------------------------- */

static int read_rule_type(struct field_context *c, const struct json *v,
			  const struct field *f, void *object)
{
	struct spec_device_rule *rule = object;
	int r = field_is(v, JSON_STRING);

	(void)c, (void)f;
	if (r < 0 || !*v->text)
		return r;
	if (!strchr("abc", v->text[0]) || v->text[1])
		return json_fail(v, "unknown type of device \"%s\"", v->text);
	rule->type = v->text[0];
	return 0;
}

static int read_access(struct field_context *c, const struct json *v,
		       const struct field *f, void *object)
{
	struct spec_device_rule *rule = object;
	int r = field_is(v, JSON_STRING);

	(void)c, (void)f;
	if (r < 0)
		return r;
	for (const char *a = v->text; *a; a++)
		if (*a == 'r')
			rule->access |= SPEC_DEVICE_READ;
		else if (*a == 'w')
			rule->access |= SPEC_DEVICE_WRITE;
		else if (*a == 'm')
			rule->access |= SPEC_DEVICE_MKNOD;
		else
			return json_fail(v, "access \"%s\" is not of r, w, m",
					 v->text);
	return 0;
}

static const struct field rule_fields[] = {
	{"allow", field_bool, FIELD_MEMBER(struct spec_device_rule, allow),
	 .required = true},
	{"type", .read = read_rule_type},
	{"major", .read = field_later},
	{"minor", .read = field_later},
	{"access", .read = read_access},
	{},
};

static int read_number(const struct json *v, const char *name, int64_t *out)
{
	const struct json *n = json_get(v, name);

	*out = -1;
	return n ? field_i64(n, -1, DEVICE_NUMBER_MAX, out) : 0;
}

static int finish_rule(struct field_context *c, const struct json *v,
		       void *object)
{
	struct spec_device_rule *rule = object;
	int r = read_number(v, "major", &rule->major);

	(void)c;
	if (r == 0)
		r = read_number(v, "minor", &rule->minor);
	if (!rule->type)
		rule->type = 'a';
	if (!rule->access)
		rule->access = SPEC_DEVICE_READ | SPEC_DEVICE_WRITE |
			       SPEC_DEVICE_MKNOD;
	return r;
}

/* -- Memory, CPU, pids ----------------------------------------------------- */

#define LIMIT(name, member)                                                 \
	{                                                                   \
		name, read_limit, FIELD_MEMBER(struct spec_memory, member), \
			.has = FIELD_HAS(struct spec_memory, has_##member)  \
	}

static const struct field memory_fields[] = {
	LIMIT("limit", limit),
	LIMIT("reservation", reservation),
	LIMIT("swap", swap),
	LIMIT("kernel", kernel),
	LIMIT("kernelTCP", kernel_tcp),
	{"swappiness", field_unsigned,
	 FIELD_MEMBER(struct spec_memory, swappiness),
	 .has = FIELD_HAS(struct spec_memory, has_swappiness)},
	{"disableOOMKiller", field_bool,
	 FIELD_MEMBER(struct spec_memory, disable_oom_killer),
	 .has = FIELD_HAS(struct spec_memory, has_disable_oom_killer)},
	{"useHierarchy", field_bool,
	 FIELD_MEMBER(struct spec_memory, use_hierarchy),
	 .has = FIELD_HAS(struct spec_memory, has_use_hierarchy)},
	{"checkBeforeUpdate", field_bool,
	 FIELD_MEMBER(struct spec_memory, check_before_update)},
	{},
};

#define CPU(name, reader, member, flag)                              \
	{                                                            \
		name, reader, FIELD_MEMBER(struct spec_cpu, member), \
			.has = FIELD_HAS(struct spec_cpu, flag)      \
	}

static const struct field cpu_fields[] = {
	CPU("shares", field_unsigned, shares, has_shares),
	CPU("quota", read_limit, quota_us, has_quota),
	CPU("burst", field_unsigned, burst_us, has_burst),
	CPU("period", field_unsigned, period_us, has_period),
	CPU("realtimeRuntime", read_limit, rt_runtime_us, has_rt_runtime),
	CPU("realtimePeriod", field_unsigned, rt_period_us, has_rt_period),
	CPU("idle", field_signed, idle, has_idle),
	{"cpus", field_word_or_null, FIELD_MEMBER(struct spec_cpu, cpus)},
	{"mems", field_word_or_null, FIELD_MEMBER(struct spec_cpu, mems)},
	{},
};

static const struct field pids_fields[] = {
	{"limit", read_limit, FIELD_MEMBER(struct spec_resources, pids_limit),
	 .has = FIELD_HAS(struct spec_resources, has_pids_limit)},
	{},
};

/* -- Block devices --------------------------------------------------------- */

static const struct field weight_device_fields[] = {
	{"major", field_unsigned,
	 FIELD_MEMBER(struct spec_weight_device, major), .required = true},
	{"minor", field_unsigned,
	 FIELD_MEMBER(struct spec_weight_device, minor), .required = true},
	{"weight", field_unsigned,
	 FIELD_MEMBER(struct spec_weight_device, weight),
	 .has = FIELD_HAS(struct spec_weight_device, has_weight)},
	{"leafWeight", field_unsigned,
	 FIELD_MEMBER(struct spec_weight_device, leaf_weight),
	 .has = FIELD_HAS(struct spec_weight_device, has_leaf_weight)},
	{},
};

static const struct field throttle_device_fields[] = {
	{"major", field_unsigned,
	 FIELD_MEMBER(struct spec_throttle_device, major), .required = true},
	{"minor", field_unsigned,
	 FIELD_MEMBER(struct spec_throttle_device, minor), .required = true},
	{"rate", field_unsigned,
	 FIELD_MEMBER(struct spec_throttle_device, rate), .required = true},
	{},
};

#define THROTTLE(name, kind)                                                  \
	{                                                                     \
		name, field_objects,                                          \
			.at = offsetof(struct spec_block_io, throttle[kind]), \
			.size = sizeof(struct spec_throttle_device),          \
			.count = offsetof(struct spec_block_io,               \
					  n_throttle[kind]),                  \
			.of = throttle_device_fields                          \
	}

static const struct field block_io_fields[] = {
	{"weight", field_unsigned, FIELD_MEMBER(struct spec_block_io, weight),
	 .has = FIELD_HAS(struct spec_block_io, has_weight)},
	{"leafWeight", field_unsigned,
	 FIELD_MEMBER(struct spec_block_io, leaf_weight),
	 .has = FIELD_HAS(struct spec_block_io, has_leaf_weight)},
	{"weightDevice", field_objects,
	 FIELD_ARRAY(struct spec_block_io, weight_devices, n_weight_devices),
	 .of = weight_device_fields},
	THROTTLE("throttleReadBpsDevice", SPEC_THROTTLE_READ_BPS),
	THROTTLE("throttleWriteBpsDevice", SPEC_THROTTLE_WRITE_BPS),
	THROTTLE("throttleReadIOPSDevice", SPEC_THROTTLE_READ_IOPS),
	THROTTLE("throttleWriteIOPSDevice", SPEC_THROTTLE_WRITE_IOPS),
	{},
};

/* -- Huge pages, network, RDMA --------------------------------------------- */

static const struct field hugepage_fields[] = {
	{"pageSize", field_string,
	 FIELD_MEMBER(struct spec_hugepage_limit, page_size), .required = true},
	{"limit", field_unsigned,
	 FIELD_MEMBER(struct spec_hugepage_limit, limit_bytes),
	 .required = true},
	{},
};

static const struct field net_priority_fields[] = {
	{"name", field_string,
	 FIELD_MEMBER(struct spec_net_priority, interface), .required = true},
	{"priority", field_unsigned,
	 FIELD_MEMBER(struct spec_net_priority, priority), .required = true},
	{},
};

static const struct field network_fields[] = {
	{"classID", field_unsigned,
	 FIELD_MEMBER(struct spec_resources, net_class_id),
	 .has = FIELD_HAS(struct spec_resources, has_net_class_id)},
	{"priorities", field_objects,
	 FIELD_ARRAY(struct spec_resources, net_priorities, n_net_priorities),
	 .of = net_priority_fields},
	{},
};

static const struct field rdma_fields[] = {
	{"hcaHandles", field_unsigned,
	 FIELD_MEMBER(struct spec_rdma, hca_handles),
	 .has = FIELD_HAS(struct spec_rdma, has_hca_handles)},
	{"hcaObjects", field_unsigned,
	 FIELD_MEMBER(struct spec_rdma, hca_objects),
	 .has = FIELD_HAS(struct spec_rdma, has_hca_objects)},
	{},
};

static int read_rdma(struct field_context *c, const struct json *v,
		     const struct field *f, void *object)
{
	struct spec_resources *res = object;
	int r = field_is(v, JSON_OBJECT);

	(void)f;
	if (r < 0)
		return r;
	res->rdma = arena_array(c->arena, v->count, sizeof(*res->rdma));
	if (!res->rdma)
		return field_no_memory();
	json_for_each (e, v) {
		struct spec_rdma *d = &res->rdma[res->n_rdma];

		if (field_is_comment(e))
			continue;
		d->device = arena_strdup(c->arena, e->key);
		if (!d->device)
			return field_no_memory();
		r = fields_read(c, e, rdma_fields, d);
		if (r < 0)
			return r;
		res->n_rdma++;
	}
	return 0;
}

const struct field spec_resources_fields[] = {
	{"devices", field_objects,
	 FIELD_ARRAY(struct spec_resources, devices, n_devices),
	 .of = rule_fields, .finish = finish_rule},
	{"memory", field_object, FIELD_MEMBER(struct spec_resources, memory),
	 .of = memory_fields},
	{"cpu", field_object, FIELD_MEMBER(struct spec_resources, cpu),
	 .of = cpu_fields},
	{"pids", field_inline, .of = pids_fields},
	{"blockIO", field_object, FIELD_MEMBER(struct spec_resources, block_io),
	 .of = block_io_fields},
	{"hugepageLimits", field_objects,
	 FIELD_ARRAY(struct spec_resources, hugepage_limits, n_hugepage_limits),
	 .of = hugepage_fields},
	{"network", field_inline, .of = network_fields},
	{"rdma", .read = read_rdma},
	{"unified", field_pairs,
	 FIELD_ARRAY(struct spec_resources, unified, n_unified)},
	{},
};
