/* SPDX-License-Identifier: MIT */
/* floor: the kernel calls that running the bench bundle cannot do without */

/*
 * Theory of operation.  Every runtime that runs the bench bundle must ask the
 * kernel for the same things: cgroups, namespaces, mounts, device nodes, a new
 * root, fewer privileges, exec, wait, and the cgroups' removal.  This program
 * asks for them in the cheapest way we know and does nothing else: it reads no
 * JSON, keeps no state, checks nothing that a hostile image could have
 * changed.  Its wall time is therefore what the kernel takes, and what is
 * above it in a runtime's time is the runtime's own.
 *
 * What is done is fixed below, as tables; it must match the bundle of ./run in this
 * directory.  --time prints where the time went, stage by stage: the stamps
 * of the child are taken in a page that it shares with the parent.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))
#define CGROUP_ROOT	"/sys/fs/cgroup"
#define HIERARCHIES_MAX 16
#define STAMPS_MAX	48
#define CAPS                                                                   \
	(1U << CAP_AUDIT_WRITE | 1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE)

struct stamp {
	const char *name;
	double us;
};

/* Written by the child until it execs, by the parent after it was reaped. */
struct stamps {
	unsigned int n;
	struct stamp at[STAMPS_MAX];
};

/* One cgroup v1 hierarchy, or the one of v2. */
struct hierarchy {
	char name[NAME_MAX + 1];
	int root_fd;  /* the hierarchy's root directory */
	int tasks_fd; /* v1: our own cgroup's "tasks", open for writing */
};

struct floor {
	const char *rootfs;
	const char *cgroup; /* name of the cgroup made in each hierarchy */
	char *const *argv;
	struct sock_fprog filter;
	struct hierarchy hierarchy[HIERARCHIES_MAX];
	unsigned int n_hierarchies;
	int v2_fd;	/* our own cgroup, or -1 on v1 */
	bool no_cgroup; /* --no-cgroup */
	bool move;	/* --move: the parent moves the child, see join() */
	int gate[2];	/* --move: the child waits for this to close */
	struct stamps *stamps; /* NULL unless --time */
};

struct fs_option {
	const char *key, *value;
};

/* A file system of the bundle; order and options as in bundle.jq. */
struct fs {
	const char *type, *where;
	unsigned int attr;
	struct fs_option option[5];
};

#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)

static const struct fs fs_table[] = {
	{"proc", "proc", 0, {}},
	{"tmpfs",
	 "dev",
	 MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
	 {{"mode", "755"}, {"size", "65536k"}}},
	{"devpts",
	 "dev/pts",
	 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
	 {{"newinstance", NULL},
	  {"ptmxmode", "0666"},
	  {"mode", "0620"},
	  {"gid", "5"}}},
	{"tmpfs",
	 "dev/shm",
	 SAFE,
	 {{"mode", "1777"}, {"size", "65536k"}}},
	{"mqueue", "dev/mqueue", SAFE, {}},
	{"sysfs", "sys", SAFE | MOUNT_ATTR_RDONLY, {}},
};

