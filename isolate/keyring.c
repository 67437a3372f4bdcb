/* SPDX-License-Identifier: MIT */
/* A session keyring of the container's own. */
#include "isolate/keyring.h"

#include <linux/keyctl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/fail.h"

/* keyutils.h: what a new keyring has, all rights for its possessor and view,
 * read and link for its user; with search added. */
#define POSSESSOR_ALL	      0x3f000000u
#define USER_VIEW_READ_SEARCH 0x001b0000u

int keyring_join(const char *name)
{
	long key = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);

	/* No keyrings in this kernel, or an engine's filter says so: then the
	 * container cannot reach the caller's either. */
	if (key < 0 && errno == ENOSYS)
		return 0;
	if (key < 0)
		return fail_hint(fail(errno, "join a session keyring"),
				 "--no-new-keyring does without");
	if (syscall(SYS_keyctl, KEYCTL_SETPERM, key,
		    POSSESSOR_ALL | USER_VIEW_READ_SEARCH) < 0)
		return fail(errno, "set the session keyring's rights");
	return 0;
}
