/* SPDX-License-Identifier: MIT */
/* Namespaces: opening those to join, joining, hostname, time offsets. */
#include "isolate/ns.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"

static const struct {
	const char *name;
	const char *file; /* of our own */
	unsigned flag;
} kinds[SPEC_NS_KINDS] = {
	[SPEC_NS_USER] = {"user", "self/ns/user", CLONE_NEWUSER},
	[SPEC_NS_CGROUP] = {"cgroup", "self/ns/cgroup", CLONE_NEWCGROUP},
	[SPEC_NS_IPC] = {"ipc", "self/ns/ipc", CLONE_NEWIPC},
	[SPEC_NS_UTS] = {"uts", "self/ns/uts", CLONE_NEWUTS},
	[SPEC_NS_NET] = {"network", "self/ns/net", CLONE_NEWNET},
	[SPEC_NS_PID] = {"pid", "self/ns/pid", CLONE_NEWPID},
	[SPEC_NS_TIME] = {"time", "self/ns/time", CLONE_NEWTIME},
	[SPEC_NS_MOUNT] = {"mount", "self/ns/mnt", CLONE_NEWNS},
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

/* What of the spec would change a namespace of this kind; NULL: nothing. */
static const char *changed_by(const struct spec *spec, enum spec_namespace kind)
{
	const struct spec_linux *l = &spec->linux_;

	if (kind == SPEC_NS_UTS && spec->hostname)
		return "hostname";
	if (kind == SPEC_NS_UTS && spec->domainname)
		return "domainname";
	for (size_t i = 0; i < l->n_sysctl; i++)
		if (spec_sysctl_namespace(l->sysctl[i].key) == (int)kind)
			return l->sysctl[i].key;
	return NULL;
}

static bool is_own(int fd, enum spec_namespace kind, int proc)
{
	struct stat joined, own;

	/* Who cannot be told apart is taken for us. */
	return fstat(fd, &joined) < 0 ||
	       fstatat(proc, kinds[kind].file, &own, 0) < 0 ||
	       (joined.st_ino == own.st_ino && joined.st_dev == own.st_dev);
}

int ns_check_own(const struct spec *spec, const int *fds, int proc)
{
	for (int i = 0; i < SPEC_NS_KINDS; i++) {
		const char *what = fds[i] < 0 ? NULL : changed_by(spec, i);

		if (what && is_own(fds[i], i, proc))
			return fail_plain(EPERM,
					  "%s would change the host: %s is its "
					  "own %s namespace",
					  what, spec->linux_.ns_paths[i],
					  kinds[i].name);
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
