/* SPDX-License-Identifier: MIT */
/* Capability sets of the process. */
#include "isolate/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"
#include "oci/names.h"

int caps_drop_bounding(const struct spec_capabilities *caps)
{
	for (int cap = 0; cap < 64; cap++) {
		if (caps->bounding & 1ull << cap)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			break; /* the first number the kernel does not know */
		return fail(errno, "drop capability %d", cap);
	}
	if (caps->permitted && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return fail(errno, "keep capabilities");
	return 0;
}

static int set_ambient(uint64_t ambient)
{
	for (int cap = 0; cap < 64; cap++)
		if ((ambient & 1ull << cap) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return fail(errno, "raise ambient capability %d", cap);
	return 0;
}

/* Only on the way out: which of the capabilities asked for is not ours. */
static int fail_missing(const struct spec_capabilities *caps, int err)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct have[2] = {};
	uint64_t want = caps->permitted | caps->effective | caps->inheritable;

	if (syscall(SYS_capget, &head, have) < 0)
		return fail(err, "set capabilities");
	want &= ~(have[0].permitted | (uint64_t)have[1].permitted << 32);
	if (!want)
		return fail(err, "set capabilities");

	const char *name = name_of(names_capabilities, __builtin_ctzll(want));

	return fail(err, "set capabilities: %s is not ours to give",
		    name ? name : "a number without name");
}

int caps_apply(const struct spec_capabilities *caps)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(caps->effective >> 32 * i);
		data[i].permitted = (uint32_t)(caps->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(caps->inheritable >> 32 * i);
	}
	/* The caller's own ambient set would live on in what follows, as far
	 * as it is permitted and inheritable. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return fail(errno, "clear ambient capabilities");
	if (syscall(SYS_capset, &head, data) < 0)
		return fail_missing(caps, errno);
	/* The kernel lets nothing else be ambient. Engines list more, and
	 * know that it has no effect. */
	return set_ambient(caps->ambient & caps->permitted & caps->inheritable);
}
