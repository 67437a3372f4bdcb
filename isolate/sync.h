/* SPDX-License-Identifier: MIT */
/* The handshake between the runtime and the child that becomes the container. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 *	parent                               child
 *	------                               -----
 *	clone3                         ────► joins its cgroup
 *	id maps
 *	GO (only with a user namespace)────► joins namespaces, mounts
 *	                               ◄──── HOOKS     (only with parent_hooks)
 *	prestart, createRuntime hooks
 *	HOOKS_DONE                     ────► createContainer hooks, pivot
 *	                               ◄──── TERMINAL  (pty master; with a tty)
 *	SECCOMP                        ────► (always sent; empty: no filter)
 *	                               ◄──── PID       (only with a second fork;
 *	                                     before the mounts where a pid
 *	                                     namespace is made in a joined user
 *	                                     namespace)
 *	                               ◄──── READY     (all set up)
 *	                                     with wait_for_start: holds
 *	                                     exec: the socket closes
 *
 * At any point the child may send ERROR and exit; the parent may close its
 * end, which makes the child exit. The end of the stream before READY means
 * that the child was killed. One message is one datagram on a
 * SOCK_SEQPACKET pair; sizes are checked, unknown types are an error. With
 * wait_for_start the same messages ERROR and end-of-stream are then spoken on
 * the connection that `start` makes to the listener.
 */

enum sync_type {
	SYNC_GO = 1,
	SYNC_HOOKS,
	SYNC_HOOKS_DONE,
	SYNC_TERMINAL, /* carries one fd */
	SYNC_PID, /* value: the pid of the process that goes on */
	SYNC_SECCOMP, /* payload: struct sock_filter[]; value: flags */
	SYNC_LISTENER, /* carries the seccomp listener's fd */
	SYNC_READY,
	SYNC_START, /* start → child, on the listener's connection */
	SYNC_ERROR, /* value: errno; payload: text */
	SYNC_TYPES,
};

#define SYNC_PAYLOAD_MAX (65536) /* the largest filter: 4096 instructions */

/* A message as received. */
struct sync_msg {
	enum sync_type type;
	int32_t value;
	uint8_t payload[SYNC_PAYLOAD_MAX]; /* so far as on the socket */
	size_t len; /* of the payload, bytes */
	int fd; /* -1 when none came; owned by the receiver */
};

/* Makes the socket pair. Returns 0 or -errno with fail() text. */
int sync_open(int *parent, int *child);

/* Sends a message; fd -1: none. Returns 0 or -errno with fail() text. */
int sync_send(int sock, enum sync_type type, int32_t value, int fd,
	      const void *payload, size_t len);

/* Sends a message that has no contents. */
int sync_send_empty(int sock, enum sync_type type);

/*
 * Receives the next message into *msg. An ERROR of the other side becomes our
 * own: fail() text and -errno. Returns 1; 0 at the end of the stream; -errno
 * with fail() text.
 */
int sync_recv(int sock, struct sync_msg *msg);

/* Receives a message that must be of this type. Returns 0 or -errno. */
int sync_expect(int sock, enum sync_type type, struct sync_msg *msg);

/* Child: sends the fail() text and errno as ERROR. Best effort. */
void sync_send_error(int sock, int r);
