/* SPDX-License-Identifier: MIT */
/* Where mounts go: destinations made clean, and opened as fds beneath the root. */
#include "isolate/target.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/path.h"
#include "oci/spec.h"

#define LINKS_MAX 8 /* links in a row that lead to something missing */

int target_clean(const char *path, struct target_path *out)
{
	size_t n = 0;

	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && p[0] == '.' && p[1] == '.') {
			while (n > 0 && out->text[--n] != '/')
				;
		} else if (len > 0 && !(len == 1 && p[0] == '.')) {
			if (n + 1 + len >= sizeof(out->text))
				return fail(ENAMETOOLONG, "%s", path);
			if (n > 0)
				out->text[n++] = '/';
			memcpy(out->text + n, p, len);
			n += len;
		}
		p += len;
		p += strspn(p, "/");
	}
	out->text[n] = '\0';
	return 0;
}

bool target_is_in(const struct target_path *p, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(p->text, dir, n) == 0 &&
	       (p->text[n] == '\0' || p->text[n] == '/');
}

bool target_is(const struct target_path *p, const char *path)
{
	return strcmp(p->text, path) == 0;
}

bool target_is_dev(const struct spec_mount *m)
{
	struct target_path path;

	return target_clean(m->destination, &path) == 0 &&
	       target_is(&path, "dev");
}

/*
 * Makes an empty file. An O_PATH fd of it, unlike one from O_CREAT, leaves its
 * mount free to become read-only.
 */
static int make_file(int root, char *path)
{
	char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (slash)
		*slash = '\0';
	_cleanup_fd_ int dir = path_mkdir_nolinks(root, slash ? path : "",
						  0755);
	if (slash)
		*slash = '/';
	if (dir < 0)
		return dir;
	if (mknodat(dir, name, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return -errno;
	return path_open_nolinks(dir, name, O_PATH);
}

/*
 * Opens path, making what is missing, through no link: -ELOOP when there is
 * one. path is changed on the way, and as before in the end. The text is up
 * to the caller.
 */
static int open_strict(int root, char *path, enum target_want want)
{
	int fd;

	if (want == TARGET_DIRECTORY)
		return path_mkdir_nolinks(root, path, 0755);
	fd = path_open_nolinks(root, path, O_PATH);
	return fd == -ENOENT && want == TARGET_FILE ? make_file(root, path)
						    : fd;
}

/*
 * Images ship links to what only the running system has: /etc/resolv.conf to
 * /run/…. When the last component of p is such a link, *next is where it
 * points, beneath root.
 */
static bool read_link(int root, struct target_path *p, struct target_path *next)
{
	char *slash = strrchr(p->text, '/');
	char target[PATH_MAX], joined[2 * PATH_MAX];
	ssize_t n = -1;

	if (slash)
		*slash = '\0';
	_cleanup_fd_ int parent = path_open_nolinks(
		root, slash ? p->text : "", O_PATH | O_DIRECTORY);
	if (parent >= 0)
		n = readlinkat(parent, slash ? slash + 1 : p->text, target,
			       sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		snprintf(joined, sizeof(joined), "%s/%s",
			 slash && target[0] != '/' ? p->text : "", target);
	}
	if (slash)
		*slash = '/';
	return n > 0 && target_clean(joined, next) == 0;
}

/* Follows links, inside the root; makes what is missing behind them. */
static int open_through_links(int root, struct target_path *p,
			      enum target_want want, int links)
{
	struct target_path next;
	int fd = path_open_in(root, p->text, O_PATH);

	if (fd >= 0)
		return fd;
	if (fd != -ENOENT || want == TARGET_EXISTING || links == LINKS_MAX)
		return fail(-fd, "open /%s", p->text);
	if (read_link(root, p, &next)) {
		fd = open_strict(root, next.text, want);
		if (fd == -ELOOP)
			return open_through_links(root, &next, want, links + 1);
		return fd < 0 ? fail(-fd, "make /%s", next.text) : fd;
	}
	fd = want == TARGET_DIRECTORY ? path_mkdir_in(root, p->text, 0755)
				      : path_mkfile_in(root, p->text);
	if (fd < 0)
		return fd;
	/* A file that was just made is open for writing. */
	close(fd);
	fd = path_open_in(root, p->text, O_PATH);
	return fd < 0 ? fail(-fd, "open /%s", p->text) : fd;
}

int target_open(int root, struct target_path *p, enum target_want want,
		bool no_links)
{
	int fd = open_strict(root, p->text, want);

	if (fd == -ELOOP && no_links)
		return fail_plain(ELOOP, "/%s is a symbolic link, or below one",
				  p->text);
	if (fd == -ELOOP) {
		fd = open_through_links(root, p, want, 0);
		/* A link may lead to /proc/self/attr or /proc/sys and pass by
		 * the check of the destination's letters (CVE-2025-52881). */
		if (fd < 0 || !path_is_on(fd, PROC_SUPER_MAGIC))
			return fd;
		close(fd);
		return fail_plain(EPERM,
				  "/%s leads into /proc by a symbolic link",
				  p->text);
	}
	if (fd < 0)
		return fail(-fd, "%s /%s",
			    want == TARGET_EXISTING ? "open" : "make", p->text);
	return fd;
}
