/* SPDX-License-Identifier: MIT */
/* Id-mapped mounts. */
#include "isolate/mount_idmap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate/idmap.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "oci/spec.h"

/* A user namespace with these maps, by a process that lives for a moment. */
static int open_user_ns(const struct spec_linux *maps)
{
	struct clone_args args = {.flags = CLONE_NEWUSER,
				  .exit_signal = SIGCHLD};
	_cleanup_fd_ int proc = open("/proc", O_PATH | O_CLOEXEC);
	char path[48];
	int fd = -1;
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0)
		return fail(errno, "create a user namespace");

	int r = proc < 0 ? fail(errno, "open /proc")
			 : idmap_write(proc, pid, maps);

	if (r == 0) {
		snprintf(path, sizeof(path), "%d/ns/user", pid);
		fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? fail(errno, "open the user namespace") : fd;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return r;
}

int mount_idmap(int mnt, const struct spec_mount *m,
		const struct spec_linux *linux_)
{
	struct spec_linux maps = {
		.uid_mappings = linux_->uid_mappings,
		.n_uid_mappings = linux_->n_uid_mappings,
		.gid_mappings = linux_->gid_mappings,
		.n_gid_mappings = linux_->n_gid_mappings,
	};

	if (m->n_uid_mappings) {
		maps.uid_mappings = m->uid_mappings;
		maps.n_uid_mappings = m->n_uid_mappings;
		maps.gid_mappings = m->gid_mappings;
		maps.n_gid_mappings = m->n_gid_mappings;
	}

	_cleanup_fd_ int ns = open_user_ns(&maps);
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP,
				  .userns_fd = (uint64_t)ns};

	if (ns < 0)
		return fail_in(ns, "id map");
	if (sys_mount_setattr(mnt, m->id_mapped_recursive ? AT_RECURSIVE : 0,
			      &attr) < 0)
		return fail(errno, "id map");
	return 0;
}
