/* SPDX-License-Identifier: MIT */
/* linux.sysctl, written through the host's verified procfs. */
#pragma once

#include "oci/spec.h"

/*
 * Child, inside its namespaces: /proc/sys shows those of the writer. proc:
 * O_PATH fd of a verified procfs. Returns 0 or -errno with fail() text that
 * names the key.
 */
int sysctl_apply(const struct spec_key_value *sysctl, size_t n, int proc);
