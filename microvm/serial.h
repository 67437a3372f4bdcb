/* SPDX-License-Identifier: MIT */
/* A serial port that only sends: the kernel's voice before its drivers. */
#pragma once

#include <stdint.h>

struct bus;

#define SERIAL_PORT 0x3f8

/* guarded by: nothing; the guest's kernel takes its console's lock. */
struct serial {
	int log;      /* borrowed */
	uint8_t line; /* the line control register */
};

/*
 * Puts the port on the bus of ports; what the guest sends goes to log.
 * Returns 0 or -errno with fail() text.
 */
int serial_attach(struct serial *s, struct bus *ports, int log);
