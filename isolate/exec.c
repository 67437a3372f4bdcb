/* SPDX-License-Identifier: MIT */
/* Finding the program in the container and running it. */
#include "isolate/exec.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/path.h"

#define DEFAULT_PATH                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * 0: a program; -errno: why not. Permission for the user is execve(2)'s. A
 * relative path counts from cwd, where the process is going to be.
 */
static int probe(const char *cwd, const char *path)
{
	_cleanup_free_ char *full = NULL;
	struct stat st;

	if (*path != '/') {
		if (asprintf(&full, "%s/%s", cwd, path) < 0)
			return -ENOMEM;
		path = full;
	}
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return st.st_mode & 0111 ? 0 : -EACCES;
}

static char *found(int r, char *path)
{
	/* The words are what engines look for in the text. */
	if (r == -EISDIR)
		fail_plain(EISDIR, "exec \"%s\": is a directory", path);
	else if (r == -EACCES)
		fail_plain(EACCES, "exec \"%s\": permission denied", path);
	else if (r < 0)
		fail_plain(-r, "exec \"%s\": %s", path,
			   r == -ENOENT ? "no such file or directory"
					: strerror(-r));
	if (r == 0)
		return path;
	free(path);
	errno = -r;
	return NULL;
}

static const char *search_path(char *const *env)
{
	for (; env && *env; env++)
		if (strncmp(*env, "PATH=", 5) == 0)
			return *env + 5;
	return DEFAULT_PATH;
}

char *exec_find(const struct spec_process *process)
{
	const char *name = process->args[0];
	int worst = -ENOENT;
	char *path;

	if (strchr(name, '/')) {
		path = strdup(name);
		return path ? found(probe(process->cwd, path), path) : NULL;
	}
	for (const char *p = search_path(process->env); *name;) {
		size_t n = strcspn(p, ":");

		if (asprintf(&path, "%.*s%s%s", (int)n, p, n ? "/" : "./",
			     name) < 0)
			return NULL;

		int r = probe(process->cwd, path);

		if (r == 0)
			return path;
		if (r == -EACCES)
			worst = r;
		free(path);
		p += n;
		if (!*p++)
			break;
	}
	/* Engines know a missing program by these last words. */
	fail_plain(-worst, "exec \"%s\": executable file not found in $PATH: %s",
		   name,
		   worst == -EACCES ? "permission denied"
				    : "no such file or directory");
	errno = -worst;
	return NULL;
}

/*
 * The directory as an fd. No magic link of a procfs is followed: what one
 * leads to need not be in the root, and directories would be made there.
 */
static int open_cwd(const char *cwd, bool make)
{
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -errno
			  : path_open_in(root, cwd, O_PATH | O_DIRECTORY);

	if (fd == -ENOENT && make)
		return path_mkdir_in(root, cwd, 0755);
	if (fd == -ELOOP)
		return fail_plain(ELOOP, "%s is outside of the container's "
					 "root, or a circle of links",
				  cwd);
	return fd < 0 ? fail(-fd, "enter %s", cwd) : fd;
}

int exec_chdir(const char *cwd, bool make)
{
	_cleanup_fd_ int dir = open_cwd(cwd, make);
	_cleanup_free_ char *now = NULL;

	if (dir < 0)
		return dir;
	if (fchdir(dir) < 0)
		return fail(errno, "enter %s", cwd);
	/* A directory of the host has no path here (CVE-2024-21626). */
	now = getcwd(NULL, 0);
	if (!now || *now != '/')
		return fail_plain(EINVAL, "%s is outside of the container's "
					  "root",
				  cwd);
	return 0;
}
