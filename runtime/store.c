/* SPDX-License-Identifier: MIT */
/* The state directory: one subdirectory a container, with a lock. */
#include "runtime/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/path.h"

#define DEFAULT_ROOT  "/run/bulkhead"
#define MAP_MAX_BYTES (64 << 10)

/* Whether all users of the host are mapped, as they are outside. */
static bool is_first_user_namespace(void)
{
	_cleanup_(buf_fini)
	struct buf map = {};
	unsigned inside, outside, count;

	return fd_read_file(AT_FDCWD, "/proc/self/uid_map", &map,
			    MAP_MAX_BYTES) == 0 &&
	       sscanf(buf_str(&map), "%u %u %u", &inside, &outside, &count) ==
		       3 &&
	       inside == 0 && outside == 0 && count == UINT32_MAX;
}

/*
 * An ordinary user, also one who is root in a user namespace of an engine;
 * but not the root of a whole system that runs in such a one.
 */
static bool is_ordinary_user(void)
{
	const char *user = getenv("USER");

	if (geteuid() != 0)
		return true;
	return !(user && strcmp(user, "root") == 0) &&
	       !is_first_user_namespace();
}

static char *default_root(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	char *path;

	if (!run || *run != '/' || !is_ordinary_user())
		return strdup(DEFAULT_ROOT);
	return asprintf(&path, "%s/bulkhead", run) < 0 ? NULL : path;
}

static int open_or_make(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		int r = path_mkdirs(path, 0700);

		if (r < 0)
			return fail_in(r, "state directory");
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? fail(errno, "open state directory %s", path) : fd;
}

int store_open(const char *root, struct store *s)
{
	s->path = root ? strdup(root) : default_root();
	if (!s->path)
		return fail(ENOMEM, "open the state directory");
	s->fd = open_or_make(s->path);
	if (s->fd == -EACCES && !root && is_ordinary_user())
		return fail_in(s->fd, "an ordinary user needs XDG_RUNTIME_DIR "
				      "or --root");
	return s->fd < 0 ? s->fd : 0;
}

void store_close(struct store *s)
{
	cleanup_fd(&s->fd);
	free(s->path);
	*s = (struct store){.fd = -1};
}

int store_check_id(const char *id)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+.-";

	if (!*id)
		return fail_plain(EINVAL, "the container id is empty");
	if (strlen(id) > 255)
		return fail_plain(EINVAL,
				  "container id \"%.32s…\" is longer "
				  "than 255 bytes",
				  id);
	if (*id == '.' || id[strspn(id, allowed)])
		return fail_plain(EINVAL,
				  "container id \"%s\" is not made of letters, "
				  "digits and \"_+.-\" (no dot in front)",
				  id);
	return 0;
}

int store_add(const struct store *s, const char *id, int *lock)
{
	int r = store_check_id(id);

	if (r < 0)
		return r;
	if (mkdirat(s->fd, id, 0700) < 0) {
		if (errno == EEXIST)
			return fail_plain(
				EEXIST, "container \"%s\" exists already", id);
		return fail(errno, "make %s/%s", s->path, id);
	}
	_cleanup_fd_ int dir = store_find(s, id);

	if (dir < 0)
		return dir;
	*lock = store_lock(dir);
	return *lock < 0 ? *lock : take_fd(&dir);
}

int store_find(const struct store *s, const char *id)
{
	int r = store_check_id(id);

	if (r < 0)
		return r;

	int dir = openat(s->fd, id,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0 && errno == ENOENT)
		return fail_plain(ENOENT, "container \"%s\" does not exist",
				  id);
	return dir < 0 ? fail(errno, "open %s/%s", s->path, id) : dir;
}

int store_lock(int dir)
{
	/* fcntl(2) locks belong to the process: the cloned child, which has
	 * a copy of the fd for a moment, does not hold them. */
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct stat st;
	_cleanup_fd_ int fd =
		openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 && errno == ENOENT)
		return fail_plain(ENOENT, "the container was deleted");
	if (fd < 0)
		return fail(errno, "open the container's lock");
	while (fcntl(fd, F_SETLKW, &whole) < 0)
		if (errno != EINTR)
			return fail(errno, "lock the container");
	if (fstat(fd, &st) == 0 && st.st_nlink == 0)
		return fail_plain(ENOENT, "the container was deleted");
	return take_fd(&fd);
}

/* Removes the files in the directory dir, and directories one level deep. */
static int empty_directory(int dir)
{
	DIR *d = fdopendir(dup(dir));
	int r = 0;

	if (!d)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dir, e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR) {
			r = -errno;
			break;
		}

		_cleanup_fd_ int sub =
			openat(dir, e->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = sub < 0 ? -errno : empty_directory(sub);
		if (r == 0 && unlinkat(dir, e->d_name, AT_REMOVEDIR) < 0)
			r = -errno;
	}
	closedir(d);
	return r;
}

/* The files that each container has: looked for first, most have no more. */
static void remove_usual(int dir)
{
	static const char *const names[] = {"pid", "record", "lock"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(dir, names[i], 0);
}

int store_remove(const struct store *s, const char *id)
{
	_cleanup_fd_ int dir = store_find(s, id);
	int r;

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return dir;
	remove_usual(dir);
	if (unlinkat(s->fd, id, AT_REMOVEDIR) == 0)
		return 0;
	r = empty_directory(dir);
	if (r == 0 && unlinkat(s->fd, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? fail(-r, "remove %s/%s", s->path, id) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One allocation: the pointers first, the names behind them. */
static char **pack(const struct buf *names, size_t n)
{
	char **list = malloc((n + 1) * sizeof(*list) + names->len);
	char *text = (char *)(list + n + 1);

	if (!list)
		return NULL;
	if (names->len)
		memcpy(text, names->data, names->len);
	for (size_t i = 0; i < n; i++) {
		list[i] = text;
		text += strlen(text) + 1;
	}
	list[n] = NULL;
	qsort(list, n, sizeof(*list), by_name);
	return list;
}

/* Not every file system tells the type with the name. */
static bool is_container(const struct store *s, const struct dirent *e)
{
	struct stat st;

	if (store_check_id(e->d_name) < 0)
		return false;
	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(s->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

int store_list(const struct store *s, char ***ids)
{
	_cleanup_(buf_fini)
	struct buf names = {};
	int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t n = 0;

	if (!d)
		return fail(errno, "read state directory %s", s->path);
	for (struct dirent *e; (e = readdir(d));) {
		if (!is_container(s, e))
			continue;
		buf_put(&names, e->d_name, strlen(e->d_name) + 1);
		n++;
	}
	closedir(d);
	*ids = names.failed ? NULL : pack(&names, n);
	return *ids ? (int)n : fail(ENOMEM, "read the state directory");
}
