/* SPDX-License-Identifier: MIT */
/* The compact record of a container: what later commands need of config.json. */
#include "runtime/record.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "isolate/ns.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/wire.h"

#define RECORD_NAME	 "record"
#define RECORD_MAGIC	 0x4b4c5542u /* "BULK" */
#define RECORD_VERSION	 2
#define RECORD_MAX_BYTES (32 << 20)

/* Numbers are for ever: a tag that is retired is not used again. */
enum record_tag {
	TAG_MAGIC = 1, /* u64: magic, version << 32 */
	TAG_ID,
	TAG_BUNDLE,
	TAG_ROOTFS,
	TAG_CREATED,
	TAG_CGROUP,
	TAG_OWNER,
	TAG_JOIN_FLAGS,
	TAG_NO_PIVOT,
	TAG_OWN_PID_NS,
	TAG_ANNOTATION, /* PAIR_KEY, PAIR_VALUE */
	TAG_POSTSTART, /* HOOK_* */
	TAG_POSTSTOP, /* HOOK_* */
	TAG_PROCESS, /* PROCESS_* */
	TAG_IN_VM,
	TAG_HASH, /* u64: wire_hash() of all that follows; right after MAGIC */
};

enum pair_tag { PAIR_KEY = 1, PAIR_VALUE };

enum hook_tag { HOOK_PATH = 1, HOOK_ARG, HOOK_ENV, HOOK_TIMEOUT };

enum process_tag {
	PROCESS_NUMBERS = 1, /* the plain members, as struct numbers */
	PROCESS_GROUPS, /* gid_t array */
	PROCESS_ENV,
	PROCESS_CWD,
	PROCESS_RLIMIT, /* struct spec_rlimit */
	PROCESS_APPARMOR,
	PROCESS_SELINUX,
	PROCESS_CPUS_INITIAL, /* uint32_t array */
	PROCESS_CPUS_FINAL,
};

/*
 * Members of struct spec_process that exec takes over, without pointers. The
 * record never leaves the machine and its version changes with this struct.
 */
struct numbers {
	struct spec_capabilities capabilities;
	struct spec_scheduler scheduler;
	uint32_t uid, gid, umask;
	int32_t oom_score_adj, io_priority;
	uint8_t has_umask, has_capabilities, no_new_privileges,
		has_oom_score_adj, has_scheduler, has_io_priority,
		has_exec_cpu_affinity, terminal;
};

/* -- Making --------------------------------------------------------------- */

static unsigned join_flags(const struct spec_linux *l)
{
	unsigned flags = 0;

	for (int i = 0; i < SPEC_NS_KINDS; i++)
		if ((l->new_namespaces & 1u << i) || l->ns_paths[i])
			flags |= ns_flag(i);
	return flags;
}

struct record record_of(const struct spec *spec, const char *id,
			const char *bundle)
{
	const struct spec_linux *l = &spec->linux_;

	return (struct record){
		.id = id,
		.bundle = bundle,
		.owner = geteuid(),
		.join_flags = join_flags(l),
		.own_pid_ns = l->new_namespaces & 1u << SPEC_NS_PID,
		.annotations = spec->annotations,
		.n_annotations = spec->n_annotations,
		.poststart = spec->hooks[SPEC_HOOK_POSTSTART],
		.poststop = spec->hooks[SPEC_HOOK_POSTSTOP],
		.process = spec->process,
	};
}

/* -- Writing -------------------------------------------------------------- */

static void put_list(struct buf *b, uint16_t tag, char *const *list)
{
	for (; list && *list; list++)
		wire_put_str(b, tag, *list);
}

static void put_hooks(struct buf *b, uint16_t tag, const struct spec_hooks *h)
{
	for (size_t i = 0; i < h->n_hooks; i++) {
		size_t mark = wire_begin(b, tag);

		wire_put_str(b, HOOK_PATH, h->hooks[i].path);
		put_list(b, HOOK_ARG, h->hooks[i].args);
		put_list(b, HOOK_ENV, h->hooks[i].env);
		wire_put_u64(b, HOOK_TIMEOUT, h->hooks[i].timeout_s);
		wire_end(b, mark);
	}
}

static void put_cpus(struct buf *b, uint16_t tag, const struct spec_cpu_set *s)
{
	if (s->n_cpus)
		wire_put(b, tag, s->cpus, s->n_cpus * sizeof(*s->cpus));
}

