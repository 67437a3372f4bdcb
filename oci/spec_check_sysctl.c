/* SPDX-License-Identifier: MIT */
/* Which sysctls belong to which namespace, and which keys are none. */
#include "oci/spec_check.h"

#include <errno.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "oci/spec.h"

/*
 * Writing any other sysctl from a container would change the host. A row
 * that ends with a slash stands for all keys below it.
 */
static const struct {
	const char *key;
	enum spec_namespace ns;
} namespaced[] = {
	{"fs/mqueue/", SPEC_NS_IPC},
	{"kernel/domainname", SPEC_NS_UTS},
	{"kernel/msgmax", SPEC_NS_IPC},
	{"kernel/msgmnb", SPEC_NS_IPC},
	{"kernel/msgmni", SPEC_NS_IPC},
	{"kernel/sem", SPEC_NS_IPC},
	{"kernel/shm_rmid_forced", SPEC_NS_IPC},
	{"kernel/shmall", SPEC_NS_IPC},
	{"kernel/shmmax", SPEC_NS_IPC},
	{"kernel/shmmni", SPEC_NS_IPC},
	{"net/", SPEC_NS_NET},
	{"user/", SPEC_NS_USER},
};

static const char *const ns_names[SPEC_NS_KINDS] = {
	[SPEC_NS_IPC] = "ipc",
	[SPEC_NS_UTS] = "uts",
	[SPEC_NS_NET] = "network",
	[SPEC_NS_USER] = "user",
};

/* Whether each part is a plain name, none of them empty, "." or "..". */
static bool is_key(const char *key)
{
	for (;;) {
		size_t n = strcspn(key, "/");

		if (n == 0 || (n <= 2 && strspn(key, ".") >= n))
			return false;
		if (!key[n])
			return true;
		key += n + 1;
	}
}

/* The row for key, or -1. */
static int find(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaced); i++) {
		const char *k = namespaced[i].key;
		size_t n = strlen(k);

		if (strncmp(k, key, n) == 0 && (k[n - 1] == '/' || !key[n]))
			return (int)i;
	}
	return -1;
}

int spec_sysctl_namespace(const char *key)
{
	int row = find(key);

	return row < 0 ? -1 : (int)namespaced[row].ns;
}

static int check(const struct spec_linux *l, const char *key)
{
	int ns = spec_sysctl_namespace(key);

	if (!is_key(key))
		return fail_plain(EINVAL, "/linux/sysctl: \"%s\" is no key",
				  key);
	if (strcmp(key, "kernel/hostname") == 0)
		return fail_plain(EINVAL, "/linux/sysctl: kernel.hostname is "
					  "set by /hostname");
	if (ns < 0)
		return fail_plain(EINVAL,
				  "/linux/sysctl: %s belongs to no namespace "
				  "and would change the host",
				  key);

	if (l->new_namespaces & 1U << ns || l->ns_paths[ns])
		return 0;
	return fail_plain(
		EINVAL, "/linux/sysctl: %s needs a new or joined %s namespace",
		key, ns_names[ns]);
}

int spec_check_sysctls(const struct spec *spec)
{
	const struct spec_linux *l = &spec->linux_;

	for (size_t i = 0; i < l->n_sysctl; i++) {
		int r = check(l, l->sysctl[i].key);

		if (r < 0)
			return r;
	}
	return 0;
}
