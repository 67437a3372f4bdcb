/* SPDX-License-Identifier: MIT */
/* Mounts: the words of their options become flags of the mount API. */
#include "oci/spec_parse.h"

#include <linux/mount.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"

const struct field spec_id_map_fields[] = {
	{"containerID", field_unsigned,
	 FIELD_MEMBER(struct spec_id_map, container_id), .required = true},
	{"hostID", field_unsigned, FIELD_MEMBER(struct spec_id_map, host_id),
	 .required = true},
	{"size", field_unsigned, FIELD_MEMBER(struct spec_id_map, size),
	 .required = true},
	{},
};

/* What the options said beyond what struct spec_mount keeps. */
struct seen {
	bool bind, remount;
};

static void change_attr(struct spec_mount *m, const struct mount_option *o)
{
	uint64_t *set = o->recursive ? &m->rec_attr_set : &m->attr_set;
	uint64_t *clear = o->recursive ? &m->rec_attr_clear : &m->attr_clear;

	if (o->effect == MOUNT_OPTION_ATIME) {
		/* A value, not a bit: the whole field is replaced. */
		*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | o->value;
		*clear |= MOUNT_ATTR__ATIME;
	} else if (o->effect == MOUNT_OPTION_ATTR_SET) {
		*set |= o->value;
		*clear &= ~o->value;
	} else {
		*set &= ~o->value;
		*clear |= o->value;
	}
	if (o->value == MOUNT_ATTR_RDONLY && !o->recursive) {
		if (o->effect == MOUNT_OPTION_ATTR_SET)
			m->sb_flags |= MS_RDONLY;
		else
			m->sb_flags &= ~(unsigned long)MS_RDONLY;
	}
}

static int add_propagation(struct spec_mount *m, const struct json *word,
			   uint64_t flags)
{
	if (m->n_propagation == ARRAY_SIZE(m->propagation))
		return json_fail(word, "more than %zu propagation words",
				 ARRAY_SIZE(m->propagation));
	m->propagation[m->n_propagation++] = (unsigned long)flags;
	return 0;
}

/* Hands "key" or "key=value" on to the file system. */
static int add_fs_option(struct field_context *c, struct spec_mount *m,
			 const char *text)
{
	struct spec_fs_option *o = &m->options[m->n_options++];
	size_t n = strcspn(text, "=");

	o->key = arena_strndup(c->arena, text, n);
	if (text[n])
		o->value = arena_strdup(c->arena, text + n + 1);
	return o->key && (o->value || !text[n]) ? 0 : field_no_memory();
}

static int apply_option(struct spec_mount *m, const struct json *word,
			const struct mount_option *o, struct seen *seen)
{
	switch (o->effect) {
	case MOUNT_OPTION_ATTR_SET:
	case MOUNT_OPTION_ATTR_CLEAR:
	case MOUNT_OPTION_ATIME: change_attr(m, o); return 0;
	case MOUNT_OPTION_SB_SET: m->sb_flags |= o->value; return 0;
	case MOUNT_OPTION_SB_CLEAR: m->sb_flags &= ~o->value; return 0;
	case MOUNT_OPTION_PROPAGATION:
		return add_propagation(m, word, o->value);
	case MOUNT_OPTION_BIND:
		seen->bind = true;
		m->recursive = o->recursive;
		return 0;
	case MOUNT_OPTION_REMOUNT: seen->remount = true; return 0;
	case MOUNT_OPTION_COPY_UP: m->copy_up = true; return 0;
	case MOUNT_OPTION_ID_MAP:
		m->id_mapped = true;
		m->id_mapped_recursive = o->recursive;
		return 0;
	case MOUNT_OPTION_NOTHING: return 0;
	}
	return 0;
}

static int apply_options(struct field_context *c, const struct json *words,
			 struct spec_mount *m, struct seen *seen)
{
	int r = words ? field_is(words, JSON_ARRAY) : 0;

	if (r < 0 || !words)
		return r;
	m->options = arena_array(c->arena, words->count, sizeof(*m->options));
	if (!m->options)
		return field_no_memory();
	json_for_each (w, words) {
		r = field_is(w, JSON_STRING);
		if (r < 0)
			return r;

		const struct mount_option *o = name_mount_option(w->text);

		if (o)
			r = apply_option(m, w, o, seen);
		else if (*w->text == '=')
			r = json_fail(w, "option \"%s\" has no name", w->text);
		else if (*w->text)
			r = add_fs_option(c, m, w->text);
		if (r < 0)
			return r;
	}
	return 0;
}

/* File systems whose super block is shared: read-only is the mount's. */
static bool has_shared_super_block(const char *type)
{
	static const char *const types[] = {"proc", "sysfs", "cgroup",
					    "cgroup2", "mqueue"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static bool is_cgroup(const char *type)
{
	return strcmp(type, "cgroup") == 0 || strcmp(type, "cgroup2") == 0;
}

static int decide_kind(const struct json *v, struct spec_mount *m,
		       const struct seen *seen)
{
	if (seen->remount)
		m->kind = SPEC_MOUNT_ATTRS;
	else if (seen->bind || strcmp(m->type, "bind") == 0)
		m->kind = SPEC_MOUNT_BIND;
	else if (is_cgroup(m->type))
		m->kind = SPEC_MOUNT_CGROUP;
	else if (*m->type)
		m->kind = SPEC_MOUNT_FS;
	else if (m->n_propagation)
		m->kind = SPEC_MOUNT_ATTRS;
	else
		return json_fail(v, "neither a type nor the option bind");
	if (m->kind != SPEC_MOUNT_FS || has_shared_super_block(m->type))
		m->sb_flags &= ~(unsigned long)MS_RDONLY;
	return 0;
}

/* A bind has no file system of its own that could know more options. */
static int check_bind_options(const struct json *words)
{
	if (!words)
		return 0;
	json_for_each (w, words)
		if (*w->text && !name_mount_option(w->text) &&
		    !name_is_ignored_by_bind(w->text))
			return json_fail(w,
					 "a bind mount knows no option \"%s\"",
					 w->text);
	return 0;
}

int spec_mount_finish(struct field_context *c, const struct json *v,
		      void *object)
{
	struct spec_mount *m = object;
	struct seen seen = {};

	if (!*m->destination)
		return json_fail(v, "the destination is empty");
	if (!m->type)
		m->type = "";

	int r = apply_options(c, json_get(v, "options"), m, &seen);

	if (r == 0)
		r = decide_kind(v, m, &seen);
	if (r == 0 && m->kind == SPEC_MOUNT_BIND)
		r = check_bind_options(json_get(v, "options"));
	if (r < 0)
		return r;
	if (!m->source && m->kind == SPEC_MOUNT_BIND)
		return json_fail(v, "\"source\" is missing");
	if (!m->source)
		m->source = *m->type ? m->type : "none";
	if (m->n_uid_mappings || m->n_gid_mappings)
		m->id_mapped = true;
	return 0;
}

const struct field spec_mount_fields[] = {
	{"destination", field_string,
	 FIELD_MEMBER(struct spec_mount, destination), .required = true},
	{"type", field_string, FIELD_MEMBER(struct spec_mount, type)},
	{"source", field_word_or_null, FIELD_MEMBER(struct spec_mount, source)},
	{"options", .read = field_later},
	{"uidMappings", field_objects,
	 FIELD_ARRAY(struct spec_mount, uid_mappings, n_uid_mappings),
	 .of = spec_id_map_fields},
	{"gidMappings", field_objects,
	 FIELD_ARRAY(struct spec_mount, gid_mappings, n_gid_mappings),
	 .of = spec_id_map_fields},
	{},
};
