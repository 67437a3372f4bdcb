/* SPDX-License-Identifier: MIT */
/* maskedPaths and readonlyPaths. */
#pragma once

struct isolate;

/*
 * Child, after mount_all(). Hides each masked path: a file behind the host's
 * verified null device (never the container's), a directory behind one empty
 * read-only tmpfs shared by all of them. Paths that do not exist are skipped;
 * a link on the way is an error, not a detour.
 * Returns 0 or -errno with fail() text that names the path.
 */
int mask_paths(const struct isolate *iso, int root);

/* Child, after mount_all(). Makes each readonlyPath read-only, recursively. */
int mask_readonly_paths(const struct isolate *iso, int root);
