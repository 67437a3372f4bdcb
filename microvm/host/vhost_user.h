/* SPDX-License-Identifier: MIT */
/* The file server behind a vhost-user socket, for another VMM's guest. */
#pragma once

struct fuse_server;

/*
 * Speaks the back-end's side of the vhost-user protocol (QEMU's
 * docs/interop/vhost-user.rst) on sock (borrowed) and serves the queues that
 * are set up there, in the calling thread, which does nothing else
 * (fuse_server_thread_init()). The other side is as hostile as its guest.
 * Returns 0 when the socket is closed, or -errno with fail() text.
 */
int vhost_user_fs_run(int sock, struct fuse_server *server);
