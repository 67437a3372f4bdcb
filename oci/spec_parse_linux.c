/* SPDX-License-Identifier: MIT */
/* The linux object: namespaces, id maps, devices and the rest of it. */
#include "oci/spec_parse.h"

#include <string.h>
#include <sys/stat.h>

#include "lib/arena.h"
#include "lib/cleanup.h"
#include "oci/spec.h"

#define DEFAULT_DEVICE_MODE 0666
#define MODE_MAX            07777
#define NANOSECONDS_MAX     999999999

/* -- Namespaces ------------------------------------------------------------ */

struct namespace
{
	uint32_t kind;
	const char *path;
};

static const struct field namespace_fields[] = {
	{"type", field_name, FIELD_MEMBER(struct namespace, kind),
	 .of = names_namespaces, .required = true},
	{"path", field_word_or_null, FIELD_MEMBER(struct namespace, path)},
	{},
};

static int read_namespaces(struct field_context *c, const struct json *v,
			   const struct field *f, void *object)
{
	struct spec_linux *l = object;
	unsigned seen = 0;
	int r = field_is(v, JSON_ARRAY);

	(void)f;
	if (r < 0)
		return r;
	json_for_each (e, v) {
		struct namespace ns = {};

		r = fields_read(c, e, namespace_fields, &ns);
		if (r < 0)
			return r;
		if (seen & 1U << ns.kind)
			return json_fail(e, "duplicate namespace \"%s\"",
					 json_get(e, "type")->text);
		seen |= 1U << ns.kind;
		if (ns.path && *ns.path != '/')
			return json_fail(e, "path %s is not absolute", ns.path);
		l->ns_paths[ns.kind] = ns.path;
		if (!ns.path)
			l->new_namespaces |= 1U << ns.kind;
	}
	return 0;
}

static int read_nanosecs(struct field_context *c, const struct json *v,
			 const struct field *f, void *object)
{
	uint64_t n = 0;
	int r = field_u64(v, NANOSECONDS_MAX, &n);

	(void)c, (void)f;
	((struct spec_time_offset *)object)->nanosecs = (uint32_t)n;
	return r;
}

static const struct field time_offset_fields[] = {
	{"secs", field_signed, FIELD_MEMBER(struct spec_time_offset, secs)},
	{"nanosecs", .read = read_nanosecs},
	{},
};

static int read_time_offset(struct field_context *c, const struct json *v,
			    const struct field *f, void *object)
{
	struct spec_time_offset *o =
		(struct spec_time_offset *)((char *)object + f->at);

	o->has = true;
	return fields_read(c, v, time_offset_fields, o);
}

static const struct field clock_fields[] = {
	{"monotonic", read_time_offset,
	 FIELD_MEMBER(struct spec_linux, monotonic)},
	{"boottime", read_time_offset,
	 FIELD_MEMBER(struct spec_linux, boottime)},
	{},
};

/* A clock that is not known must not be ignored: it would tell other time. */
static int read_clocks(struct field_context *c, const struct json *v,
		       const struct field *f, void *object)
{
	int r = fields_read(c, v, clock_fields, object);

	(void)f;
	if (r < 0)
		return r;
	json_for_each (m, v)
		if (!field_is_comment(m) && strcmp(m->key, "monotonic") != 0 &&
		    strcmp(m->key, "boottime") != 0)
			return json_fail(m, "unknown clock");
	return 0;
}

/* -- Devices --------------------------------------------------------------- */

static const struct name device_types[] = {
	{"c", S_IFCHR}, {"u", S_IFCHR}, {"b", S_IFBLK}, {"p", S_IFIFO}, {},
};

/* Only permissions count; some write st_mode as it is, with the type. */
static int read_file_mode(struct field_context *c, const struct json *v,
			  const struct field *f, void *object)
{
	uint64_t mode = 0;
	int r = field_u64(v, UINT32_MAX, &mode);

	(void)c, (void)f;
	((struct spec_device *)object)->mode = mode & MODE_MAX;
	return r;
}

