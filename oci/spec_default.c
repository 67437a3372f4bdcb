/* SPDX-License-Identifier: MIT */
/* The config.json that `bulkhead spec` writes. */
#include "oci/spec_default.h"

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "oci/state.h"

/*
 * A bundle's first config.json is read and changed by people: it is written
 * as they would, in one piece, with one decision a line.
 */
static const char process[] =
	"  \"process\": {\n"
	"    \"terminal\": true,\n"
	"    \"user\": {\"uid\": 0, \"gid\": 0},\n"
	"    \"args\": [\"sh\"],\n"
	"    \"env\": [\n"
	"      \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
	"/sbin:/bin\",\n"
	"      \"TERM=xterm\"\n"
	"    ],\n"
	"    \"cwd\": \"/\",\n"
	"    \"capabilities\": {\n"
	"      \"bounding\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", "
	"\"CAP_NET_BIND_SERVICE\"],\n"
	"      \"effective\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", "
	"\"CAP_NET_BIND_SERVICE\"],\n"
	"      \"permitted\": [\"CAP_AUDIT_WRITE\", \"CAP_KILL\", "
	"\"CAP_NET_BIND_SERVICE\"]\n"
	"    },\n"
	"    \"rlimits\": [{\"type\": \"RLIMIT_NOFILE\", \"soft\": 1024, "
	"\"hard\": 1024}],\n"
	"    \"noNewPrivileges\": true\n"
	"  },\n"
	"  \"root\": {\"path\": \"rootfs\", \"readonly\": true},\n"
	"  \"hostname\": \"bulkhead\",\n";

struct default_mount {
	const char *destination, *type, *source, *options;
};

#define INERT "\"nosuid\", \"noexec\", \"nodev\""

static const struct default_mount mounts[] = {
	{"/proc", "proc", "proc", INERT},
	{"/dev", "tmpfs", "tmpfs",
	 "\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\""},
	{"/dev/shm", "tmpfs", "shm", INERT ", \"mode=1777\", \"size=65536k\""},
	{"/dev/mqueue", "mqueue", "mqueue", INERT},
};

/* Only root outside can give files to the group tty. */
static const struct default_mount devpts[] = {
	{"/dev/pts", "devpts", "devpts",
	 "\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", "
	 "\"mode=0620\", \"gid=5\""},
	{"/dev/pts", "devpts", "devpts",
	 "\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", "
	 "\"mode=0620\""},
};

/*
 * A sysfs belongs to the owner of its network namespace: rootless takes the
 * one that is there.
 */
static const struct default_mount sys[] = {
	{"/sys", "sysfs", "sysfs", INERT ", \"ro\""},
	{"/sys", "none", "/sys", "\"rbind\", " INERT ", \"rro\""},
};

static const struct default_mount cgroup = {
	"/sys/fs/cgroup", "cgroup", "cgroup", INERT ", \"relatime\", \"ro\""};

static void put_mount(struct buf *b, const struct default_mount *m,
		      const char *end)
{
	buf_printf(b,
		   "    {\"destination\": \"%s\", \"type\": \"%s\", "
		   "\"source\": \"%s\",\n     \"options\": [%s]}%s",
		   m->destination, m->type, m->source, m->options, end);
}

static void put_mounts(struct buf *b, bool rootless)
{
	buf_puts(b, "  \"mounts\": [\n");
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		put_mount(b, &mounts[i], ",\n");
	put_mount(b, &devpts[rootless], ",\n");
	put_mount(b, &sys[rootless], rootless ? "\n" : ",\n");
	if (!rootless)
		put_mount(b, &cgroup, "\n");
	buf_puts(b, "  ],\n");
}

static void put_namespaces(struct buf *b, bool rootless, uid_t uid, gid_t gid)
{
	buf_puts(b, "    \"namespaces\": [\n"
		    "      {\"type\": \"pid\"},\n");
	if (!rootless)
		buf_puts(b, "      {\"type\": \"network\"},\n");
	buf_puts(b, "      {\"type\": \"ipc\"},\n"
		    "      {\"type\": \"uts\"},\n"
		    "      {\"type\": \"mount\"},\n"
		    "      {\"type\": \"cgroup\"}");
	if (!rootless) {
		buf_puts(b, "\n    ],\n    \"resources\": {\"devices\": "
			    "[{\"allow\": false, \"access\": \"rwm\"}]},\n");
		return;
	}
	buf_printf(b,
		   ",\n      {\"type\": \"user\"}\n    ],\n"
		   "    \"uidMappings\": [{\"containerID\": 0, "
		   "\"hostID\": %u, \"size\": 1}],\n"
		   "    \"gidMappings\": [{\"containerID\": 0, "
		   "\"hostID\": %u, \"size\": 1}],\n",
		   uid, gid);
}

static const char hidden[] =
	"    \"maskedPaths\": [\n"
	"      \"/proc/acpi\", \"/proc/asound\", \"/proc/interrupts\",\n"
	"      \"/proc/kcore\", \"/proc/keys\", \"/proc/latency_stats\",\n"
	"      \"/proc/sched_debug\", \"/proc/scsi\", \"/proc/timer_list\",\n"
	"      \"/proc/timer_stats\", \"/sys/devices/virtual/powercap\",\n"
	"      \"/sys/firmware\"\n"
	"    ],\n"
	"    \"readonlyPaths\": [\n"
	"      \"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\",\n"
	"      \"/proc/sysrq-trigger\"\n"
	"    ]\n";

void spec_default_format(struct buf *b, bool rootless, uid_t uid, gid_t gid)
{
	buf_puts(b, "{\n  \"ociVersion\": \"" OCI_VERSION "\",\n");
	buf_puts(b, process);
	put_mounts(b, rootless);
	buf_puts(b, "  \"linux\": {\n");
	put_namespaces(b, rootless, uid, gid);
	buf_puts(b, hidden);
	buf_puts(b, "  }\n}\n");
}
