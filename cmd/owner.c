/* SPDX-License-Identifier: MIT */
/* Names of users, without libc's name service (the program is static). */
#include "cmd/owner.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *owner_name(uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	char *name = NULL;

	for (struct passwd *p; f && !name && (p = fgetpwent(f));)
		if (p->pw_uid == uid)
			name = strdup(p->pw_name);
	if (f)
		fclose(f);
	if (!name && asprintf(&name, "%u", uid) < 0)
		name = NULL;
	return name;
}
