/* SPDX-License-Identifier: MIT */
/* linux.seccomp: rules in libseccomp's numbers. */
#include "oci/spec_parse.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "lib/arena.h"
#include "oci/spec.h"

#define SYSCALL_ARGS 6
#define DATA_MAX     0xffff /* what fits beside an action */

/*
 * Puts the errno, or the tracer's message, into the action. Without one the
 * answer is EPERM; other actions have no room for it.
 */
static int add_errno(const struct json *v, const char *name, uint32_t *action)
{
	const struct json *e = json_get(v, name);
	uint64_t number = EPERM;
	int r = e ? field_u64(e, DATA_MAX, &number) : 0;

	if (r < 0)
		return r;
	if (*action == SCMP_ACT_ERRNO(0))
		*action = SCMP_ACT_ERRNO((uint32_t)number);
	else if (*action == SCMP_ACT_TRACE(0))
		*action = SCMP_ACT_TRACE((uint32_t)number);
	return 0;
}

static const struct field arg_fields[] = {
	{"index", field_unsigned, FIELD_MEMBER(struct spec_seccomp_arg, index),
	 .required = true},
	{"value", field_unsigned, FIELD_MEMBER(struct spec_seccomp_arg, value),
	 .required = true},
	{"valueTwo", field_unsigned,
	 FIELD_MEMBER(struct spec_seccomp_arg, value_two)},
	{"op", field_name, FIELD_MEMBER(struct spec_seccomp_arg, op),
	 .of = names_seccomp_operators, .required = true},
	{},
};

static int finish_arg(struct field_context *c, const struct json *v,
		      void *object)
{
	const struct spec_seccomp_arg *arg = object;

	(void)c;
	if (arg->index >= SYSCALL_ARGS)
		return json_fail(json_get(v, "index"),
				 "a system call has no argument %u",
				 arg->index);
	return 0;
}

static const struct field rule_fields[] = {
	{"names", field_strings, FIELD_MEMBER(struct spec_syscall_rule, names),
	 .required = true},
	{"action", field_name, FIELD_MEMBER(struct spec_syscall_rule, action),
	 .of = names_seccomp_actions, .required = true},
	{"errnoRet", .read = field_later},
	{"args", field_objects,
	 FIELD_ARRAY(struct spec_syscall_rule, args, n_args), .of = arg_fields,
	 .finish = finish_arg},
	{},
};

static int finish_rule(struct field_context *c, const struct json *v,
		       void *object)
{
	struct spec_syscall_rule *rule = object;

	(void)c;
	if (!rule->names[0])
		return json_fail(json_get(v, "names"), "names no system call");
	return add_errno(v, "errnoRet", &rule->action);
}

static int read_archs(struct field_context *c, const struct json *v,
		      const struct field *f, void *object)
{
	struct spec_seccomp *s = object;
	int r = field_is(v, JSON_ARRAY);

	(void)f;
	if (r < 0)
		return r;
	s->architectures =
		arena_array(c->arena, v->count, sizeof(*s->architectures));
	if (!s->architectures)
		return field_no_memory();
	json_for_each (e, v) {
		uint64_t arch = 0;

		r = field_lookup(e, names_seccomp_archs, &arch);
		if (r < 0)
			return r;
		s->architectures[s->n_architectures++] = (uint32_t)arch;
	}
	return 0;
}

const struct field spec_seccomp_fields[] = {
	{"defaultAction", field_name,
	 FIELD_MEMBER(struct spec_seccomp, default_action),
	 .of = names_seccomp_actions, .required = true},
	{"defaultErrnoRet", .read = field_later},
	{"architectures", .read = read_archs},
	{"flags", field_name_set, FIELD_MEMBER(struct spec_seccomp, flags),
	 .of = names_seccomp_flags},
	{"listenerPath", field_word_or_null,
	 FIELD_MEMBER(struct spec_seccomp, listener_path)},
	{"listenerMetadata", field_word_or_null,
	 FIELD_MEMBER(struct spec_seccomp, listener_metadata)},
	{"syscalls", field_objects,
	 FIELD_ARRAY(struct spec_seccomp, rules, n_rules), .of = rule_fields,
	 .finish = finish_rule},
	{},
};

int spec_seccomp_read(struct field_context *c, const struct json *v,
		      const struct field *f, void *object)
{
	struct spec_seccomp *s = arena_alloc(c->arena, sizeof(*s));

	(void)f;
	if (!s)
		return field_no_memory();
	((struct spec_linux *)object)->seccomp = s;

	int r = fields_read(c, v, spec_seccomp_fields, s);

	return r < 0 ? r : add_errno(v, "defaultErrnoRet", &s->default_action);
}
