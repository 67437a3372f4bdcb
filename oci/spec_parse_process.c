/* SPDX-License-Identifier: MIT */
/* The process object: user, arguments, capabilities, limits, scheduling. */
#include "oci/spec_parse.h"

#include <linux/ioprio.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/fail.h"
#include "oci/spec.h"

#define IO_LEVELS 8
#define MODE_MAX  07777

static int read_gids(struct field_context *c, const struct json *v,
		     const struct field *f, void *object)
{
	struct spec_user *user = object;
	int r = field_is(v, JSON_ARRAY);

	(void)f;
	if (r < 0)
		return r;
	user->additional_gids = arena_array(c->arena, v->count, sizeof(gid_t));
	if (!user->additional_gids)
		return field_no_memory();
	json_for_each (e, v) {
		uint64_t gid;

		r = field_u64(e, UINT32_MAX, &gid);
		if (r < 0)
			return r;
		user->additional_gids[user->n_additional_gids++] = (gid_t)gid;
	}
	return 0;
}

static int read_umask(struct field_context *c, const struct json *v,
		      const struct field *f, void *object)
{
	struct spec_user *user = object;
	uint64_t umask;
	int r = field_u64(v, MODE_MAX, &umask);

	(void)c, (void)f;
	if (r == 0)
		user->umask = (mode_t)umask;
	return r;
}

static const struct field user_fields[] = {
	{"uid", field_unsigned, FIELD_MEMBER(struct spec_user, uid)},
	{"gid", field_unsigned, FIELD_MEMBER(struct spec_user, gid)},
	{"umask", read_umask, .has = FIELD_HAS(struct spec_user, has_umask)},
	{"additionalGids", .read = read_gids},
	{},
};

static int read_capabilities(struct field_context *c, const struct json *v,
			     const struct field *f, void *object)
{
	uint64_t *set = (uint64_t *)((char *)object + f->at);
	int r = field_is(v, JSON_ARRAY);

	(void)c;
	if (r < 0)
		return r;
	json_for_each (e, v) {
		r = field_is(e, JSON_STRING);
		if (r < 0)
			return r;
		r = name_capability(e->text);
		if (r < 0)
			return json_fail(e, "unknown capability \"%s\"",
					 e->text);
		*set |= UINT64_C(1) << r;
	}
	return 0;
}

#define CAPABILITY_SET(name)                                         \
	{                                                            \
#name, read_capabilities,                            \
			FIELD_MEMBER(struct spec_capabilities, name) \
	}

static const struct field capability_fields[] = {
	CAPABILITY_SET(bounding),    CAPABILITY_SET(effective),
	CAPABILITY_SET(inheritable), CAPABILITY_SET(permitted),
	CAPABILITY_SET(ambient),     {},
};

static const struct field rlimit_fields[] = {
	{"type", field_name, FIELD_MEMBER(struct spec_rlimit, resource),
	 .of = names_rlimits, .required = true},
	{"soft", field_unsigned, FIELD_MEMBER(struct spec_rlimit, soft),
	 .required = true},
	{"hard", field_unsigned, FIELD_MEMBER(struct spec_rlimit, hard),
	 .required = true},
	{},
};

static int read_rlimits(struct field_context *c, const struct json *v,
			const struct field *f, void *object)
{
	const struct spec_process *p = object;
	uint64_t seen = 0;
	int r = field_objects(c, v, f, object);

	if (r < 0)
		return r;

	const struct spec_rlimit *limit = p->rlimits;

	json_for_each (e, v) {
		uint64_t bit = UINT64_C(1) << limit++->resource;

		if (seen & bit)
			return json_fail(e, "duplicate limit %s",
					 json_get(e, "type")->text);
		seen |= bit;
	}
	return 0;
}

static const struct field console_size_fields[] = {
	{"height", field_unsigned,
	 FIELD_MEMBER(struct spec_process, console_height)},
	{"width", field_unsigned,
	 FIELD_MEMBER(struct spec_process, console_width)},
	{},
};

