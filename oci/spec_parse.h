/* SPDX-License-Identifier: MIT */
/* The field tables of config.json, one for each of its large objects. */
#pragma once

#include "oci/field.h"

extern const struct field spec_process_fields[];   /* struct spec_process */
extern const struct field spec_mount_fields[];     /* struct spec_mount */
extern const struct field spec_id_map_fields[];    /* struct spec_id_map */
extern const struct field spec_linux_fields[];     /* struct spec_linux */
extern const struct field spec_resources_fields[]; /* struct spec_resources */
extern const struct field spec_seccomp_fields[];   /* struct spec_seccomp */
extern const struct field spec_vm_fields[];        /* struct spec_vm */

/* Sorts a mount's options into their members and decides its kind. */
field_finish spec_mount_finish;

/* linux.seccomp: a struct spec_seccomp on the arena. */
field_reader spec_seccomp_read;

/* One empty array of strings, for lists that are never NULL. */
char **spec_no_strings(struct field_context *c);
