/* SPDX-License-Identifier: MIT */
/* Seccomp filters: compiled from the spec by the parent, loaded by the child. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct spec_seccomp;

/*
 * Compiles sec with libseccomp (binary-tree optimised) and appends the BPF
 * program (struct sock_filter array) to out. A system call that is newer than
 * all calls the profile names answers ENOSYS rather than the default errno,
 * so that libc's fallbacks work. Names that this libseccomp does not know are
 * skipped; *skipped counts them. parent, while the child mounts.
 * Returns 0 or -errno with fail() text that names the rule.
 */
int seccomp_compile(const struct spec_seccomp *sec, struct buf *out,
		    size_t *skipped);

/*
 * Appends a canonical form of everything that determines the program: every
 * field, length-prefixed, with the library's version. Two specs have equal
 * keys only if they compile to the same program. Returns nothing; b->failed.
 */
void seccomp_key(const struct spec_seccomp *sec, struct buf *key);

/*
 * Whether the program lets this system call through, of which number and
 * arguments are given and the architecture is our own: what the kernel would
 * find, found without loading it. The program is one that the kernel takes.
 */
bool seccomp_allows(const struct sock_filter *insns, size_t n,
		    const struct seccomp_data *call);

/*
 * Loads the program into the calling process with seccomp(2) and these
 * SECCOMP_FILTER_FLAG_* flags. child, last before exec.
 * Returns the listener's fd when SECCOMP_FILTER_FLAG_NEW_LISTENER is in flags,
 * else 0, or -errno with fail() text.
 */
int seccomp_filter_load(const struct sock_filter *insns, size_t n,
			unsigned flags);
