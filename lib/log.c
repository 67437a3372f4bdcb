/* SPDX-License-Identifier: MIT */
/* One-line log messages, as text or JSON, to stderr and to a log file. */
#include "lib/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/timestamp.h"
#include "lib/utf8.h"

static int log_fd = -1;
static enum log_format log_format;
static enum log_level log_level = LOG_LEVEL_WARNING;

/* The words that containerd and podman know. */
static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

int log_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0)
		return fail(errno, "open log file %s", path);
	log_fd = fd;
	return 0;
}

void log_set_format(enum log_format format)
{
	log_format = format;
}

void log_set_level(enum log_level level)
{
	log_level = level;
}

bool log_would(enum log_level level)
{
	return level <= log_level;
}

/* C1: 0x80 to 0x9f, which terminals take for ESC and another letter. */
static bool is_control(const unsigned char *s)
{
	return *s < 0x20 || *s == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/*
 * What comes from a hostile bundle shall neither steer the terminal nor begin
 * a line of its own.
 */
static void defuse(struct buf *msg)
{
	for (size_t i = 0, n; i < msg->len; i += n) {
		const unsigned char *s = (unsigned char *)msg->data + i;

		n = utf8_len(s);
		if (!n || is_control(s)) {
			n = n ? n : 1;
			memset(msg->data + i, '?', n);
		}
	}
}

static void write_file(enum log_level level, struct buf *msg)
{
	_cleanup_(buf_fini) struct buf line = {};
	char now[TIMESTAMP_ROOM];

	timestamp_now(now);
	if (log_format == LOG_FORMAT_JSON) {
		buf_puts(&line, "{\"msg\":");
		buf_put_json(&line, buf_str(msg));
		buf_printf(&line, ",\"level\":\"%s\",\"time\":\"%s\"}\n",
			   level_names[level], now);
	} else {
		defuse(msg);
		buf_printf(&line, "%s %s: %s\n", now, level_names[level],
			   buf_str(msg));
	}
	/* One write a line: lines of several processes do not mix. */
	if (!line.failed && write(log_fd, line.data, line.len) < 0)
		dprintf(STDERR_FILENO, "bulkhead: cannot write the log\n");
}

void log_write(enum log_level level, const char *format, ...)
{
	_cleanup_(buf_fini) struct buf msg = {};
	va_list ap;

	if (level > log_level)
		return;
	va_start(ap, format);
	buf_vprintf(&msg, format, ap);
	va_end(ap);
	if (msg.failed)
		return;
	if (log_fd >= 0)
		write_file(level, &msg);
	if (log_fd >= 0 && level != LOG_LEVEL_ERROR)
		return;
	defuse(&msg);
	dprintf(STDERR_FILENO, "bulkhead: %s%s\n",
		level == LOG_LEVEL_WARNING ? "warning: " : "", buf_str(&msg));
}
