/* SPDX-License-Identifier: MIT */
/* update: other limits for a container that exists. */
#pragma once

struct spec_resources;
struct store;

/*
 * Changes the limits that res names, and no others; a 0 where the spec has
 * no meaning for it stands for "not given", as engines send it. For a created,
 * running or paused container. The limits of a micro-VM are those around its
 * VMM. Returns 0 or -errno with fail() text.
 */
int update_container(const struct store *s, const char *id,
		     const struct spec_resources *res);