static void put_process(struct buf *b, const struct spec_process *p)
{
	const struct numbers numbers = {
		.capabilities = p->capabilities,
		.scheduler = p->scheduler,
		.uid = p->user.uid,
		.gid = p->user.gid,
		.umask = p->user.umask,
		.oom_score_adj = p->oom_score_adj,
		.io_priority = p->io_priority,
		.has_umask = p->user.has_umask,
		.has_capabilities = p->has_capabilities,
		.no_new_privileges = p->no_new_privileges,
		.has_oom_score_adj = p->has_oom_score_adj,
		.has_scheduler = p->has_scheduler,
		.has_io_priority = p->has_io_priority,
		.has_exec_cpu_affinity = p->has_exec_cpu_affinity,
		.terminal = p->terminal,
	};
	size_t mark = wire_begin(b, TAG_PROCESS);

	wire_put(b, PROCESS_NUMBERS, &numbers, sizeof(numbers));
	if (p->user.n_additional_gids)
		wire_put(b, PROCESS_GROUPS, p->user.additional_gids,
			 p->user.n_additional_gids * sizeof(gid_t));
	put_list(b, PROCESS_ENV, p->env);
	wire_put_str(b, PROCESS_CWD, p->cwd);
	for (size_t i = 0; i < p->n_rlimits; i++)
		wire_put(b, PROCESS_RLIMIT, &p->rlimits[i],
			 sizeof(p->rlimits[i]));
	wire_put_str(b, PROCESS_APPARMOR, p->apparmor_profile);
	wire_put_str(b, PROCESS_SELINUX, p->selinux_label);
	put_cpus(b, PROCESS_CPUS_INITIAL, &p->exec_cpu_initial);
	put_cpus(b, PROCESS_CPUS_FINAL, &p->exec_cpu_final);
	wire_end(b, mark);
}

static void put_record(struct buf *b, const struct record *rec)
{
	wire_put_str(b, TAG_ID, rec->id);
	wire_put_str(b, TAG_BUNDLE, rec->bundle);
	wire_put_str(b, TAG_ROOTFS, rec->rootfs);
	wire_put_str(b, TAG_CREATED, rec->created);
	wire_put_str(b, TAG_CGROUP, rec->cgroup);
	wire_put_u64(b, TAG_OWNER, rec->owner);
	wire_put_u64(b, TAG_JOIN_FLAGS, rec->join_flags);
	wire_put_u64(b, TAG_NO_PIVOT, rec->no_pivot);
	wire_put_u64(b, TAG_OWN_PID_NS, rec->own_pid_ns);
	wire_put_u64(b, TAG_IN_VM, rec->in_vm);
	for (size_t i = 0; i < rec->n_annotations; i++) {
		size_t mark = wire_begin(b, TAG_ANNOTATION);

		wire_put_str(b, PAIR_KEY, rec->annotations[i].key);
		wire_put_str(b, PAIR_VALUE, rec->annotations[i].value);
		wire_end(b, mark);
	}
	put_hooks(b, TAG_POSTSTART, &rec->poststart);
	put_hooks(b, TAG_POSTSTOP, &rec->poststop);
	put_process(b, &rec->process);
}

int record_write(int dir, const struct record *rec)
{
	_cleanup_(buf_fini) struct buf body = {};
	_cleanup_(buf_fini) struct buf b = {};

	put_record(&body, rec);
	wire_put_u64(&b, TAG_MAGIC,
		     RECORD_MAGIC | (uint64_t)RECORD_VERSION << 32);
	wire_put_u64(&b, TAG_HASH, wire_hash(body.data, body.len));
	buf_put(&b, body.data, body.len);
	if (body.failed || b.failed)
		return fail(ENOMEM, "write the record");
	return fd_replace_file(dir, RECORD_NAME, b.data, b.len);
}

/* -- Reading -------------------------------------------------------------- */

/*
 * Copies field f as an array of elements of this size. A length that is no
 * multiple of it marks the reader as bad.
 */
static void *get_array(struct wire *w, const struct wire_field *f, size_t size,
		       size_t *n, struct arena *a)
{
	void *copy = f->len % size ? NULL : arena_alloc(a, f->len + 1);

	if (!copy) {
		w->bad = true;
		return NULL;
	}
	memcpy(copy, f->bytes, f->len);
	*n = f->len / size;
	return copy;
}

