/* SPDX-License-Identifier: MIT */
/* The program protects itself from what runs in containers. */
#pragma once

/*
 * For commands that enter a container, first thing in main: makes the process
 * not dumpable, and goes on from an image of the program that nobody can
 * write (CVE-2019-5736): a detached read-only mount of it, or a sealed copy in
 * memory for callers that may not mount. Executes itself again when the
 * image is not such a one yet. Returns 0 or -errno with fail() text.
 */
int self_protect(char *const *argv);

/* Marks all fds from first on as not to be handed to any program. */
int self_close_fds_on_exec(unsigned first);
