/* SPDX-License-Identifier: MIT */
/* The compact record of a container: what later commands need of config.json. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "oci/spec.h"

/*
 * Written once, at create, as tagged fields (lib/wire.h) behind a magic and a
 * version; never changed afterwards. A record of a later version is refused
 * with a clear error; unknown tags of the same version are skipped.
 */
struct record {
	struct arena arena; /* owns what record_read() made */
	const char *id;
	const char *bundle; /* absolute */
	const char *rootfs; /* absolute */
	const char *created; /* RFC 3339 */
	const char *cgroup; /* path from the hierarchies' root; NULL: none */
	uid_t owner;
	unsigned join_flags; /* CLONE_NEW* of what exec joins */
	bool no_pivot; /* the root is a chroot's */
	bool in_vm; /* its init is a VMM */
	bool own_pid_ns; /* its init's death ends all processes */
	struct spec_key_value *annotations;
	size_t n_annotations;
	struct spec_hooks poststart, poststop;
	struct spec_process process; /* exec's defaults */
};

/*
 * The record of a new container. Borrows from spec and from the strings.
 * now: creation time as text.
 */
struct record record_of(const struct spec *spec, const char *id,
			const char *bundle);

/* Writes it as DIR/record. Returns 0 or -errno with fail() text. */
int record_write(int dir, const struct record *rec);

/*
 * Reads DIR/record. Returns 0 and *out, to be freed with record_free(), or
 * -errno with fail() text; -ENOENT: creation did not come that far.
 */
int record_read(int dir, struct record **out);

/* Frees what record_read() gave; NULL is fine. */
void record_free(struct record *rec);
