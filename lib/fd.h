/* SPDX-License-Identifier: MIT */
/* Small files whole, fds over sockets, and unix sockets at long paths. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct buf;

/*
 * Reads all of a file beneath dir into b (appended), at most max bytes.
 * Returns 0 or -errno with fail() text that names the path; -EFBIG when the
 * file is larger.
 */
int fd_read_file(int dir, const char *path, struct buf *b, size_t max);

/*
 * Writes text in one write(2) to an existing file beneath dir, as proc and
 * cgroup files want it. Returns 0 or -errno with fail() text.
 */
int fd_write_file(int dir, const char *path, const char *text);

/* Writes all of len bytes; restarts on EINTR. Returns 0 or -errno, no text. */
int fd_write_all(int fd, const void *bytes, size_t len);

/*
 * Makes the file NAME in dir hold these bytes, by a temporary file and a
 * rename: a reader sees the old contents or the new, never a part.
 * Returns 0 or -errno with fail() text.
 */
int fd_replace_file(int dir, const char *name, const void *bytes, size_t len);

/*
 * Closes every descriptor from first on, but for the n in keep, which is
 * sorted on the way; numbers below first and -1 may be among them.
 */
void fd_close_except(unsigned first, int *keep, size_t n);

/*
 * Sends one message with n_fds file descriptors over a unix socket.
 * Returns 0 or -errno, no text.
 */
int fd_send(int sock, const void *bytes, size_t len, const int *fds,
	    size_t n_fds);

#define FD_RECV_MAX 8 /* file descriptors in one message */

/*
 * Receives one message. Descriptors that came with it are put into
 * fds[0..*n_fds) (O_CLOEXEC; the caller owns them); *n_fds comes in as the
 * room of fds, at most FD_RECV_MAX; what does not fit is closed. When
 * nothing is received *n_fds is 0.
 * Returns the bytes received, 0 at the end of the stream, or -errno; no text.
 */
ssize_t fd_recv(int sock, void *bytes, size_t room, int *fds, size_t *n_fds);

/*
 * Connects a stream or seqpacket socket (type) to a unix socket at path,
 * relative to the directory dir; the path may be longer than sun_path.
 * Returns the fd or -errno with fail() text.
 */
int fd_connect_unix(int dir, const char *path, int type);

/*
 * Binds and listens at NAME in dir, mode 0600.
 * Returns the listening fd or -errno with fail() text.
 */
int fd_listen_unix(int dir, const char *name, int type);