static const struct field device_fields[] = {
	{"path", field_string, FIELD_MEMBER(struct spec_device, path),
	 .required = true},
	{"type", field_name, FIELD_MEMBER(struct spec_device, type),
	 .of = device_types, .required = true},
	{"major", field_unsigned, FIELD_MEMBER(struct spec_device, major)},
	{"minor", field_unsigned, FIELD_MEMBER(struct spec_device, minor)},
	{"fileMode", .read = read_file_mode},
	{"uid", field_unsigned, FIELD_MEMBER(struct spec_device, uid)},
	{"gid", field_unsigned, FIELD_MEMBER(struct spec_device, gid)},
	{},
};

static int finish_device(struct field_context *c, const struct json *v,
			 void *object)
{
	struct spec_device *d = object;

	(void)c;
	if (!json_get(v, "fileMode"))
		d->mode = DEFAULT_DEVICE_MODE;
	if (d->type == S_IFIFO)
		return 0;
	if (!json_get(v, "major"))
		return json_fail(v, "\"major\" is missing");
	if (!json_get(v, "minor"))
		return json_fail(v, "\"minor\" is missing");
	return 0;
}

static const struct field net_device_fields[] = {
	{"name", field_word_or_null,
	 FIELD_MEMBER(struct spec_net_device, container_name)},
	{},
};

static int read_net_devices(struct field_context *c, const struct json *v,
			    const struct field *f, void *object)
{
	struct spec_linux *l = object;
	int r = field_is(v, JSON_OBJECT);

	(void)f;
	if (r < 0)
		return r;
	l->net_devices =
		arena_array(c->arena, v->count, sizeof(*l->net_devices));
	if (!l->net_devices)
		return field_no_memory();
	json_for_each (e, v) {
		struct spec_net_device *d = &l->net_devices[l->n_net_devices];

		if (field_is_comment(e))
			continue;
		d->host_name = arena_strdup(c->arena, e->key);
		if (!d->host_name)
			return field_no_memory();
		r = fields_read(c, e, net_device_fields, d);
		if (r < 0)
			return r;
		if (!d->container_name)
			d->container_name = d->host_name;
		l->n_net_devices++;
	}
	return 0;
}

/* -- Sysctls --------------------------------------------------------------- */

/*
 * As sysctl(8) has it, whichever of '.' and '/' comes first separates, and
 * the other one stands for a dot in a name ("net.ipv4.conf.eth0/1.forwarding",
 * "net/ipv4/conf/eth0.1/forwarding"). Kept is the form with slashes.
 */
static int read_sysctls(struct field_context *c, const struct json *v,
			const struct field *f, void *object)
{
	struct spec_linux *l = object;
	int r = field_pairs(c, v, f, object);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l->n_sysctl; i++) {
		const char *key = l->sysctl[i].key;

		if (key[strcspn(key, "./")] != '.')
			continue;

		char *path = arena_strdup(c->arena, key);

		if (!path)
			return field_no_memory();
		for (char *d = path; *d; d++)
			*d = *d == '.' ? '/' : *d == '/' ? '.' : *d;
		l->sysctl[i].key = path;
	}
	return 0;
}

/* -- Smaller objects ------------------------------------------------------- */

static const struct field intel_rdt_fields[] = {
	{"closID", field_word_or_null,
	 FIELD_MEMBER(struct spec_intel_rdt, clos_id)},
	{"l3CacheSchema", field_word_or_null,
	 FIELD_MEMBER(struct spec_intel_rdt, l3_cache_schema)},
	{"memBwSchema", field_word_or_null,
	 FIELD_MEMBER(struct spec_intel_rdt, mem_bw_schema)},
	{"schemata", field_strings,
	 FIELD_MEMBER(struct spec_intel_rdt, schemata)},
	{"enableMonitoring", field_bool,
	 FIELD_MEMBER(struct spec_intel_rdt, enable_monitoring)},
	{},
};

