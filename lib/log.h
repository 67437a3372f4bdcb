/* SPDX-License-Identifier: MIT */
/* One-line log messages, as text or JSON, to stderr and to a log file. */
#pragma once

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING, /* the default */
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/*
 * Settings are process-wide and set once by cmd/main.c before anything logs.
 * Lines go to stderr as "bulkhead: TEXT"; when a log file is set they go
 * there as well, in the chosen format:
 *
 *	{"msg":"...","level":"error","time":"2026-01-02T03:04:05.678901234Z"}
 *
 * (the form that podman and containerd read). With a log file stderr gets
 * errors only, since engines show stderr to their users.
 */

/*
 * Opens path for appending (created 0644) as the log file.
 * Returns 0 or -errno with fail() text.
 */
int log_open(const char *path);

/* Chooses the form of lines in the log file. */
void log_set_format(enum log_format format);

/* Lines above this level are dropped. */
void log_set_level(enum log_level level);

/* Whether a line of this level would be written: guards costly arguments. */
bool log_would(enum log_level level);

/* Writes one line. No trailing newline or full stop in format. */
void log_write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
