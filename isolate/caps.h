/* SPDX-License-Identifier: MIT */
/* Capability sets of the process. */
#pragma once

#include "oci/spec.h"

/*
 * Child, as root. Drops what is not in caps->bounding from the bounding set
 * (only what is still in it costs a system call) and keeps capabilities over
 * the change of user that follows. Returns 0 or -errno with fail() text.
 */
int caps_drop_bounding(const struct spec_capabilities *caps);

/*
 * Child, after the change of user. Sets permitted, effective, inheritable and
 * ambient in this order. A capability that the caller itself does not have
 * is left out with a warning-free cut for ambient, and is an error naming it
 * for the rest. Returns 0 or -errno with fail() text.
 */
int caps_apply(const struct spec_capabilities *caps);
