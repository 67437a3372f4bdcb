/* SPDX-License-Identifier: MIT */
/* What each thread of the VMM may still do: system calls and capabilities. */
#pragma once

#include "microvm/microvm.h"

/* The thread that talks to guest and runtime (vm_agent.h): not the machine's. */
#define VM_THREAD_AGENT ((enum vm_thread)(VM_THREAD_FS + 1))

/*
 * vm_config.confine: the calling thread keeps the system calls that its kind
 * needs, all others fail with EPERM, and, but for the file server, gives up
 * all capabilities. With Landlock it names no file but those beneath "/", if it
 * is the file server's, and none else. arg is not used. Returns 0 or -errno with fail() text.
 */
int vm_confine(enum vm_thread thread, void *arg);
