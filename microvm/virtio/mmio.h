/* SPDX-License-Identifier: MIT */
/* The virtio-mmio transport, version 2 (virtio 1.2, section 4.2). */
#pragma once

#include <stdint.h>

#include "microvm/memory.h"

struct bus;
struct virtio_device;

/*
 * Puts the device's registers on the bus, one page at base. Writes to
 * QueueNotify that come this way, not by ioeventfd, signal the queue's
 * eventfd. Returns 0 or -errno with fail() text.
 */
int mmio_attach(struct virtio_device *dev, struct bus *bus, gpa_t base);

#define MMIO_QUEUE_NOTIFY 0x50 /* offset, for ioeventfds */
