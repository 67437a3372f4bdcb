/* SPDX-License-Identifier: MIT */
/* AppArmor and SELinux labels for the exec that follows. */
#pragma once

#include "oci/spec.h"

/*
 * Child, before exec. Writes the process's AppArmor profile and SELinux label
 * to attr/exec through proc (O_PATH fd of a verified procfs). A label is an
 * error where its module is not active; none asked: nothing is done.
 * Returns 0 or -errno with fail() text that names the label.
 */
int lsm_apply(const struct spec_process *process, int proc);
