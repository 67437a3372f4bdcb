/* SPDX-License-Identifier: MIT */
/* As much of an 8250 as a kernel's early console asks for. */
#include "microvm/serial.h"

#include <string.h>

#include "lib/fd.h"
#include "microvm/bus.h"

enum {
	REGISTER_DATA = 0,
	REGISTER_LINE_CONTROL = 3,
	REGISTER_LINE_STATUS = 5,
	REGISTERS = 8,
};

#define LINE_CONTROL_DIVISOR 0x80 /* register 0 is the divisor's */
#define LINE_STATUS_EMPTY    0x60 /* all was sent */

static void serial_read(void *arg, uint64_t offset, void *bytes, unsigned len)
{
	(void)arg;
	memset(bytes, 0, len);
	if (offset == REGISTER_LINE_STATUS)
		*(uint8_t *)bytes = LINE_STATUS_EMPTY;
}

static void serial_write(void *arg, uint64_t offset, const void *bytes,
			 unsigned len)
{
	struct serial *s = arg;

	if (len != 1)
		return;
	if (offset == REGISTER_LINE_CONTROL)
		s->line = *(const uint8_t *)bytes;
	else if (offset == REGISTER_DATA && !(s->line & LINE_CONTROL_DIVISOR))
		/* Nobody to tell when the log takes no more. */
		(void)fd_write_all(s->log, bytes, 1);
}

static const struct bus_ops serial_ops = {serial_read, serial_write};

int serial_attach(struct serial *s, struct bus *ports, int log)
{
	*s = (struct serial){.log = log};
	return bus_add(ports, SERIAL_PORT, REGISTERS, &serial_ops, s);
}
