/* SPDX-License-Identifier: MIT */
/* A session keyring of the container's own. */
#include "isolate/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <seccomp.h>
#include <sys/syscall.h>

#include "lib/fail.h"
#include "tests/unit/test.h"

static long session(void)
{
	long key = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID,
			   KEY_SPEC_SESSION_KEYRING, 0);

	if (key < 0 && errno == ENOSYS)
		SKIP("keyrings in the kernel");
	return key;
}

static void is_new_and_named(void)
{
	long before = session();
	char text[256] = "", type[16], name[64];
	unsigned perm;
	int uid, gid;

	CHECK_INT(keyring_join("test-keyring-a"), 0);

	long key = session();

	CHECK(key > 0 && key != before);
	CHECK(syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text, sizeof(text)) >
	      0);
	CHECK_INT(sscanf(text, "%15[^;];%d;%d;%x;%63s", type, &uid, &gid, &perm,
			 name),
		  5);
	CHECK_STR(type, "keyring");
	CHECK_STR(name, "test-keyring-a");
	CHECK_INT(uid, getuid());
	/* All for the possessor; view, read, search, link for the user. */
	CHECK_INT(perm, 0x3f1b0000);
}

/* What the caller's session knows stays there. */
static void hides_the_callers(void)
{
	session();
	CHECK_INT(keyring_join("test-keyring-outer"), 0);

	long key = syscall(SYS_add_key, "user", "test-secret", "s", 1,
			   KEY_SPEC_SESSION_KEYRING);

	if (key < 0 && errno == EDQUOT)
		SKIP("quota for a key");
	CHECK(key > 0);
	CHECK(syscall(SYS_request_key, "user", "test-secret", NULL, 0) == key);
	CHECK_INT(keyring_join("test-keyring-inner"), 0);
	CHECK(syscall(SYS_request_key, "user", "test-secret", NULL, 0) < 0);
}

/* From here on the process's keyctl() ends with this error. */
static void refuse_keyctl(int error)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	CHECK(f && seccomp_rule_add(f, SCMP_ACT_ERRNO((unsigned)error),
				    SCMP_SYS(keyctl), 0) == 0);
	CHECK_INT(seccomp_load(f), 0);
	seccomp_release(f);
}

static void without_keyrings(void)
{
	refuse_keyctl(ENOSYS);
	CHECK_INT(keyring_join("test-keyring"), 0);
}

static void refused(void)
{
	refuse_keyctl(EPERM);
	CHECK_INT(keyring_join("test-keyring"), -EPERM);
	CHECK_HAS(fail_text(), "--no-new-keyring");
}

static void over_quota(void)
{
	refuse_keyctl(EDQUOT);
	CHECK_INT(keyring_join("test-keyring"), -EDQUOT);
	CHECK_HAS(fail_text(), "Disk quota exceeded");
}

int main(void)
{
	TEST("the session keyring is new, named, searchable", is_new_and_named);
	TEST("keys of the caller's session are not found", hides_the_callers);
	TEST("no keyrings are no error", without_keyrings);
	TEST("a keyring refused is an error with its cure", refused);
	TEST("a full quota is an error", over_quota);
	return test_done();
}
