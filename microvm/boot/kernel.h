/* SPDX-License-Identifier: MIT */
/* Guest kernels as files: a bzImage is unpacked once and kept. */
#pragma once

/*
 * Opens a kernel image as vmlinux. An ELF file is opened as it is. A bzImage's
 * payload (gzip, xz, lz4, zstd by its magic) is unpacked into the directory
 * cache, under the hash of the image's contents, atomically; the next call
 * finds it there. The file is hostile: sizes are bounded (512 MiB unpacked).
 * cache: directory fd, or -1: unpacked into a memfd, not kept.
 * Returns the fd (O_RDONLY) or -errno with fail() text.
 */
int kernel_open(const char *path, int cache);
