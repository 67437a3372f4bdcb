/* SPDX-License-Identifier: MIT */
/* A process in namespaces of its own with a bundle to build, for tests of isolate/. */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "isolate/isolate.h"
#include "isolate/mount.h"
#include "isolate/rootfs.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "oci/spec.h"

/* What a test body works on, in a child that is alone with its mounts. */
struct box {
	char dir[32]; /* a tmpfs with root/ and host/ in it */
	struct spec spec;
	struct spec_process process;
	struct isolate iso;
	struct spec_mount mounts[16];
	struct mount_source sources[16];
	int root;
	int failed;
};

typedef void box_body(struct box *b);

/* Like CHECK(), in the child. Tells what the library said, too. */
#define NEED(x)                                                              \
	do {                                                                 \
		if (!(x)) {                                                  \
			b->failed = 1;                                       \
			printf("# %s:%d: %s [%s]\n", __FILE__, __LINE__, #x, \
			       fail_text());                                 \
		}                                                            \
	} while (0)

/* Whether the library's last error text has this in it. */
#define SAID(part) (strstr(fail_text(), (part)) != NULL)

/* A path in the box; the last eight results stay valid. */
__attribute__((format(printf, 2, 3), unused)) static const char *at(
	struct box *b, const char *format, ...)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];
	int n = snprintf(path, sizeof(paths[0]), "%s/", b->dir);
	va_list ap;

	va_start(ap, format);
	vsnprintf(path + n, sizeof(paths[0]) - (size_t)n, format, ap);
	va_end(ap);
	return path;
}

__attribute__((unused)) static bool put(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	return fd >= 0 &&
	       write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

__attribute__((unused)) static bool holds(const char *path, const char *text)
{
	char got[256] = "";
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_NONBLOCK);

	return fd >= 0 && read(fd, got, sizeof(got) - 1) >= 0 &&
	       strcmp(got, text) == 0;
}

__attribute__((unused)) static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* The next mount of the spec. */
__attribute__((unused)) static struct spec_mount *add_mount(
	struct box *b, enum spec_mount_kind kind, const char *type,
	const char *source, const char *destination)
{
	struct spec_mount *m = &b->mounts[b->spec.n_mounts++];

	*m = (struct spec_mount){.kind = kind,
				 .type = type,
				 .source = source,
				 .destination = destination};
	return m;
}

/* The parent's part and the child's, up to mount_all(). */
__attribute__((unused)) static int box_mount(struct box *b)
{
	int r = mount_sources_open(&b->spec, b->sources);

	if (r == 0)
		r = b->iso.rootfs = rootfs_clone(at(b, "root"));
	if (r >= 0)
		r = b->root = rootfs_attach(&b->iso);
	return r < 0 ? r : mount_all(&b->iso, b->root);
}

/*
 * The same with the child's part in a mount namespace of its own, as it is in
 * life. *host: the namespace that is left, for setns(2).
 */
__attribute__((unused)) static int box_mount_apart(struct box *b, int *host)
{
	int r = mount_sources_open(&b->spec, b->sources);

	if (r == 0)
		r = b->iso.rootfs = rootfs_clone(at(b, "root"));
	if (r < 0)
		return r;
	*host = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (*host < 0 || unshare(CLONE_NEWNS) < 0)
		return -errno;
	r = b->root = rootfs_attach(&b->iso);
	return r < 0 ? r : mount_all(&b->iso, b->root);
}

static int box_fill(struct box *b)
{
	static char *none[] = {NULL};

	b->spec.mounts = b->mounts;
	b->spec.linux_.masked_paths = none;
	b->spec.linux_.readonly_paths = none;
	b->root = -1;
	b->iso = (struct isolate){
		.spec = &b->spec,
		.process = &b->process,
		.proc = open("/proc", O_PATH | O_CLOEXEC),
		.rootfs = -1,
		.rootfs_path = strdup(at(b, "root")),
		.sources = b->sources,
	};
	for (int i = 0; i < SPEC_NS_KINDS; i++)
		b->iso.ns_fds[i] = -1;
	if (sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    sys_mount("box", b->dir, "tmpfs", 0, NULL) < 0 ||
	    mkdir(at(b, "root"), 0755) < 0 || mkdir(at(b, "host"), 0755) < 0)
		return -1;
	return 0;
}

/* Runs body as PID 1 of new namespaces; flags: more CLONE_NEW* for it. */
__attribute__((unused)) static bool sandbox(box_body *body, unsigned flags)
{
	struct box b = {.dir = "/tmp/box-XXXXXX"};
	struct clone_args args = {
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | flags,
		.exit_signal = SIGCHLD,
	};
	int status = 1;

	if (!mkdtemp(b.dir))
		return false;
	fflush(stdout);

	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		umask(022);
		if (box_fill(&b) < 0) {
			perror("# sandbox");
			_exit(2);
		}
		body(&b);
		/* Past the leak checker: it wants the /proc that was here. */
		fflush(stdout);
		_exit(b.failed);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	rmdir(b.dir);
	return status == 0;
}
