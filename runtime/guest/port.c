/* SPDX-License-Identifier: MIT */
/* The agent channel's device: found by its name, waited for by kernel events. */
#include "runtime/guest/port.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

#define PORTS	       "/sys/class/virtio-ports"
#define NAME_MAX_BYTES 256 /* of a port's name attribute */
#define EVENT_BYTES    8192 /* the largest uevent is 2 KiB */

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool has_name(int ports, const char *port, const char *name)
{
	_cleanup_(buf_fini) struct buf text = {};
	_cleanup_free_ char *attribute = NULL;

	if (asprintf(&attribute, "%s/name", port) < 0 ||
	    fd_read_file(ports, attribute, &text, NAME_MAX_BYTES) < 0) {
		fail_clear(); /* a port without a name, or not yet */
		return false;
	}
	return strcspn(buf_str(&text), "\n") == strlen(name) &&
	       strncmp(buf_str(&text), name, strlen(name)) == 0;
}

/* Returns the fd, -ENOENT when there is no such port yet, or -errno. */
static int find(const char *name)
{
	_cleanup_(close_dir) DIR *dir = opendir(PORTS);
	_cleanup_free_ char *path = NULL;
	int fd;

	if (!dir)
		return -errno;
	for (struct dirent *e; (e = readdir(dir));) {
		if (*e->d_name == '.' || !has_name(dirfd(dir), e->d_name, name))
			continue;
		if (asprintf(&path, "/dev/%s", e->d_name) < 0)
			return -ENOMEM;
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	return -ENOENT;
}

int port_open(const char *name)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
					    .nl_groups = 1};
	char event[EVENT_BYTES];
	/* Heard before the first look: none can be missed. */
	_cleanup_fd_ int events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
					 NETLINK_KOBJECT_UEVENT);
	int fd;

	if (events < 0 || bind(events, (const struct sockaddr *)&address,
			       sizeof(address)) < 0)
		return fail(errno, "listen to kernel events");
	while ((fd = find(name)) == -ENOENT)
		if (recv(events, event, sizeof(event), 0) < 0 &&
		    errno != ENOBUFS && errno != EINTR)
			return fail(errno, "wait for port %s", name);
	return fd < 0 ? fail(-fd, "open port %s", name) : fd;
}
