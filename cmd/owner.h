/* SPDX-License-Identifier: MIT */
/* Names of users, without libc's name service (the program is static). */
#pragma once

#include <sys/types.h>

/* Whom uid is in /etc/passwd, or its number; malloc'd, NULL: no memory. */
char *owner_name(uid_t uid);
