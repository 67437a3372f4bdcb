/* SPDX-License-Identifier: MIT */
/* Capability sets of the process. */
#include "isolate/caps.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"

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

int caps_apply(const struct spec_capabilities *caps)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(caps->effective >> 32 * i);
		data[i].permitted = (uint32_t)(caps->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(caps->inheritable >> 32 * i);
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return fail(errno, "set capabilities");
	/* The kernel lets nothing else be ambient. Engines list more, and
	 * know that it has no effect. */
	return set_ambient(caps->ambient & caps->permitted & caps->inheritable);
}
