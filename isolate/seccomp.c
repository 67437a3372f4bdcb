/* SPDX-License-Identifier: MIT */
/* Seccomp filters: compiled from the spec by the parent, loaded by the child. */
#include "isolate/seccomp.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "isolate/seccomp_enosys.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/wire.h"
#include "oci/spec.h"

#define PROGRAM_MAX_BYTES (BPF_MAXINSNS * sizeof(struct sock_filter))

/* -- Key ------------------------------------------------------------------ */

enum key_tag {
	KEY_VERSIONS = 1,
	KEY_DEFAULT,
	KEY_ARCH,
	KEY_FLAGS,
	KEY_RULE,
	KEY_ACTION,
	KEY_NAME,
	KEY_ARG,
};

#define OWN_VERSION 1 /* of what this file makes of the same spec */

static void key_arg(struct buf *key, const struct spec_seccomp_arg *a)
{
	const uint64_t all[] = {a->index, a->value, a->value_two,
				(uint64_t)a->op};

	wire_put(key, KEY_ARG, all, sizeof(all));
}

void seccomp_key(const struct spec_seccomp *sec, struct buf *key)
{
	const struct scmp_version *v = seccomp_version();
	const uint64_t versions[] = {OWN_VERSION, v->major, v->minor, v->micro};

	wire_put(key, KEY_VERSIONS, versions, sizeof(versions));
	wire_put_u64(key, KEY_DEFAULT, sec->default_action);
	wire_put_u64(key, KEY_FLAGS, sec->flags);
	for (size_t i = 0; i < sec->n_architectures; i++)
		wire_put_u64(key, KEY_ARCH, sec->architectures[i]);
	for (size_t i = 0; i < sec->n_rules; i++) {
		const struct spec_syscall_rule *rule = &sec->rules[i];
		size_t mark = wire_begin(key, KEY_RULE);

		wire_put_u64(key, KEY_ACTION, rule->action);
		for (char **name = rule->names; *name; name++)
			wire_put_str(key, KEY_NAME, *name);
		for (size_t k = 0; k < rule->n_args; k++)
			key_arg(key, &rule->args[k]);
		wire_end(key, mark);
	}
}

/* -- Compiling ------------------------------------------------------------ */

static struct scmp_arg_cmp compare(const struct spec_seccomp_arg *a)
{
	return (struct scmp_arg_cmp){.arg = a->index,
				     .op = (enum scmp_compare)a->op,
				     .datum_a = a->value,
				     .datum_b = a->value_two};
}

/* libseccomp takes one comparison an argument in one rule. */
static bool repeats_an_argument(const struct spec_syscall_rule *rule)
{
	unsigned seen = 0;

	for (size_t i = 0; i < rule->n_args; i++) {
		if (seen & 1u << rule->args[i].index)
			return true;
		seen |= 1u << rule->args[i].index;
	}
	return false;
}

static int add(scmp_filter_ctx ctx, const struct spec_syscall_rule *rule,
	       int number)
{
	struct scmp_arg_cmp all[6];
	int r = 0;

	/* Two comparisons of one argument: either may match, as in runc. */
	if (repeats_an_argument(rule)) {
		for (size_t i = 0; r == 0 && i < rule->n_args; i++) {
			all[0] = compare(&rule->args[i]);
			r = seccomp_rule_add_array(ctx, rule->action, number, 1,
						   all);
		}
		return r;
	}
	for (size_t i = 0; i < rule->n_args; i++)
		all[i] = compare(&rule->args[i]);
	return seccomp_rule_add_array(ctx, rule->action, number,
				      (unsigned)rule->n_args, all);
}

static int add_rule(scmp_filter_ctx ctx, const struct spec_seccomp *sec,
		    size_t i, size_t *skipped)
{
	const struct spec_syscall_rule *rule = &sec->rules[i];

	/* libseccomp refuses what would change nothing. */
	if (rule->action == sec->default_action)
		return 0;
	for (char **name = rule->names; *name; name++) {
		int number = seccomp_syscall_resolve_name(*name);

		if (number == __NR_SCMP_ERROR) {
			++*skipped;
			continue;
		}

		int r = add(ctx, rule, number);

		if (r < 0 && r != -EEXIST)
			return fail(-r, "rule %zu (%s)", i, *name);
	}
	return 0;
}

static int fill(scmp_filter_ctx ctx, const struct spec_seccomp *sec,
		size_t *skipped)
{
	/* A binary tree over the numbers, where a list would be walked. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* no_new_privs is set, or not, by who loads the program. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	for (size_t i = 0; i < sec->n_architectures; i++) {
		int r = seccomp_arch_add(ctx, sec->architectures[i]);

		if (r < 0 && r != -EEXIST)
			return fail(-r, "architecture %#x",
				    sec->architectures[i]);
	}
	for (size_t i = 0; i < sec->n_rules; i++) {
		int r = add_rule(ctx, sec, i, skipped);

		if (r < 0)
			return r;
	}
	return 0;
}

static int export(scmp_filter_ctx ctx, struct buf *out)
{
	_cleanup_fd_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (r == 0)
		r = buf_read_fd(out, fd, PROGRAM_MAX_BYTES);
	return r < 0 ? fail(-r, "compile the filter") : 0;
}

int seccomp_compile(const struct spec_seccomp *sec, struct buf *out,
		    size_t *skipped)
{
	scmp_filter_ctx ctx = seccomp_init(sec->default_action);
	int r = 0;

	if (!ctx)
		return fail(ENOMEM, "compile the filter");
	r = fill(ctx, sec, skipped);
	if (r == 0)
		seccomp_put_enosys(sec, out);
	if (r == 0)
		r = export(ctx, out);
	seccomp_release(ctx);
	if (r == 0 && (out->failed || out->len > PROGRAM_MAX_BYTES))
		r = fail_plain(E2BIG, "the filter has more than %d "
				      "instructions",
			       BPF_MAXINSNS);
	return r;
}

/* -- Loading -------------------------------------------------------------- */

int seccomp_filter_load(const struct sock_filter *insns, size_t n,
			unsigned flags)
{
	struct sock_fprog prog = {.len = (unsigned short)n,
				  .filter = (struct sock_filter *)insns};
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);

	return r < 0 ? fail(errno, "load the filter") : (int)r;
}
