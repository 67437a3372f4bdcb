/* SPDX-License-Identifier: MIT */
/* Writes an initramfs: a cpio archive (newc) with the guest init in it. */
#pragma once

#include <stddef.h>

struct buf;

/* A file of the archive, in a directory that initramfs_write() puts there. */
struct initramfs_file {
	const char *path; /* in the archive, without a leading slash */
	const char *source; /* its path on the host; NULL: these bytes */
	const void *bytes;
	size_t n_bytes;
	unsigned mode; /* permission bits */
};

/*
 * Appends an archive of these files, and of /dev/console, /proc, /sys, /dev,
 * /run, /modules as directories, to out, whose length is a multiple of 4.
 * Returns 0 or -errno with fail() text.
 */
int initramfs_write(const struct initramfs_file *files, size_t n_files,
		    struct buf *out);

/*
 * Lists the modules of a distro kernel that a guest needs (virtio_mmio,
 * virtio_console, virtiofs, …) and all that they depend on, by the modules.dep
 * of moddir (…/lib/modules/VERSION), as modules/NNN.ko in the order of
 * loading; for initramfs_write(). Returns 0 with *files, to be freed with
 * initramfs_free(), or -errno with fail() text.
 */
int initramfs_modules(const char *moddir, struct initramfs_file **files,
		      size_t *n_files);

/* Frees a list that initramfs_modules() made. */
void initramfs_free(struct initramfs_file *files, size_t n_files);
