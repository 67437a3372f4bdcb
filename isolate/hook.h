/* SPDX-License-Identifier: MIT */
/* Hooks: programs that the spec wants run around the container's life. */
#pragma once

#include "oci/spec.h"
#include "oci/state.h"

/*
 * Runs hooks one after the other, each with the state document on its stdin
 * and no other fd of ours, and waits for it at most its timeout (then it is
 * killed with its process group). What a failing hook wrote to stderr becomes
 * part of the text. All poststop hooks run, whatever the one before did; of
 * the others none runs after one that failed. Used by the parent (runtime namespace) and by the child
 * (container namespace). Returns 0, or -errno with fail() text that names
 * kind, number and path of the first hook that failed.
 */
int hook_run_all(enum spec_hook_kind kind, const struct spec_hooks *hooks,
		 const struct state *state);
