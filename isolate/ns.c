/* SPDX-License-Identifier: MIT */
/* Namespaces: opening those to join, joining, hostname, time offsets. */
#include "isolate/ns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

static const struct {
	const char *name;
	unsigned flag;
} kinds[SPEC_NS_KINDS] = {
	[SPEC_NS_USER] = {"user", CLONE_NEWUSER},
	[SPEC_NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
	[SPEC_NS_IPC] = {"ipc", CLONE_NEWIPC},
	[SPEC_NS_UTS] = {"uts", CLONE_NEWUTS},
	[SPEC_NS_NET] = {"network", CLONE_NEWNET},
	[SPEC_NS_PID] = {"pid", CLONE_NEWPID},
	[SPEC_NS_TIME] = {"time", CLONE_NEWTIME},
	[SPEC_NS_MOUNT] = {"mount", CLONE_NEWNS},
};

int ns_flag(enum spec_namespace kind)
{
	return (int)kinds[kind].flag;
}

static int open_one(enum spec_namespace kind, const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return fail(errno, "open the %s namespace %s",
			    kinds[kind].name, path);
	if (ioctl(fd, NS_GET_NSTYPE) != (int)kinds[kind].flag)
		return fail_plain(EINVAL, "%s is not a %s namespace", path,
				  kinds[kind].name);
	return take_fd(&fd);
}

int ns_open_paths(const struct spec_linux *linux_, int *fds)
{
	for (int i = 0; i < SPEC_NS_KINDS; i++)
		fds[i] = -1;
	for (int i = 0; i < SPEC_NS_KINDS; i++) {
		if (!linux_->ns_paths[i])
			continue;
		fds[i] = open_one(i, linux_->ns_paths[i]);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

void ns_close(int *fds)
{
	for (int i = 0; i < SPEC_NS_KINDS; i++) {
		cleanup_fd(&fds[i]);
		fds[i] = -1;
	}
}

unsigned ns_clone_flags(const struct spec_linux *linux_)
{
	/* A new cgroup namespace takes the cgroup in which its maker is: the
	 * child makes it once it has been moved. */
	unsigned without = 1u << SPEC_NS_CGROUP;
	unsigned flags = 0;

	/* With offsets it is made by the parent, see spawn.c. */
	if (linux_->monotonic.has || linux_->boottime.has)
		without |= 1u << SPEC_NS_TIME;
	for (int i = 0; i < SPEC_NS_KINDS; i++)
		if (linux_->new_namespaces & ~without & 1u << i)
			flags |= kinds[i].flag;
	return flags;
}

int ns_join(const int *fds)
{
	for (int i = 0; i < SPEC_NS_KINDS; i++) {
		if (fds[i] < 0 || i == SPEC_NS_USER || i == SPEC_NS_PID ||
		    i == SPEC_NS_MOUNT)
			continue;
		if (setns(fds[i], (int)kinds[i].flag) < 0)
			return fail(errno, "join the %s namespace",
				    kinds[i].name);
	}
	return 0;
}

int ns_set_names(const struct spec *spec)
{
	if (spec->hostname &&
	    sethostname(spec->hostname, strlen(spec->hostname)) < 0)
		return fail(errno, "set hostname %s", spec->hostname);
	if (spec->domainname &&
	    setdomainname(spec->domainname, strlen(spec->domainname)) < 0)
		return fail(errno, "set domainname %s", spec->domainname);
	return 0;
}