static const struct {
	const char *path;
	unsigned int major, minor;
} device_table[] = {
	{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
	{"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
};

static const struct {
	const char *path, *target;
} link_table[] = {
	{"dev/fd", "/proc/self/fd"},	   {"dev/stdin", "/proc/self/fd/0"},
	{"dev/stdout", "/proc/self/fd/1"}, {"dev/stderr", "/proc/self/fd/2"},
	{"dev/core", "/proc/kcore"},	   {"dev/ptmx", "pts/ptmx"},
};

static const char *const masked_table[] = {
	"proc/acpi",	      "proc/asound",	    "proc/kcore",
	"proc/keys",	      "proc/latency_stats", "proc/timer_list",
	"proc/timer_stats",   "proc/sched_debug",   "sys/firmware",
	"proc/scsi",
};

static const char *const readonly_table[] = {
	"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger",
};

/* What every container may do to devices, after everything was denied. */
static const char *const device_rules[] = {
	"c *:* m",   "b *:* m",	  "c 1:3 rwm", "c 1:5 rwm",
	"c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm",
	"c 5:2 rwm", "c 136:* rwm",
};

static void stamp(const struct floor *f, const char *name)
{
	if (!f->stamps || f->stamps->n == STAMPS_MAX)
		return;
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	struct stamp *s = &f->stamps->at[f->stamps->n++];
	s->name = name;
	s->us = (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void print_stamps(const struct stamps *s)
{
	for (unsigned int i = 1; i < s->n; i++)
		fprintf(stderr, "%9.1f us  %s\n", s->at[i].us - s->at[i - 1].us,
			s->at[i].name);
	fprintf(stderr, "%9.1f us  total\n", s->at[s->n - 1].us - s->at[0].us);
}

/* Writes a whole small file below DIR in one write. */
static void put(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		err(1, "open %s", path);
	if (write(fd, text, strlen(text)) < 0)
		err(1, "write %s to %s", text, path);
	close(fd);
}

/* ---- cgroups ---- */

/* cpuset v1 starts empty and takes no process before it is filled. */
static void cpuset_fill(int root, int own)
{
	static const char *const file[] = {"cpuset.cpus", "cpuset.mems"};

	for (size_t i = 0; i < ARRAY_SIZE(file); i++) {
		char text[4096];
		int fd = openat(root, file[i], O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		if (n < 0)
			err(1, "read %s", file[i]);
		close(fd);
		text[n] = '\0';
		put(own, file[i], text);
	}
}

static void devices_restrict(int own)
{
	put(own, "devices.deny", "a");
	int fd = openat(own, "devices.allow", O_WRONLY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(device_rules); i++)
		if (write(fd, device_rules[i], strlen(device_rules[i])) < 0)
			err(1, "devices.allow %s", device_rules[i]);
	close(fd);
}

static void hierarchy_make(const struct floor *f, struct hierarchy *h)
{
	if (mkdirat(h->root_fd, f->cgroup, 0755) < 0)
		err(1, "mkdir %s in %s", f->cgroup, h->name);
	int own = openat(h->root_fd, f->cgroup, O_PATH | O_CLOEXEC);
	if (own < 0)
		err(1, "open %s in %s", f->cgroup, h->name);
	if (!strcmp(h->name, "cpuset"))
		cpuset_fill(h->root_fd, own);
	if (!strcmp(h->name, "devices"))
		devices_restrict(own);
	h->tasks_fd = openat(own, f->move ? "cgroup.procs" : "tasks",
			     O_WRONLY | O_CLOEXEC);
	if (h->tasks_fd < 0)
		err(1, "open tasks in %s", h->name);
	close(own);
	stamp(f, h->name);
}

static void cgroup_make_v1(struct floor *f)
{
	DIR *dir = opendir(CGROUP_ROOT);
	if (!dir)
		err(1, "open " CGROUP_ROOT);
	for (struct dirent *e; (e = readdir(dir));) {
		/* A link is a second name (cpu -> cpu,cpuacct). */
		if (e->d_type != DT_DIR || e->d_name[0] == '.' ||
		    !strcmp(e->d_name, "unified"))
			continue;
		if (f->n_hierarchies == HIERARCHIES_MAX)
			errx(1, "more than %d hierarchies", HIERARCHIES_MAX);
		struct hierarchy *h = &f->hierarchy[f->n_hierarchies++];
		snprintf(h->name, sizeof(h->name), "%s", e->d_name);
		h->root_fd = openat(dirfd(dir), h->name, O_PATH | O_CLOEXEC);
		hierarchy_make(f, h);
	}
	closedir(dir);
}

static void cgroup_make(struct floor *f)
{
	struct statfs s;

	if (statfs(CGROUP_ROOT, &s) < 0)
		err(1, "statfs " CGROUP_ROOT);
	if (s.f_type != CGROUP2_SUPER_MAGIC) {
		cgroup_make_v1(f);
		return;
	}
	struct hierarchy *h = &f->hierarchy[f->n_hierarchies++];
	h->root_fd = open(CGROUP_ROOT, O_PATH | O_CLOEXEC);
	if (h->root_fd < 0 || mkdirat(h->root_fd, f->cgroup, 0755) < 0)
		err(1, "mkdir %s in " CGROUP_ROOT, f->cgroup);
	f->v2_fd = openat(h->root_fd, f->cgroup, O_RDONLY | O_CLOEXEC);
	stamp(f, "cgroup2 mkdir");
}

/*
 * On v1, by default, the child moves itself: "0" to "tasks" is the one form
 * for which the kernel takes no machine-wide lock (cgroup_threadgroup_rwsem,
 * whose writer waits for an RCU grace period).
 */
static void join(const struct floor *f, pid_t pid)
{
	for (unsigned int i = 0; i < f->n_hierarchies; i++) {
		char text[16];
		int n = snprintf(text, sizeof(text), "%d", pid);
		if (write(f->hierarchy[i].tasks_fd, text, (size_t)n) < 0)
			err(1, "join %s", f->hierarchy[i].name);
	}
}

static void cgroup_remove(const struct floor *f)
{
	for (unsigned int i = 0; i < f->n_hierarchies; i++) {
		const struct hierarchy *h = &f->hierarchy[i];
		if (unlinkat(h->root_fd, f->cgroup, AT_REMOVEDIR) < 0)
			err(1, "rmdir %s in %s", f->cgroup, h->name);
	}
}

/* ---- mounts ---- */

static int fs_make(const struct fs *fs)
{
	int ctx = fsopen(fs->type, FSOPEN_CLOEXEC);
	if (ctx < 0)
		err(1, "fsopen %s", fs->type);
	for (const struct fs_option *o = fs->option; o->key; o++)
		if (fsconfig(ctx,
			     o->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
			     o->key, o->value, 0) < 0)
			err(1, "%s: option %s", fs->type, o->key);
	if (fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		err(1, "create %s", fs->type);
	int mnt = fsmount(ctx, FSMOUNT_CLOEXEC, fs->attr);
	if (mnt < 0)
		err(1, "fsmount %s", fs->type);
	close(ctx);
	return mnt;
}

/* Takes MNT. */
static void attach(int mnt, int dir, const char *where)
{
	if (move_mount(mnt, "", dir, where, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		err(1, "mount on %s", where);
	close(mnt);
}

/* Takes MNT; the bundle's own root has no directory for it yet. */
static void attach_dir(int mnt, int dir, const char *where)
{
	if (mkdirat(dir, where, 0755) < 0 && errno != EEXIST)
		err(1, "mkdir %s", where);
	attach(mnt, dir, where);
}

/* A detached copy of the mount at PATH with ATTR set; -1 when it is absent. */
static int copy(int dir, const char *path, unsigned int flags, uint64_t attr)
{
	int mnt = open_tree(dir, path,
			    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
	if (mnt < 0 && errno == ENOENT)
		return -1;
	if (mnt < 0)
		err(1, "copy %s", path);
	struct mount_attr set = {.attr_set = attr};
	if (attr &&
	    mount_setattr(mnt, "", AT_EMPTY_PATH | flags, &set, sizeof(set)) <
		    0)
		err(1, "set attributes of %s", path);
	return mnt;
}

static int root_attach(const struct floor *f)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		err(1, "make / slave");
	stamp(f, "/ slave");
	attach(copy(AT_FDCWD, f->rootfs, AT_RECURSIVE, 0), AT_FDCWD, f->rootfs);
	int root = open(f->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		err(1, "open %s", f->rootfs);
	stamp(f, "bind rootfs");
	return root;
}

static void devices_make(int root)
{
	for (size_t i = 0; i < ARRAY_SIZE(device_table); i++)
		if (mknodat(root, device_table[i].path, S_IFCHR | 0666,
			    makedev(device_table[i].major,
				    device_table[i].minor)) < 0)
			err(1, "mknod %s", device_table[i].path);
	for (size_t i = 0; i < ARRAY_SIZE(link_table); i++)
		if (symlinkat(link_table[i].target, root, link_table[i].path))
			err(1, "symlink %s", link_table[i].path);
}

/* A tmpfs with a read-only bind of our own cgroup of each hierarchy. */
static void cgroup_attach_v1(const struct floor *f, int root)
{
	static const struct fs fs = {
		"tmpfs", "sys/fs/cgroup", SAFE, {{"mode", "755"}}};

	attach(fs_make(&fs), root, fs.where);
	int base = openat(root, fs.where, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (unsigned int i = 0; i < f->n_hierarchies; i++) {
		const struct hierarchy *h = &f->hierarchy[i];
		char path[PATH_MAX];
		/* By path: h->root_fd is a mount of the host's namespace. */
		snprintf(path, sizeof(path), CGROUP_ROOT "/%s/%s", h->name,
			 f->cgroup);
		attach_dir(copy(AT_FDCWD, path, 0, SAFE | MOUNT_ATTR_RDONLY),
			   base, h->name);
	}
	struct mount_attr set = {.attr_set = MOUNT_ATTR_RDONLY};
	if (mount_setattr(base, "", AT_EMPTY_PATH, &set, sizeof(set)) < 0)
		err(1, "make %s read-only", fs.where);
	close(base);
}

static void cgroup_attach(const struct floor *f, int root)
{
	static const struct fs fs = {
		"cgroup2", "sys/fs/cgroup", SAFE | MOUNT_ATTR_RDONLY, {}};

	if (f->v2_fd >= 0)
		attach(fs_make(&fs), root, fs.where);
	else if (f->n_hierarchies)
		cgroup_attach_v1(f, root);
}

/* A masked file is covered by the null device, a directory by an empty one. */
static void paths_mask(int root)
{
	static const struct fs fs = {
		"tmpfs", "", MOUNT_ATTR_RDONLY, {{"nr_inodes", "1"}}};
	int empty = -1;

	for (size_t i = 0; i < ARRAY_SIZE(masked_table); i++) {
		const char *path = masked_table[i];
		struct stat st;
		if (fstatat(root, path, &st, 0) < 0)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			attach(copy(root, "dev/null", 0, 0), root, path);
			continue;
		}
		if (empty < 0) {
			/* The first use attaches it, the later ones copy. */
			empty = fs_make(&fs);
			attach(dup(empty), root, path);
			continue;
		}
		attach(copy(empty, "", AT_EMPTY_PATH, 0), root, path);
	}
	if (empty >= 0)
		close(empty);
}

static void paths_protect(int root)
{
	for (size_t i = 0; i < ARRAY_SIZE(readonly_table); i++) {
		const char *path = readonly_table[i];
		int mnt = copy(root, path, AT_RECURSIVE, MOUNT_ATTR_RDONLY);
		if (mnt >= 0)
			attach(mnt, root, path);
	}
}

static void root_pivot(const struct floor *f, int root)
{
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		err(1, "pivot_root");
	stamp(f, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		err(1, "umount old root");
	stamp(f, "umount old root");
	if (chdir("/") < 0)
		err(1, "chdir /");
}

/* ---- privileges ---- */

static void loopback_up(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		err(1, "bring lo up");
	close(fd);
}

static void caps_drop(void)
{
	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
		if ((cap > 31 || !(CAPS >> cap & 1)) &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			err(1, "drop capability %lu", cap);
	if (setgroups(0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) < 0)
		err(1, "set ids");
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct set[2] = {
		{.effective = CAPS, .permitted = CAPS, .inheritable = CAPS}};
	if (syscall(SYS_capset, &head, set) < 0)
		err(1, "capset");
	for (unsigned long cap = 0; cap < 32; cap++)
		if (CAPS >> cap & 1 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			err(1, "raise capability %lu", cap);
}

static void filter_install(const struct sock_fprog *filter)
{
	if (filter->len &&
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) < 0)
		err(1, "seccomp");
}

/* ---- the two processes ---- */

static void enter_cgroups(const struct floor *f)
{
	if (f->move) {
		char c;
		close(f->gate[1]);
		if (read(f->gate[0], &c, 1) < 0)
			err(1, "wait for parent");
	} else if (f->v2_fd < 0) {
		join(f, 0);
	}
	stamp(f, "join cgroups");
	/* Only now, so that the namespace's root is our own cgroup. */
	if (f->v2_fd < 0 && unshare(CLONE_NEWCGROUP) < 0)
		err(1, "unshare cgroup namespace");
	stamp(f, "cgroup namespace");
}

static void build_root(const struct floor *f)
{
	int root = root_attach(f);

	for (size_t i = 0; i < ARRAY_SIZE(fs_table); i++) {
		attach_dir(fs_make(&fs_table[i]), root, fs_table[i].where);
		stamp(f, fs_table[i].where);
	}
	cgroup_attach(f, root);
	stamp(f, "sys/fs/cgroup");
	devices_make(root);
	stamp(f, "devices");
	paths_mask(root);
	stamp(f, "masked paths");
	paths_protect(root);
	stamp(f, "read-only paths");
	root_pivot(f, root);
}

static _Noreturn void child(const struct floor *f)
{
	static const struct rlimit nofile = {1024, 1024};

	stamp(f, "clone3 to child");
	if (setsid() < 0)
		err(1, "setsid");
	enter_cgroups(f);
	build_root(f);
	if (sethostname("floor", 5) < 0)
		err(1, "sethostname");
	loopback_up();
	stamp(f, "hostname, lo");
	if (prlimit(0, RLIMIT_NOFILE, &nofile, NULL) < 0)
		err(1, "prlimit");
	caps_drop();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		err(1, "no_new_privs");
	stamp(f, "privileges");
	filter_install(&f->filter);
	if (f->filter.len)
		stamp(f, "seccomp");
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	static char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		"/sbin:/bin",
		"TERM=xterm", NULL};
	execve(f->argv[0], f->argv, env);
	err(1, "exec %s", f->argv[0]);
}

static pid_t spawn(const struct floor *f)
{
	struct clone_args args = {
		.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			 CLONE_NEWUTS | CLONE_NEWNS,
		.exit_signal = SIGCHLD,
	};

	if (f->v2_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP | CLONE_NEWCGROUP;
		args.cgroup = (uint64_t)f->v2_fd;
	}
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		err(1, "clone3");
	return pid;
}

static int run(struct floor *f)
{
	stamp(f, "");
	if (!f->no_cgroup)
		cgroup_make(f);
	if (f->move && pipe2(f->gate, O_CLOEXEC) < 0)
		err(1, "pipe");
	pid_t pid = spawn(f);
	if (!pid)
		child(f);
	if (f->move) {
		close(f->gate[0]);
		join(f, pid);
		close(f->gate[1]);
	}
	int status;
	if (waitpid(pid, &status, 0) < 0)
		err(1, "wait");
	stamp(f, "exec, exit, wait");
	cgroup_remove(f);
	stamp(f, "cgroup rmdir");
	if (f->stamps)
		print_stamps(f->stamps);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The file is mapped, not read: a filter has no useful upper bound. */
static struct sock_fprog filter_load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "open %s", path);
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			 0);
	if (map == MAP_FAILED)
		err(1, "map %s", path);
	close(fd);
	return (struct sock_fprog){
		.len = (unsigned short)((size_t)st.st_size /
					sizeof(struct sock_filter)),
		.filter = map,
	};
}

static _Noreturn void usage(void)
{
	fprintf(stderr,
		"usage: floor [--no-cgroup] [--move] [--seccomp FILE] [--time]"
		" ROOTFS NAME PROGRAM [ARG...]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"no-cgroup", no_argument, NULL, 'n'},
		{"move", no_argument, NULL, 'm'},
		{"seccomp", required_argument, NULL, 's'},
		{"time", no_argument, NULL, 't'},
		{},
	};
	struct floor f = {.v2_fd = -1};

	for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
		switch (c) {
		case 'n': f.no_cgroup = true; break;
		case 'm': f.move = true; break;
		case 's': f.filter = filter_load(optarg); break;
		case 't':
			f.stamps = mmap(NULL, sizeof(*f.stamps),
					PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
			if (f.stamps == MAP_FAILED)
				err(1, "mmap");
			break;
		default: usage();
		}
	}
	if (argc - optind < 3)
		usage();
	f.rootfs = argv[optind];
	f.cgroup = argv[optind + 1];
	f.argv = argv + optind + 2;
	return run(&f);
}
