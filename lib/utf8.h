/* SPDX-License-Identifier: MIT */
/* Which bytes are UTF-8: no overlong forms, no surrogates. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Length of the valid UTF-8 sequence at s, which a NUL ends; 0 when it is
 * not one.
 */
size_t utf8_len(const unsigned char *s);

/* Whether all of the string is UTF-8. */
bool utf8_is_valid(const char *s);
