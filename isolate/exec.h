/* SPDX-License-Identifier: MIT */
/* Finding the program in the container and running it. */
#pragma once

#include "oci/spec.h"

/*
 * Child, inside the root: finds args[0], along PATH of process->env when it
 * has no slash, as execvp(3) does from process->cwd. Returns a malloc'd path,
 * or NULL with errno set and fail() text in the words that engines look for:
 * `exec "x": executable file not found in $PATH: no such file or directory`,
 * `…: no such file or directory`, `…: is a directory`, `…: permission denied`.
 */
char *exec_find(const struct spec_process *process);

/*
 * Child: goes to the working directory and checks that it is below the root.
 * make: it is made when missing (a new container, not exec).
 * Returns 0 or -errno with fail() text.
 */
int exec_chdir(const char *cwd, bool make);
