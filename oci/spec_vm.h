/* SPDX-License-Identifier: MIT */
/* The two halves of a spec that runs in a micro-VM: the jail's, and the guest's. */
#pragma once

#include "oci/spec.h"

/*
 * One config.json, two places. The host makes a jail for the VMM: namespaces,
 * cgroup, and a directory that is all the guest gets to see:
 *
 *	/rootfs        the container's root file system
 *	/mounts/N      the source of mounts[N], when it is the host's
 *
 * The guest takes the same config.json and makes the container, its mounts in
 * their order, from that. Both call these with specs of their own.
 */

/*
 * Is the content of this mount the host's (a bind, a disk, an overlay)? Else
 * it is made by the guest's kernel (proc, sysfs, tmpfs, …).
 */
bool spec_vm_is_hosts(const struct spec_mount *m);

/*
 * Turns spec into the guest's: what is done on the host is taken out
 * (host's hooks, joined namespaces, limits that the VMM's cgroup keeps),
 * and root and mounts come from below share, the guest's path of the jail's
 * root. Returns 0 or -errno with fail() text.
 */
int spec_vm_guest(struct spec *spec, const char *share);

/*
 * Fills jail (zeroed) with the VMM's half of spec: borrows from it, and
 * allocates from spec's arena. rootfs: absolute. terminal: the VMM's stdio is
 * one. Returns 0 or -errno with fail() text.
 */
int spec_vm_jail(struct spec *spec, const char *rootfs, struct spec *jail);
