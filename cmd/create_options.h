/* SPDX-License-Identifier: MIT */
/* The options that create and run share. */
#pragma once

#include "cmd/option.h"
#include "runtime/create.h"

/*
 * Rows for a table of struct option. o: a struct create_options; isolation:
 * where the word for cmd_can_create() goes.
 */
#define CREATE_OPTIONS(o, isolation)                                           \
	{"bundle", 'b', OPTION_STRING, &(o)->bundle, "DIR",                    \
	 "the bundle (the current directory)"},                                \
	{"config", 'f', OPTION_STRING, &(o)->config, "FILE",                   \
	 "instead of config.json"},                                            \
	{"console-socket", 0, OPTION_STRING, &(o)->console_socket, "PATH",     \
	 "unix socket that receives the terminal"},                            \
	{"pidfd-socket", 0, OPTION_STRING, &(o)->pidfd_socket, "PATH",         \
	 "unix socket that receives a pidfd of init"},                         \
	{"pid-file", 0, OPTION_STRING, &(o)->pid_file, "FILE",                 \
	 "write the process id to FILE"},                                      \
	{"preserve-fds", 0, OPTION_UNSIGNED, &(o)->preserve_fds, "N",          \
	 "hand on N file descriptors from 3 on"},                              \
	{"no-pivot", 0, OPTION_FLAG, &(o)->no_pivot, NULL,                     \
	 "chroot instead of pivot_root (for a ramfs host root)"},              \
	{"no-new-keyring", 0, OPTION_FLAG, &(o)->no_new_keyring, NULL,         \
	 "keep the caller's session keyring"},                                 \
	{"isolation", 0, OPTION_STRING, (isolation), "WALL",                   \
	 "container or vm"},                                                   \
	{"kernel", 0, OPTION_STRING, &(o)->kernel, "host|PATH",                \
	 "the micro-VM's kernel"},                                             \
	{"vmm", 0, OPTION_STRING, &(o)->vmm, "auto|kvm|qemu",                  \
	 "who runs the micro-VM"},                                             \
	{"no-subreaper", 0, OPTION_IGNORED_FLAG, NULL, NULL, NULL}
