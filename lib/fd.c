/* SPDX-License-Identifier: MIT */
/* Small files whole, fds over sockets, and unix sockets at long paths. */
#include "lib/fd.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

int fd_read_file(int dir, const char *path, struct buf *b, size_t max)
{
	_cleanup_fd_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(errno, "open %s", path);

	int r = buf_read_fd(b, fd, max);

	return r < 0 ? fail(-r, "read %s", path) : 0;
}

int fd_write_file(int dir, const char *path, const char *text)
{
	_cleanup_fd_ int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(errno, "open %s", path);
	if (write(fd, text, strlen(text)) < 0)
		return fail(errno, "write \"%s\" to %s", text, path);
	return 0;
}

int fd_write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= n;
	}
	return 0;
}

int fd_replace_file(int dir, const char *name, const void *bytes, size_t len)
{
	char temp[NAME_MAX + 1];

	if (snprintf(temp, sizeof(temp), ".%s.new", name) >= (int)sizeof(temp))
		return fail(ENAMETOOLONG, "write %s", name);

	_cleanup_fd_ int fd = openat(
		dir, temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(errno, "create %s", temp);

	int r = fd_write_all(fd, bytes, len);
	if (r == 0 && renameat(dir, temp, dir, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dir, temp, 0);
		return fail(-r, "write %s", name);
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

void fd_close_except(unsigned first, int *keep, size_t n)
{
	if (n)
		qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < 0 || (unsigned)keep[i] < first)
			continue;
		if ((unsigned)keep[i] > first)
			sys_close_range(first, (unsigned)keep[i] - 1, 0);
		first = (unsigned)keep[i] + 1;
	}
	sys_close_range(first, ~0U, 0);
}

int fd_send(int sock, const void *bytes, size_t len, const int *fds,
	    size_t n_fds)
{
	union {
		char room[CMSG_SPACE(FD_RECV_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = {.iov_base = (void *)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds > FD_RECV_MAX)
		return -EINVAL;
	if (n_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));

		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}

	ssize_t n;
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}

/* Keeps the descriptors of c that fit into fds, closes the others. */
static size_t keep_fds(const struct cmsghdr *c, int *fds, size_t at,
		       size_t room)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (at < room)
			fds[at++] = fd;
		else
			close(fd);
	}
	return at;
}

ssize_t fd_recv(int sock, void *bytes, size_t room, int *fds, size_t *n_fds)
{
	union {
		char room[CMSG_SPACE(FD_RECV_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = bytes, .iov_len = room};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	size_t fd_room = n_fds ? *n_fds : 0;
	size_t got = 0;
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n_fds)
		*n_fds = 0;
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
	     c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			got = keep_fds(c, fds, got, fd_room);
	if (n_fds)
		*n_fds = got;
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

/* Fills in the address of path beneath dir, through /proc when it is long. */
static int unix_address(struct sockaddr_un *a, int dir, const char *path)
{
	int n;

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (dir == AT_FDCWD || *path == '/')
		n = snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
	else
		n = snprintf(a->sun_path, sizeof(a->sun_path),
			     "/proc/self/fd/%d/%s", dir, path);
	return n < (int)sizeof(a->sun_path) ? 0 : -ENAMETOOLONG;
}

/* Connects by the O_PATH fd of the socket: any length of path works. */
static int connect_long(int sock, int dir, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_fd_ int at = openat(dir, path, O_PATH | O_CLOEXEC);

	if (at < 0)
		return -errno;
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", at);
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return 0;
}

int fd_connect_unix(int dir, const char *path, int type)
{
	_cleanup_fd_ int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;

	if (sock < 0)
		return fail(errno, "create a socket");

	int r = unix_address(&a, dir, path);
	if (r == -ENAMETOOLONG)
		r = connect_long(sock, dir, path);
	else if (connect(sock, (struct sockaddr *)&a, sizeof(a)) < 0)
		r = -errno;
	if (r < 0)
		return fail(-r, "connect to %s", path);
	return take_fd(&sock);
}

int fd_listen_unix(int dir, const char *name, int type)
{
	_cleanup_fd_ int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;

	if (sock < 0)
		return fail(errno, "create a socket");

	int r = unix_address(&a, dir, name);
	if (r < 0)
		return fail(-r, "bind socket %s", name);
	/* The mode of a socket file comes from the socket's inode. */
	if (fchmod(sock, 0600) < 0 ||
	    bind(sock, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(sock, 1) < 0)
		return fail(errno, "bind socket %s", name);
	return take_fd(&sock);
}
