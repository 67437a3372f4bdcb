/* SPDX-License-Identifier: MIT */
/* The present time as text. */
#pragma once

#define TIMESTAMP_ROOM 64 /* bytes with the NUL */

/*
 * The time now as RFC 3339 in UTC with nanoseconds:
 * "2026-01-02T03:04:05.678901234Z". libc's way to it reads the time zone's
 * file first, for nothing.
 */
void timestamp_now(char text[static TIMESTAMP_ROOM]);
