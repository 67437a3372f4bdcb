/* SPDX-License-Identifier: MIT */
/* config.json as a whole: version, root, mounts, hooks, and its objects. */
#include "oci/spec.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec_parse.h"

char **spec_no_strings(struct field_context *c)
{
	return arena_array(c->arena, 1, sizeof(char *));
}

/*
 * Semantic versions: what a higher minor adds can be ignored, a higher major
 * means something else. Suffixes (1.2.0-rc.1, 1.0.2-dev+x) are no matter.
 */
static int read_version(struct field_context *c, const struct json *v,
			const struct field *f, void *object)
{
	int r = field_string(c, v, f, object);

	if (r < 0)
		return r;

	const char *minor = v->text + strspn(v->text, "0123456789");

	if (minor == v->text || *minor != '.' ||
	    !strspn(minor + 1, "0123456789"))
		return json_fail(v, "\"%s\" is no version", v->text);
	if (strncmp(v->text, "1.", 2) != 0)
		return json_fail(v, "version %s is not supported, only 1.x.y",
				 v->text);
	return 0;
}

static const struct field root_fields[] = {
	{"path", field_string, FIELD_MEMBER(struct spec, root_path),
	 .required = true},
	{"readonly", field_bool, FIELD_MEMBER(struct spec, root_readonly)},
	{},
};

/* -- Hooks ----------------------------------------------------------------- */

static const struct field hook_fields[] = {
	{"path", field_string, FIELD_MEMBER(struct spec_hook, path),
	 .required = true},
	{"args", field_strings, FIELD_MEMBER(struct spec_hook, args)},
	{"env", field_strings, FIELD_MEMBER(struct spec_hook, env)},
	{"timeout", field_unsigned, FIELD_MEMBER(struct spec_hook, timeout_s)},
	{},
};

static int finish_hook(struct field_context *c, const struct json *v,
		       void *object)
{
	struct spec_hook *h = object;

	if (*h->path != '/')
		return json_fail(v, "path \"%s\" is not absolute", h->path);
	if (h->args && !h->args[0])
		return json_fail(json_get(v, "args"), "must not be empty");
	if (!h->env)
		h->env = spec_no_strings(c);
	if (!h->args) {
		h->args = arena_array(c->arena, 2, sizeof(char *));
		if (h->args)
			h->args[0] = arena_strdup(c->arena, h->path);
	}
	return h->env && h->args && h->args[0] ? 0 : field_no_memory();
}

static const struct field one_hook_list = {
	"hook", field_objects, FIELD_ARRAY(struct spec_hooks, hooks, n_hooks),
	.of = hook_fields, .finish = finish_hook};

static int read_hooks(struct field_context *c, const struct json *v,
		      const struct field *f, void *object)
{
	struct spec_hooks *hooks = ((struct spec *)object)->hooks;
	struct field table[SPEC_HOOK_KINDS + 1] = {};

	(void)f;
	for (size_t i = 0; i < SPEC_HOOK_KINDS; i++) {
		size_t base = names_hooks[i].number * sizeof(*hooks);

		table[i] = one_hook_list;
		table[i].name = names_hooks[i].name;
		table[i].at += base;
		table[i].count += base;
	}
	return fields_read(c, v, table, hooks);
}

/* -- The whole ------------------------------------------------------------- */

static int finish_process(struct field_context *c, const struct json *v,
			  void *object)
{
	struct spec_process *p = object;

	(void)v;
	if (p->args && !p->args[0])
		p->args = NULL;
	if (!p->env)
		p->env = spec_no_strings(c);
	return p->env ? 0 : field_no_memory();
}

static int read_vm(struct field_context *c, const struct json *v,
		   const struct field *f, void *object)
{
	struct spec_vm *vm = arena_alloc(c->arena, sizeof(*vm));

	(void)f;
	if (!vm)
		return field_no_memory();
	((struct spec *)object)->vm = vm;
	vm->hypervisor_parameters = vm->kernel_parameters = spec_no_strings(c);
	if (!vm->kernel_parameters)
		return field_no_memory();
	return fields_read(c, v, spec_vm_fields, vm);
}

static const struct field spec_fields[] = {
	{"ociVersion", read_version, FIELD_MEMBER(struct spec, oci_version),
	 .required = true},
	{"root", field_inline, .of = root_fields, .required = true},
	{"hostname", field_word_or_null, FIELD_MEMBER(struct spec, hostname)},
	{"domainname", field_word_or_null,
	 FIELD_MEMBER(struct spec, domainname)},
	{"process", field_object, FIELD_MEMBER(struct spec, process),
	 .has = FIELD_HAS(struct spec, has_process), .of = spec_process_fields,
	 .finish = finish_process},
	{"mounts", field_objects, FIELD_ARRAY(struct spec, mounts, n_mounts),
	 .of = spec_mount_fields, .finish = spec_mount_finish},
	{"hooks", .read = read_hooks},
	{"annotations", field_pairs,
	 FIELD_ARRAY(struct spec, annotations, n_annotations)},
	{"linux", field_object, FIELD_MEMBER(struct spec, linux_),
	 .of = spec_linux_fields},
	{"vm", .read = read_vm},
	{},
};

/* Parses into a tree of its own, reads that by table, and forgets it. */
static int read_text(struct field_context *c, const char *text, size_t len,
		     const struct field *table, void *object)
{
	_cleanup_(arena_fini)
	struct arena tree = {};

	if (len > SPEC_MAX_BYTES)
		return fail_plain(EFBIG, "%s: larger than %d bytes", c->what,
				  SPEC_MAX_BYTES);

	const struct json *root =
		json_parse(text, len, c->what, SPEC_MAX_DEPTH, &tree);

	if (!root)
		return -errno;

	int r = fields_read(c, root, table, object);

	return r < 0 ? fail_in(r, "%s", c->what) : 0;
}

/* Lists that the readers of a spec find in every case. */
static int add_empty_lists(struct field_context *c, struct spec *spec)
{
	struct spec_linux *l = &spec->linux_;

	if (!l->masked_paths)
		l->masked_paths = spec_no_strings(c);
	if (!l->readonly_paths)
		l->readonly_paths = spec_no_strings(c);
	return l->masked_paths && l->readonly_paths ? 0 : field_no_memory();
}

int spec_parse(const char *text, size_t len, const char *what,
	       struct spec **out)
{
	struct spec *spec = calloc(1, sizeof(*spec));

	if (!spec)
		return field_no_memory();

	struct field_context c = {.arena = &spec->arena, .what = what};
	int r = read_text(&c, text, len, spec_fields, spec);

	if (r == 0)
		r = add_empty_lists(&c, spec);
	if (r < 0) {
		spec_free(spec);
		return r;
	}
	*out = spec;
	return 0;
}

int spec_parse_process(const char *text, size_t len, const char *what,
		       struct arena *arena, struct spec_process *out)
{
	struct field_context c = {.arena = arena, .what = what};
	struct spec_process process = {};
	int r = read_text(&c, text, len, spec_process_fields, &process);

	if (r == 0)
		r = finish_process(&c, NULL, &process);
	if (r == 0)
		*out = process;
	return r;
}

int spec_parse_resources(const char *text, size_t len, const char *what,
			 struct arena *arena, struct spec_resources *out)
{
	struct field_context c = {.arena = arena, .what = what};

	return read_text(&c, text, len, spec_resources_fields, out);
}
