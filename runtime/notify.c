/* SPDX-License-Identifier: MIT */
/* sd_notify(3) through the container's wall. */
#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"

#define NOTIFY_MAX 4096 /* bytes of one message, as systemd has it */

static const char *host_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && (*path == '/' || *path == '@') ? path : NULL;
}

int notify_prepare(struct spec *spec, int dir, const char *path)
{
	if (!host_socket())
		return 0;
	/* Its user need not be root: anyone inside may write to the socket. */
	if (mkdirat(dir, "notify", 0755) < 0 && errno != EEXIST)
		return fail(errno, "make the notify directory");

	struct spec_mount *mounts = arena_array(
		&spec->arena, spec->n_mounts + 1, sizeof(*mounts));
	char *source = arena_printf(&spec->arena, "%s/notify", path);

	if (!mounts || !source)
		return fail(ENOMEM, "notify socket");
	if (spec->n_mounts)
		memcpy(mounts, spec->mounts, spec->n_mounts * sizeof(*mounts));
	mounts[spec->n_mounts++] = (struct spec_mount){
		.kind = SPEC_MOUNT_BIND,
		.destination = "/run/notify",
		.type = "bind",
		.source = source,
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			    MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};
	spec->mounts = mounts;
	return 1;
}

int notify_bind(int dir, int *sock)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct stat st;
	_cleanup_fd_ int fd = -1;

	*sock = -1;
	if (!host_socket() || fstatat(dir, "notify", &st, 0) < 0)
		return 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(errno, "create a socket");
	snprintf(a.sun_path, sizeof(a.sun_path),
		 "/proc/self/fd/%d/notify/notify.sock", dir);
	if (fchmod(fd, 0666) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return fail(errno, "bind the notify socket");
	/* bind(2) takes the umask off the mode. */
	if (fchmodat(dir, "notify/notify.sock", 0666, 0) < 0)
		return fail(errno, "open the notify socket to all");
	*sock = take_fd(&fd);
	return 0;
}

static int send_to_host(const char *text)
{
	const char *path = host_socket();
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail(errno, "create a socket");
	if (len == 0 || len >= sizeof(a.sun_path))
		return fail(ENAMETOOLONG, "NOTIFY_SOCKET");
	memcpy(a.sun_path, path, len);
	if (*path == '@')
		a.sun_path[0] = '\0'; /* abstract */
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) <
	    0)
		return fail(errno, "notify %s", path);
	return 0;
}

static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, line, n) == 0 && (p[n] == '\n' || p[n] == '\0'))
			return true;
	}
	return false;
}

int notify_pass_on(int sock, pid_t pid)
{
	char text[NOTIFY_MAX + 1];
	char out[64];
	ssize_t n = recv(sock, text, NOTIFY_MAX, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return fail(errno, "read the notify socket");
	text[n] = '\0';
	/* What else a container may say to the host's manager is not much:
	 * only its readiness counts. */
	if (!has_line(text, "READY=1"))
		return 0;
	snprintf(out, sizeof(out), "READY=1\nMAINPID=%d", pid);

	int r = send_to_host(out);

	return r < 0 ? r : 1;
}

int notify_forward(int sock, pid_t pid, int pidfd)
{
	struct pollfd p[] = {{.fd = sock, .events = POLLIN},
			     {.fd = pidfd, .events = POLLIN}};

	if (sock < 0)
		return 0;
	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return fail(errno, "wait for readiness");

		int r = p[0].revents ? notify_pass_on(sock, pid) : 0;

		if (r != 0)
			return r < 0 ? r : 0;
		if (p[1].revents && !p[0].revents)
			return 0;
	}
}
