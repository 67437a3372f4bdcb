/* SPDX-License-Identifier: MIT */
/* The parts of spec_check() that have a file of their own. */
#pragma once

struct spec;

/*
 * linux.sysctl: every key must belong to a namespace that the container has,
 * and must not lead out of /proc/sys. Returns 0 or -errno with fail() text.
 */
int spec_check_sysctls(const struct spec *spec);
