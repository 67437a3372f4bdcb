/* SPDX-License-Identifier: MIT */
/* Resource limits of the process. */
#pragma once

#include "oci/spec.h"

/*
 * Sets the limits of the calling process. Raising a hard limit needs
 * CAP_SYS_RESOURCE; the error names limit and values.
 * Returns 0 or -errno with fail() text.
 */
int rlimit_apply(const struct spec_rlimit *limits, size_t n);
