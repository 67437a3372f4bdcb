/* SPDX-License-Identifier: MIT */
/* Device rules: their normal form, and cgroup v1's devices.allow and deny. */
#include "isolate/cgroup_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

#define ACCESS_ALL (SPEC_DEVICE_READ | SPEC_DEVICE_WRITE | SPEC_DEVICE_MKNOD)

/* What a container may use although the spec denies everything. */
static const struct spec_device_rule default_rules[] = {
	{true, 'c', -1, -1, SPEC_DEVICE_MKNOD}, /* a node is not an access */
	{true, 'b', -1, -1, SPEC_DEVICE_MKNOD},
	{true, 'c', 1, 3, ACCESS_ALL},    /* null */
	{true, 'c', 1, 5, ACCESS_ALL},    /* zero */
	{true, 'c', 1, 7, ACCESS_ALL},    /* full */
	{true, 'c', 1, 8, ACCESS_ALL},    /* random */
	{true, 'c', 1, 9, ACCESS_ALL},    /* urandom */
	{true, 'c', 5, 0, ACCESS_ALL},    /* tty */
	{true, 'c', 5, 1, ACCESS_ALL},    /* console */
	{true, 'c', 5, 2, ACCESS_ALL},    /* ptmx */
	{true, 'c', 136, -1, ACCESS_ALL}, /* pts */
};

/* -- Normal form ---------------------------------------------------------- */

static unsigned access_of(const struct spec_device_rule *rule)
{
	return rule->access ? rule->access : ACCESS_ALL;
}

static bool is_everything(const struct spec_device_rule *rule)
{
	return rule->type == 'a' && rule->major < 0 && rule->minor < 0 &&
	       access_of(rule) == ACCESS_ALL;
}

static void add_rule(struct device_policy *p, struct spec_device_rule rule)
{
	rule.access = access_of(&rule);
	if (rule.type != 'a') {
		p->rules[p->n_rules++] = rule;
		return;
	}
	rule.type = 'b';
	p->rules[p->n_rules++] = rule;
	rule.type = 'c';
	p->rules[p->n_rules++] = rule;
}

int device_policy_make(struct arena *a, const struct spec_device_rule *rules,
		       size_t n_rules, struct device_policy *out)
{
	size_t first = 0;

	/* A cgroup begins with everything denied. */
	*out = (struct device_policy){};
	for (size_t i = 0; i < n_rules; i++)
		if (is_everything(&rules[i])) {
			out->default_allow = rules[i].allow;
			first = i + 1;
		}
	out->rules = arena_array(
		a, 2 * (n_rules - first) + ARRAY_SIZE(default_rules),
		sizeof(*out->rules));
	if (!out->rules)
		return fail(ENOMEM, "device rules");
	for (size_t i = first; i < n_rules; i++)
		add_rule(out, rules[i]);
	for (size_t i = 0; !out->default_allow && i < ARRAY_SIZE(default_rules);
	     i++)
		add_rule(out, default_rules[i]);
	return 0;
}

/* -- v1 ------------------------------------------------------------------- */

static void put_number(char *text, size_t room, int64_t number)
{
	if (number < 0)
		snprintf(text, room, "*");
	else
		snprintf(text, room, "%" PRId64, number);
}

static int v1_write(int fd, const char *file,
		    const struct spec_device_rule *rule)
{
	char major[24], minor[24], text[64];

	put_number(major, sizeof(major), rule->major);
	put_number(minor, sizeof(minor), rule->minor);
	snprintf(text, sizeof(text), "%c %s:%s %s%s%s", rule->type, major,
		 minor, rule->access & SPEC_DEVICE_READ ? "r" : "",
		 rule->access & SPEC_DEVICE_WRITE ? "w" : "",
		 rule->access & SPEC_DEVICE_MKNOD ? "m" : "");
	if (write(fd, text, strlen(text)) < 0)
		return fail(errno, "%s: write \"%s\"", file, text);
	return 0;
}

static bool overlaps(const struct spec_device_rule *a,
		     const struct spec_device_rule *b)
{
	return a->type == b->type && a->access & b->access &&
	       (a->major < 0 || b->major < 0 || a->major == b->major) &&
	       (a->minor < 0 || b->minor < 0 || a->minor == b->minor);
}

/*
 * v1 keeps a default and a list of exceptions to it; a rule back to the
 * default only takes exceptions of the very same numbers off the list. A
 * hole in a wider exception would be ignored without a word: refuse it.
 */
static int v1_check(const struct device_policy *p, size_t i)
{
	const struct spec_device_rule *rule = &p->rules[i];

	for (size_t k = 0; rule->allow == p->default_allow && k < i; k++) {
		const struct spec_device_rule *wide = &p->rules[k];

		if (wide->allow != rule->allow && overlaps(wide, rule) &&
		    (wide->major != rule->major || wide->minor != rule->minor))
			return fail_plain(
				EOPNOTSUPP,
				"linux.resources.devices: rule for %c "
				"%" PRId64 ":%" PRId64 " makes a hole in an "
				"earlier one, which cgroup v1 cannot do",
				rule->type, rule->major, rule->minor);
	}
	return 0;
}

static int v1_open(const struct hierarchy *h, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", h->dir, file);

	int fd = openat(h->root, path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? fail(errno, "open %s", path) : fd;
}

static int v1_apply(const struct hierarchy *h, const struct device_policy *p)
{
	_cleanup_fd_ int allow = v1_open(h, "devices.allow");
	_cleanup_fd_ int deny = allow < 0 ? -1 : v1_open(h, "devices.deny");

	if (allow < 0)
		return allow;
	if (deny < 0)
		return deny;

	/* Sets the default and empties the list. */
	int r = write(p->default_allow ? allow : deny, "a", 1) < 0 ? -errno : 0;
	if (r < 0)
		return fail(-r, "devices.%s: write \"a\"",
			    p->default_allow ? "allow" : "deny");
	for (size_t i = 0; r == 0 && i < p->n_rules; i++) {
		const struct spec_device_rule *rule = &p->rules[i];

		r = v1_check(p, i);
		if (r == 0 && rule->allow)
			r = v1_write(allow, "devices.allow", rule);
		else if (r == 0)
			r = v1_write(deny, "devices.deny", rule);
	}
	return r;
}

/* -- Both ----------------------------------------------------------------- */

int cgroup_devices_apply(const struct cgroup *cg,
			 const struct spec_resources *res, bool is_update)
{
	const struct hierarchy *h = cgroup_v1_with(cg, CGROUP_DEVICES);
	struct arena arena = {};
	struct device_policy policy;

	if (is_update && !res->n_devices)
		return 0;

	int r = device_policy_make(&arena, res->devices, res->n_devices,
				   &policy);
	if (r == 0)
		r = h ? v1_apply(h, &policy) : cgroup_bpf_attach(cg, &policy);
	arena_fini(&arena);
	return r;
}
