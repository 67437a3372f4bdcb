/* SPDX-License-Identifier: MIT */
/* Resource limits of the process. */
#pragma once

#include "oci/spec.h"

/*
 * Raises the hard limits that are lower than these, and leaves the rest, so
 * that rlimit_apply() needs no privilege. Returns 0 or -errno with fail() text.
 */
int rlimit_raise(const struct spec_rlimit *limits, size_t n);

/*
 * Sets the limits of the calling process. Raising a hard limit needs
 * CAP_SYS_RESOURCE; the error names limit and values.
 * Returns 0 or -errno with fail() text.
 */
int rlimit_apply(const struct spec_rlimit *limits, size_t n);
