/* SPDX-License-Identifier: MIT */
/* The mounts of config.json: sources cloned by the parent, attached by the child. */
#pragma once

#include <stddef.h>

struct isolate;
struct mount_source;
struct spec;

/*
 * Parent, before clone, in the host's mount namespace. For each bind of
 * spec->mounts: clones its source into a detached mount with its attributes
 * set (so that a child in a user namespace needs no right to the path), id
 * maps included. sources: spec->n_mounts entries, filled here; close them with
 * mount_sources_close(). Returns 0 or -errno with fail() text that names
 * source and destination.
 */
int mount_sources_open(const struct spec *spec, struct mount_source *sources);

/* Closes what mount_sources_open() opened; safe on a half-filled array. */
void mount_sources_close(struct mount_source *sources, size_t n);

/*
 * Child, in its own mount namespace, root attached (rootfs_attach()). Makes
 * every mount of the spec in order: file systems by fsopen(2), binds from
 * iso->sources, each moved onto an fd opened beneath root; missing targets
 * are made. /proc and /sys must not be reached through links. root: O_PATH fd
 * of the container's root. Returns 0 or -errno with fail() text
 * "mount proc on /proc: …".
 */
int mount_all(const struct isolate *iso, int root);