/* Grows array (of n elements) by one, in the arena. */
static void *grow(struct arena *a, void *array, size_t n, size_t size)
{
	/* Doubling at powers of two keeps the waste below the use. */
	if (n & (n - 1) && n)
		return array;

	void *bigger = arena_array(a, n ? n * 2 : 1, size);

	if (bigger && n)
		memcpy(bigger, array, n * size);
	return bigger;
}

/* Appends the field's string to a NULL-terminated list. */
static char **get_list(struct wire *w, const struct wire_field *f, char **list,
		       struct arena *a)
{
	size_t n = 0;

	while (list && list[n])
		n++;

	char **longer = list ? grow(a, list, n + 1, sizeof(*list))
			     : arena_array(a, 2, sizeof(*list));

	if (longer)
		longer[n] = wire_str(f, a);
	if (!longer || !longer[n]) {
		w->bad = true;
		return list;
	}
	return longer;
}

static void get_hook(struct wire *w, struct wire in, struct spec_hooks *hooks,
		     struct arena *a)
{
	struct spec_hook h = {};
	struct wire_field f;

	wire_for_each(&in, &f) {
		switch (f.tag) {
		case HOOK_PATH: h.path = wire_str(&f, a); break;
		case HOOK_ARG: h.args = get_list(&in, &f, h.args, a); break;
		case HOOK_ENV: h.env = get_list(&in, &f, h.env, a); break;
		case HOOK_TIMEOUT: h.timeout_s = wire_u64(&f); break;
		}
	}

	struct spec_hook *all =
		grow(a, hooks->hooks, hooks->n_hooks, sizeof(h));

	if (!all || !h.path || !h.args || in.bad) {
		w->bad = true;
		return;
	}
	all[hooks->n_hooks++] = h;
	hooks->hooks = all;
}

static void get_annotation(struct wire *w, struct wire in, struct record *rec)
{
	struct spec_key_value kv = {};
	struct wire_field f;

	wire_for_each(&in, &f) {
		if (f.tag == PAIR_KEY)
			kv.key = wire_str(&f, &rec->arena);
		else if (f.tag == PAIR_VALUE)
			kv.value = wire_str(&f, &rec->arena);
	}

	struct spec_key_value *all = grow(&rec->arena, rec->annotations,
					  rec->n_annotations, sizeof(kv));

	if (!all || !kv.key || !kv.value || in.bad) {
		w->bad = true;
		return;
	}
	all[rec->n_annotations++] = kv;
	rec->annotations = all;
}

static void take_numbers(struct wire *w, const struct wire_field *f,
			 struct spec_process *p)
{
	struct numbers n;

	if (f->len != sizeof(n)) {
		w->bad = true;
		return;
	}
	memcpy(&n, f->bytes, sizeof(n));
	p->capabilities = n.capabilities;
	p->scheduler = n.scheduler;
	p->user.uid = n.uid;
	p->user.gid = n.gid;
	p->user.umask = n.umask;
	p->oom_score_adj = n.oom_score_adj;
	p->io_priority = n.io_priority;
	p->user.has_umask = n.has_umask;
	p->has_capabilities = n.has_capabilities;
	p->no_new_privileges = n.no_new_privileges;
	p->has_oom_score_adj = n.has_oom_score_adj;
	p->has_scheduler = n.has_scheduler;
	p->has_io_priority = n.has_io_priority;
	p->has_exec_cpu_affinity = n.has_exec_cpu_affinity;
	p->terminal = n.terminal;
}

static void get_rlimit(struct wire *w, const struct wire_field *f,
		       struct spec_process *p, struct arena *a)
{
	struct spec_rlimit *all =
		grow(a, p->rlimits, p->n_rlimits, sizeof(*all));

	if (!all || f->len != sizeof(*all)) {
		w->bad = true;
		return;
	}
	memcpy(&all[p->n_rlimits++], f->bytes, sizeof(*all));
	p->rlimits = all;
}

static void get_process(struct wire *w, struct wire in, struct spec_process *p,
			struct arena *a)
{
	struct wire_field f;