static const struct field scheduler_fields[] = {
	{"policy", field_name, FIELD_MEMBER(struct spec_scheduler, policy),
	 .of = names_sched_policies, .required = true},
	{"nice", field_signed, FIELD_MEMBER(struct spec_scheduler, nice)},
	{"priority", field_unsigned,
	 FIELD_MEMBER(struct spec_scheduler, priority)},
	{"flags", field_name_set, FIELD_MEMBER(struct spec_scheduler, flags),
	 .of = names_sched_flags},
	{"runtime", field_unsigned,
	 FIELD_MEMBER(struct spec_scheduler, runtime_ns)},
	{"deadline", field_unsigned,
	 FIELD_MEMBER(struct spec_scheduler, deadline_ns)},
	{"period", field_unsigned,
	 FIELD_MEMBER(struct spec_scheduler, period_ns)},
	{},
};

struct io_priority {
	uint32_t class, level;
};

static const struct field io_priority_fields[] = {
	{"class", field_name, FIELD_MEMBER(struct io_priority, class),
	 .of = names_io_classes, .required = true},
	{"priority", field_unsigned, FIELD_MEMBER(struct io_priority, level)},
	{},
};

static int read_io_priority(struct field_context *c, const struct json *v,
			    const struct field *f, void *object)
{
	struct spec_process *p = object;
	struct io_priority io = {};
	int r = fields_read(c, v, io_priority_fields, &io);

	(void)f;
	if (r < 0)
		return r;
	if (io.level >= IO_LEVELS)
		return json_fail(v, "priority %u is more than %d", io.level,
				 IO_LEVELS - 1);
	p->io_priority = (int)IOPRIO_PRIO_VALUE(io.class, io.level);
	return 0;
}

static const struct field affinity_fields[] = {
	{"initial", field_cpu_set,
	 FIELD_MEMBER(struct spec_process, exec_cpu_initial)},
	{"final", field_cpu_set,
	 FIELD_MEMBER(struct spec_process, exec_cpu_final)},
	{},
};

const struct field spec_process_fields[] = {
	{"terminal", field_bool, FIELD_MEMBER(struct spec_process, terminal)},
	{"consoleSize", field_inline, .of = console_size_fields},
	{"user", field_object, FIELD_MEMBER(struct spec_process, user),
	 .of = user_fields},
	{"args", field_strings, FIELD_MEMBER(struct spec_process, args)},
	{"env", field_strings, FIELD_MEMBER(struct spec_process, env)},
	{"cwd", field_string, FIELD_MEMBER(struct spec_process, cwd),
	 .required = true},
	{"capabilities", field_object,
	 FIELD_MEMBER(struct spec_process, capabilities),
	 .has = FIELD_HAS(struct spec_process, has_capabilities),
	 .of = capability_fields},
	{"rlimits", read_rlimits,
	 FIELD_ARRAY(struct spec_process, rlimits, n_rlimits),
	 .of = rlimit_fields},
	{"noNewPrivileges", field_bool,
	 FIELD_MEMBER(struct spec_process, no_new_privileges)},
	{"apparmorProfile", field_word_or_null,
	 FIELD_MEMBER(struct spec_process, apparmor_profile)},
	{"selinuxLabel", field_word_or_null,
	 FIELD_MEMBER(struct spec_process, selinux_label)},
	{"oomScoreAdj", field_signed,
	 FIELD_MEMBER(struct spec_process, oom_score_adj),
	 .has = FIELD_HAS(struct spec_process, has_oom_score_adj)},
	{"scheduler", field_object,
	 FIELD_MEMBER(struct spec_process, scheduler),
	 .has = FIELD_HAS(struct spec_process, has_scheduler),
	 .of = scheduler_fields},
	{"ioPriority", read_io_priority,
	 .has = FIELD_HAS(struct spec_process, has_io_priority)},
	{"execCPUAffinity", field_inline, .of = affinity_fields,
	 .has = FIELD_HAS(struct spec_process, has_exec_cpu_affinity)},
	{},
};