static int read_intel_rdt(struct field_context *c, const struct json *v,
			  const struct field *f, void *object)
{
	struct spec_intel_rdt *rdt = arena_alloc(c->arena, sizeof(*rdt));

	(void)f;
	if (!rdt)
		return field_no_memory();
	rdt->schemata = spec_no_strings(c);
	if (!rdt->schemata)
		return field_no_memory();
	((struct spec_linux *)object)->intel_rdt = rdt;
	return fields_read(c, v, intel_rdt_fields, rdt);
}

/* The specification names no flag yet: one that is given cannot be kept. */
static int read_personality_flags(struct field_context *c, const struct json *v,
				  const struct field *f, void *object)
{
	int r = field_is(v, JSON_ARRAY);

	(void)c, (void)f, (void)object;
	if (r == 0 && v->count)
		return json_fail(v, "no flags are known");
	return r;
}

static const struct field personality_fields[] = {
	{"domain", field_name, FIELD_MEMBER(struct spec_linux, personality),
	 .of = names_personalities, .required = true},
	{"flags", .read = read_personality_flags},
	{},
};

struct memory_policy {
	uint32_t mode, flags;
	struct spec_cpu_set nodes;
};

static const struct field memory_policy_fields[] = {
	{"mode", field_name, FIELD_MEMBER(struct memory_policy, mode),
	 .of = names_memory_policies, .required = true},
	{"nodes", field_cpu_set, FIELD_MEMBER(struct memory_policy, nodes)},
	{"flags", field_name_set, FIELD_MEMBER(struct memory_policy, flags),
	 .of = names_memory_policy_flags},
	{},
};

static int read_memory_policy(struct field_context *c, const struct json *v,
			      const struct field *f, void *object)
{
	struct spec_linux *l = object;
	struct memory_policy policy = {};
	int r = fields_read(c, v, memory_policy_fields, &policy);

	(void)f;
	l->memory_policy_mode = policy.mode | policy.flags;
	l->memory_policy_nodes = policy.nodes;
	return r;
}

static int read_propagation(struct field_context *c, const struct json *v,
			    const struct field *f, void *object)
{
	if (v->type == JSON_STRING && !*v->text)
		return 0;
	return field_name(c, v, f, object);
}

const struct field spec_linux_fields[] = {
	{"namespaces", .read = read_namespaces},
	{"uidMappings", field_objects,
	 FIELD_ARRAY(struct spec_linux, uid_mappings, n_uid_mappings),
	 .of = spec_id_map_fields},
	{"gidMappings", field_objects,
	 FIELD_ARRAY(struct spec_linux, gid_mappings, n_gid_mappings),
	 .of = spec_id_map_fields},
	{"timeOffsets", .read = read_clocks},
	{"devices", field_objects,
	 FIELD_ARRAY(struct spec_linux, devices, n_devices),
	 .of = device_fields, .finish = finish_device},
	{"netDevices", .read = read_net_devices},
	{"cgroupsPath", field_word_or_null,
	 FIELD_MEMBER(struct spec_linux, cgroups_path)},
	{"resources", field_object, FIELD_MEMBER(struct spec_linux, resources),
	 .has = FIELD_HAS(struct spec_linux, has_resources),
	 .of = spec_resources_fields},
	{"intelRdt", .read = read_intel_rdt},
	{"sysctl", read_sysctls,
	 FIELD_ARRAY(struct spec_linux, sysctl, n_sysctl)},
	{"seccomp", .read = spec_seccomp_read},
	{"rootfsPropagation", read_propagation,
	 FIELD_MEMBER(struct spec_linux, rootfs_propagation),
	 .of = names_propagation},
	{"maskedPaths", field_strings,
	 FIELD_MEMBER(struct spec_linux, masked_paths)},
	{"readonlyPaths", field_strings,
	 FIELD_MEMBER(struct spec_linux, readonly_paths)},
	{"mountLabel", field_word_or_null,
	 FIELD_MEMBER(struct spec_linux, mount_label)},
	{"personality", field_inline, .of = personality_fields,
	 .has = FIELD_HAS(struct spec_linux, has_personality)},
	{"memoryPolicy", read_memory_policy,
	 .has = FIELD_HAS(struct spec_linux, has_memory_policy)},
	{},
};
