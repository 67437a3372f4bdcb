/* SPDX-License-Identifier: MIT */
/* linux.sysctl, written through the host's verified procfs. */
#include "isolate/sysctl.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/path.h"

/*
 * "net.ipv4.ip_forward" → "sys/net/ipv4/ip_forward". As in sysctl(8) the
 * first separator decides: after a dot, a slash stands for a dot that is part
 * of a name ("net.ipv4.conf.eth0/1.forwarding"); after a slash, all is as is.
 */
static int key_path(const char *key, char *path, size_t room)
{
	if (snprintf(path, room, "sys/%s", key) >= (int)room)
		return fail(ENAMETOOLONG, "sysctl %.64s", key);
	if (key[strcspn(key, "./")] == '.')
		for (char *p = path + strlen("sys/"); *p; p++)
			*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	return path_has_dotdot(path) ? fail(EINVAL, "sysctl %s", key) : 0;
}

static int set(const struct spec_key_value *kv, int proc)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	char path[PATH_MAX];
	int r = key_path(kv->key, path, sizeof(path));

	if (r < 0)
		return r;

	_cleanup_fd_ int fd = sys_openat2(proc, path, &how);

	if (fd < 0 || write(fd, kv->value, strlen(kv->value)) < 0)
		return fail(errno, "sysctl %s = %s", kv->key, kv->value);
	return 0;
}

int sysctl_apply(const struct spec_key_value *sysctl, size_t n, int proc)
{
	for (size_t i = 0; i < n; i++) {
		int r = set(&sysctl[i], proc);

		if (r < 0)
			return r;
	}
	return 0;
}
