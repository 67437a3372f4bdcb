/* SPDX-License-Identifier: MIT */
/* The features document: what this runtime can do (features.md). */
#include "oci/features.h"

#include <seccomp.h>
#include <stdbool.h>

#include "lib/buf.h"
#include "oci/names.h"
#include "oci/state.h"

#define OCI_VERSION_MIN "1.0.0"

/* Begins an array member; its elements follow with put_word(). */
static void open_list(struct buf *b, const char *indent, const char *key)
{
	buf_printf(b, "%s\"%s\": [", indent, key);
}

static void put_word(struct buf *b, const char *word, bool first)
{
	buf_puts(b, first ? "" : ", ");
	buf_put_json(b, word);
}

static void put_names(struct buf *b, const char *indent, const char *key,
		      const struct name *table)
{
	open_list(b, indent, key);
	for (const struct name *n = table; n->name; n++)
		put_word(b, n->name, n == table);
	buf_puts(b, "]");
}

static void put_mount_options(struct buf *b)
{
	open_list(b, "  ", "mountOptions");
	for (size_t i = 0; names_mount_options[i].name; i++)
		put_word(b, names_mount_options[i].name, i == 0);
	buf_puts(b, "],\n");
}

static void put_seccomp(struct buf *b)
{
	buf_puts(b, "    \"seccomp\": {\n      \"enabled\": true,\n");
	put_names(b, "      ", "actions", names_seccomp_actions);
	buf_puts(b, ",\n");
	put_names(b, "      ", "operators", names_seccomp_operators);
	buf_puts(b, ",\n");
	put_names(b, "      ", "archs", names_seccomp_archs);
	buf_puts(b, ",\n");
	put_names(b, "      ", "knownFlags", names_seccomp_flags);
	buf_puts(b, ",\n");
	put_names(b, "      ", "supportedFlags", names_seccomp_flags);
	buf_puts(b, "\n    },\n");
}

static void put_linux(struct buf *b)
{
	buf_puts(b, "  \"linux\": {\n");
	put_names(b, "    ", "namespaces", names_namespaces);
	buf_puts(b, ",\n");
	put_names(b, "    ", "capabilities", names_capabilities);
	buf_puts(b, ",\n"
		    "    \"cgroup\": {\"v1\": true, \"v2\": true, "
		    "\"systemd\": false, \"systemdUser\": false, "
		    "\"rdma\": true},\n");
	put_seccomp(b);
	buf_puts(b, "    \"apparmor\": {\"enabled\": true},\n"
		    "    \"selinux\": {\"enabled\": true},\n"
		    "    \"intelRdt\": {\"enabled\": false},\n"
		    "    \"memoryPolicy\": {\n");
	put_names(b, "      ", "modes", names_memory_policies);
	buf_puts(b, ",\n");
	put_names(b, "      ", "flags", names_memory_policy_flags);
	buf_puts(b, "\n    },\n"
		    "    \"mountExtensions\": {\"idmap\": "
		    "{\"enabled\": true}},\n"
		    "    \"netDevices\": {\"enabled\": false}\n"
		    "  },\n");
}

void features_format(struct buf *b)
{
	const struct scmp_version *v = seccomp_version();

	buf_puts(b, "{\n  \"ociVersionMin\": \"" OCI_VERSION_MIN "\",\n"
		    "  \"ociVersionMax\": \"" OCI_VERSION "\",\n");
	put_names(b, "  ", "hooks", names_hooks);
	buf_puts(b, ",\n");
	put_mount_options(b);
	put_linux(b);
	buf_puts(b, "  \"annotations\": {\n");
	if (v)
		buf_printf(b,
			   "    \"io.github.seccomp.libseccomp.version\": "
			   "\"%u.%u.%u\",\n",
			   v->major, v->minor, v->micro);
	buf_puts(b, "    \"org.opencontainers.runc.checkpoint.enabled\": "
		    "\"false\"\n  },\n"
		    "  \"potentiallyUnsafeConfigAnnotations\": "
		    "[\"io.bulkhead.\"]\n}\n");
}
