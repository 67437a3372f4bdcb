/* SPDX-License-Identifier: MIT */
/* Namespaces: opening those to join, joining, hostname, time offsets. */
#pragma once

#include "oci/spec.h"

/* CLONE_NEW* flag of a kind. */
int ns_flag(enum spec_namespace kind);

/*
 * Parent: opens linux.namespaces[].path into fds (SPEC_NS_KINDS entries, -1
 * where there is none), each verified to be a namespace of its kind
 * (NS_GET_NSTYPE). Returns 0 or -errno with fail() text.
 */
int ns_open_paths(const struct spec_linux *linux_, int *fds);

/*
 * Parent: a namespace of our own may be joined, but not changed: refuses names
 * and sysctls of the spec for such a one among fds. proc: the host's procfs.
 * Returns 0 or -errno with fail() text.
 */
int ns_check_own(const struct spec *spec, const int *fds, int proc);

/* Closes what ns_open_paths() opened. */
void ns_close(int *fds);

/* The CLONE_NEW* flags for clone3(2): new namespaces, cgroup's excepted. */
unsigned ns_clone_flags(const struct spec_linux *linux_);

/* Child: joins the namespaces in fds except user, pid and mount. */
int ns_join(const int *fds);

/* Child: hostname and domainname in the uts namespace. */
int ns_set_names(const struct spec *spec);
