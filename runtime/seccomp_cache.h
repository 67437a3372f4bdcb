/* SPDX-License-Identifier: MIT */
/* Compiled seccomp filters, kept under the state directory. */
#pragma once

struct buf;
struct spec_seccomp;
struct store;

/*
 * The filter for sec: from ROOT/.seccomp when it holds one with just this
 * key, else compiled and put there. The same file is in dir for later execs,
 * whatever others put in the cache meanwhile. The hash in a file's name is only an address: the whole key is
 * in the file and compared. Appends the program to bpf.
 * Returns 0 or -errno with fail() text.
 */
int seccomp_cache_get(const struct store *s, const struct spec_seccomp *sec,
		      int dir, struct buf *bpf);

/*
 * The filter that seccomp_cache_get() linked into dir, with its flags; empty
 * when the container has none. Returns 0 or -errno with fail() text.
 */
int seccomp_cache_load(int dir, struct buf *bpf, unsigned *flags);
