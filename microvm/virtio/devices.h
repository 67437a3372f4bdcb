/* SPDX-License-Identifier: MIT */
/* The virtio devices by name: how each is made. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct guestmem;
struct loop;
struct virtio_device;
struct vm_config;
struct vm_disk;
struct vm_fs;
struct vm_net;

/*
 * Each makes a device that lives on loop and reaches the guest through mem
 * only. Returns NULL with fail() text and errno on failure;
 * virtio_destroy() frees. fds are borrowed.
 */

/* Random numbers of the host's. */
struct virtio_device *rng_create(const struct guestmem *mem, struct loop *loop);

/*
 * A multiport console. Port 0 is the kernel's console (hvc0): its output goes
 * to log (-1: dropped). Port 1, named "bulkhead.agent", is joined to the
 * stream socket agent, both ways, with back-pressure both ways.
 */
struct virtio_device *console_create(const struct guestmem *mem,
				     struct loop *loop, int log, int agent);

/* A disk. */
struct virtio_device *block_create(const struct guestmem *mem,
				   struct loop *loop,
				   const struct vm_disk *disk);

/* A network interface on a tap. */
struct virtio_device *net_create(const struct guestmem *mem, struct loop *loop,
				 const struct vm_net *net);

/* Gives memory back to the host: balloon and free page reporting. */
struct virtio_device *balloon_create(const struct guestmem *mem,
				     struct loop *loop);

/* A directory of the host's; serves in threads of its own, which call
 * config->confine first. */
struct virtio_device *fs_create(const struct guestmem *mem, struct loop *loop,
				const struct vm_fs *fs,
				const struct vm_config *config);