	wire_for_each(&in, &f) {
		switch (f.tag) {
		case PROCESS_NUMBERS: take_numbers(&in, &f, p); break;
		case PROCESS_GROUPS:
			p->user.additional_gids =
				get_array(&in, &f, sizeof(gid_t),
					  &p->user.n_additional_gids, a);
			break;
		case PROCESS_ENV: p->env = get_list(&in, &f, p->env, a); break;
		case PROCESS_CWD: p->cwd = wire_str(&f, a); break;
		case PROCESS_RLIMIT: get_rlimit(&in, &f, p, a); break;
		case PROCESS_APPARMOR:
			p->apparmor_profile = wire_str(&f, a);
			break;
		case PROCESS_SELINUX: p->selinux_label = wire_str(&f, a); break;
		case PROCESS_CPUS_INITIAL:
			p->exec_cpu_initial.cpus =
				get_array(&in, &f, sizeof(uint32_t),
					  &p->exec_cpu_initial.n_cpus, a);
			break;
		case PROCESS_CPUS_FINAL:
			p->exec_cpu_final.cpus =
				get_array(&in, &f, sizeof(uint32_t),
					  &p->exec_cpu_final.n_cpus, a);
			break;
		}
	}
	if (in.bad)
		w->bad = true;
}

static void get_field(struct wire *w, const struct wire_field *f,
		      struct record *rec)
{
	struct arena *a = &rec->arena;

	switch (f->tag) {
	case TAG_ID: rec->id = wire_str(f, a); break;
	case TAG_BUNDLE: rec->bundle = wire_str(f, a); break;
	case TAG_ROOTFS: rec->rootfs = wire_str(f, a); break;
	case TAG_CREATED: rec->created = wire_str(f, a); break;
	case TAG_CGROUP: rec->cgroup = wire_str(f, a); break;
	case TAG_OWNER: rec->owner = wire_u64(f); break;
	case TAG_JOIN_FLAGS: rec->join_flags = wire_u64(f); break;
	case TAG_NO_PIVOT: rec->no_pivot = wire_u64(f); break;
	case TAG_OWN_PID_NS: rec->own_pid_ns = wire_u64(f); break;
	case TAG_IN_VM: rec->in_vm = wire_u64(f); break;
	case TAG_ANNOTATION: get_annotation(w, wire_inside(f), rec); break;
	case TAG_POSTSTART:
		get_hook(w, wire_inside(f), &rec->poststart, a);
		break;
	case TAG_POSTSTOP:
		get_hook(w, wire_inside(f), &rec->poststop, a);
		break;
	case TAG_PROCESS:
		get_process(w, wire_inside(f), &rec->process, a);
		break;
	}
}

static int check_head(struct wire *w)
{
	struct wire_field f;

	if (!wire_next(w, &f) || f.tag != TAG_MAGIC ||
	    (uint32_t)wire_u64(&f) != RECORD_MAGIC)
		return fail_plain(EINVAL, "the state record is damaged");
	if (wire_u64(&f) >> 32 != RECORD_VERSION)
		return fail_plain(EINVAL,
				  "the state record has version %u, this "
				  "program knows %u",
				  (unsigned)(wire_u64(&f) >> 32),
				  RECORD_VERSION);
	if (!wire_next(w, &f) || f.tag != TAG_HASH ||
	    wire_u64(&f) != wire_hash(w->at, w->left))
		return fail_plain(EINVAL, "the state record is damaged");
	return 0;
}

int record_read(int dir, struct record **out)
{
	_cleanup_(buf_fini) struct buf b = {};
	struct wire_field f;
	int r = fd_read_file(dir, RECORD_NAME, &b, RECORD_MAX_BYTES);

	if (r < 0)
		return r;

	struct wire w = wire_of(b.data, b.len);

	r = check_head(&w);
	if (r < 0)
		return r;

	struct record *rec = calloc(1, sizeof(*rec));

	if (!rec)
		return fail(ENOMEM, "read the state record");
	wire_for_each(&w, &f)
		get_field(&w, &f, rec);
	if (w.bad || !rec->id || !rec->bundle || !rec->rootfs ||
	    !rec->created || !rec->process.cwd) {
		record_free(rec);
		return fail_plain(EINVAL, "the state record is damaged");
	}
	*out = rec;
	return 0;
}

void record_free(struct record *rec)
{
	if (!rec)
		return;
	arena_fini(&rec->arena);
	free(rec);
}
