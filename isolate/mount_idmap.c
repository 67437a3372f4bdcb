/* SPDX-License-Identifier: MIT */
/* Id-mapped mounts. */
#include "isolate/mount_idmap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "oci/spec.h"

/*
 * Theory of operation
 *
 * The kernel takes id maps only in the shape of a user namespace. One is made
 * by a child that does nothing but live in it until we hold its fd. We may be
 * in a younger pid namespace than the procfs at /proc, where our number for
 * the child means nothing: the child reads its number there from /proc/self.
 */

#define PID_TEXT_MAX 32

/* The child: tells its name in /proc, and waits to be no longer needed. */
static _Noreturn void live(int sock)
{
	char name[PID_TEXT_MAX];
	ssize_t n = readlink("/proc/self", name, sizeof(name));

	if (n > 0 && write(sock, name, (size_t)n) == n)
		while (read(sock, name, 1) < 0 && errno == EINTR)
			;
	_exit(0);
}

static int write_map(int dir, const char *file, const struct spec_id_map *ids,
		     size_t n)
{
	_cleanup_(buf_fini)
	struct buf text = {};

	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "%u %u %u\n", ids[i].container_id,
			   ids[i].host_id, ids[i].size);
	if (text.failed)
		return fail(ENOMEM, "%s", file);
	return fd_write_file(dir, file, buf_str(&text));
}

/* Writes the maps of the child at the other end of sock; its namespace's fd. */
static int map_child(int sock, const struct spec_linux *maps)
{
	char path[sizeof("/proc/") + PID_TEXT_MAX] = "/proc/";
	size_t len = strlen(path);
	ssize_t n = read(sock, path + len, sizeof(path) - 1 - len);
	_cleanup_fd_ int dir = -1;
	int r;

	if (n <= 0)
		return fail_plain(ESRCH, "find the child in /proc");
	path[len + (size_t)n] = '\0';
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail(errno, "open %s", path);
	r = write_map(dir, "uid_map", maps->uid_mappings, maps->n_uid_mappings);
	if (r == 0)
		r = write_map(dir, "gid_map", maps->gid_mappings,
			      maps->n_gid_mappings);
	if (r < 0)
		return r;

	int ns = openat(dir, "ns/user", O_RDONLY | O_CLOEXEC);

	return ns < 0 ? fail(errno, "open the user namespace") : ns;
}

/* A new user namespace with these maps. Returns its fd or -errno. */
static int make_user_ns(const struct spec_linux *maps)
{
	/* No signal at its end: the caller may take SIGCHLD for another's. */
	struct clone_args args = {.flags = CLONE_NEWUSER};
	_cleanup_fd_ int ours = -1, theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(errno, "make a socket pair");
	ours = pair[0];
	theirs = pair[1];

	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return fail(errno, "make a user namespace");
	if (pid == 0) {
		close(ours);
		live(theirs);
	}
	cleanup_fd(&theirs);
	theirs = -1;

	int r = map_child(ours, maps);

	/* The child ends at the end of the stream. */
	shutdown(ours, SHUT_RDWR);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return r;
}

static int open_user_ns(const struct spec_mount *m,
			const struct spec_linux *linux_)
{
	const struct spec_linux own = {
		.uid_mappings = m->uid_mappings,
		.n_uid_mappings = m->n_uid_mappings,
		.gid_mappings = m->gid_mappings,
		.n_gid_mappings = m->n_gid_mappings,
	};
	const char *path = linux_->ns_paths[SPEC_NS_USER];

	if (m->n_uid_mappings || m->n_gid_mappings)
		return make_user_ns(&own);
	if (path) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		return fd < 0 ? fail(errno, "open %s", path) : fd;
	}
	if (!linux_->n_uid_mappings)
		return fail_plain(EINVAL, "there are no mappings, neither the "
					  "mount's nor the container's");
	return make_user_ns(linux_);
}

int mount_idmap(int mnt, const struct spec_mount *m,
		const struct spec_linux *linux_)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
	_cleanup_fd_ int ns = open_user_ns(m, linux_);

	if (ns < 0)
		return fail_in(ns, "id map");
	attr.userns_fd = (uint64_t)ns;
	if (sys_mount_setattr(mnt, m->id_mapped_recursive ? AT_RECURSIVE : 0,
			      &attr) == 0)
		return 0;

	int r = fail(errno, "id map");

	return r == -EINVAL ? fail_hint(r, "this file system may not know "
					   "id maps")
			    : r;
}
