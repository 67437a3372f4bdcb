/* SPDX-License-Identifier: MIT */
/* AppArmor and SELinux labels for the exec that follows. */
#include "isolate/lsm.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"

/*
 * Opens self/attr/… of a procfs that no container can have touched
 * (CVE-2019-16884): a file by that name elsewhere would swallow the label.
 */
static int write_attr(int proc, const char *file, const char *text)
{
	_cleanup_fd_ int fd = openat(proc, file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int set_apparmor(const char *profile, int proc)
{
	char *text;
	int r;

	if (asprintf(&text, "exec %s", profile) < 0)
		return fail(ENOMEM, "AppArmor profile %s", profile);
	r = write_attr(proc, "self/attr/apparmor/exec", text);
	if (r == -ENOENT)
		r = write_attr(proc, "self/attr/exec", text);
	free(text);
	/* Without the module, which is what these errors say of a profile that
	 * always exists, every process is unconfined already. */
	if ((r == -EINVAL || r == -ENOENT) && strcmp(profile, "unconfined") == 0)
		return 0;
	if (r < 0)
		return fail(-r, "AppArmor profile %s (/proc/self/attr/exec)",
			    profile);
	return 0;
}

int lsm_apply(const struct spec_process *process, int proc)
{
	int r = 0;

	if (process->apparmor_profile && *process->apparmor_profile)
		r = set_apparmor(process->apparmor_profile, proc);
	if (r == 0 && process->selinux_label && *process->selinux_label) {
		r = write_attr(proc, "self/attr/exec", process->selinux_label);
		if (r < 0)
			r = fail(-r, "SELinux label %s (/proc/self/attr/exec)",
				 process->selinux_label);
	}
	return r;
}
