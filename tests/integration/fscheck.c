/* SPDX-License-Identifier: MIT */
/*
 * fscheck DIR [SEED]: does what programs do to files in DIR, as root and as an ordinary user, and prints what came of it,
 * one line each. Nothing in the lines depends on the file system: the same program on two of them must say the same.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define USER 1000

static void say(const char *what, long r)
{
	printf("%s: %s\n", what, r < 0 ? strerrorname_np(errno) : "ok");
}

#define TRY(call) say(#call, (long)(call))

static void show(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		printf("%s: %s\n", path, strerrorname_np(errno));
		return;
	}
	printf("%s: mode %o links %lu owner %u:%u size %lld\n", path, st.st_mode,
	       S_ISDIR(st.st_mode) ? 0UL : (unsigned long)st.st_nlink, st.st_uid, st.st_gid,
	       S_ISDIR(st.st_mode) ? 0LL : (long long)st.st_size);
}

static int put(const char *path, const char *text, int flags, mode_t mode)
{
	int fd = open(path, flags | O_WRONLY, mode);
	int r = fd < 0 ? -1 : (int)write(fd, text, strlen(text));
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	return r;
}

static void get(const char *path)
{
	char text[100] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	printf("%s holds: %s\n", path, n < 0 ? strerrorname_np(errno) : text);
	if (fd >= 0)
		close(fd);
}

/* -- Names, links, modes -------------------------------------------------- */

static void names(void)
{
	char name[300];

	TRY(mkdir("d", 0755));
	TRY(mkdir("d", 0755));
	TRY(put("d/a", "one", O_CREAT | O_EXCL, 0644));
	TRY(put("d/a", "two", O_CREAT | O_EXCL, 0644));
	TRY(link("d/a", "d/b"));
	show("d/a");
	TRY(symlink("a", "d/s"));
	TRY(put("d/s", "three", 0, 0));
	get("d/b");
	TRY(open("d/s", O_RDONLY | O_NOFOLLOW));
	TRY(symlink("loop", "d/loop"));
	TRY(open("d/loop", O_RDONLY));
	TRY(rmdir("d"));
	TRY(unlink("d"));
	TRY(rmdir("d/a"));
	TRY(rename("d/a", "d/b"));
	show("d/a");
	TRY(unlink("d/b"));
	show("d/a");
	TRY(mkdir("e", 0700));
	TRY(rename("d", "e/d"));
	TRY(rename("e", "e/d/x"));
	TRY(rename("e/d/a", "e/d"));
	TRY(syscall(SYS_renameat2, AT_FDCWD, "e/d/a", AT_FDCWD, "e/d/s", RENAME_NOREPLACE));
	TRY(syscall(SYS_renameat2, AT_FDCWD, "e/d/a", AT_FDCWD, "e/d/s", RENAME_EXCHANGE));
	show("e/d/s");
	memset(name, 'n', 255);
	name[255] = '\0';
	say("a name of 255", mkdir(name, 0700));
	say("and away", rmdir(name));
	name[255] = 'n';
	name[256] = '\0';
	say("a name of 256", mkdir(name, 0700));
	TRY(mkfifo("fifo", 0640));
	show("fifo");
	TRY(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	TRY(put("null", "gone", 0, 0));
	TRY(chmod("e", 03750));
	show("e");
	TRY(truncate("e", 0));
	TRY(open("e", O_WRONLY));
	TRY(open("nothing/below", O_RDONLY));
	TRY(open("fifo/below", O_RDONLY));
}

/* -- As an ordinary user -------------------------------------------------- */

static void as_user(void)
{
	TRY(mkdir("u", 0777));
	TRY(chmod("u", 01777));
	TRY(put("u/root", "r", O_CREAT, 0600));
	TRY(mkdir("u/g", 0777));
	TRY(chown("u/g", 0, 2000));
	TRY(chmod("u/g", 02777));
	TRY(put("u/suid", "x", O_CREAT, 0777));
	TRY(chmod("u/suid", 06777));
	fflush(stdout);

	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(USER) < 0 || setuid(USER) < 0)
			_exit(1);
		TRY(open("u/root", O_RDONLY));
		TRY(unlink("u/root"));
		TRY(put("u/mine", "m", O_CREAT, 0640));
		show("u/mine");
		TRY(put("u/g/child", "c", O_CREAT, 0644));
		show("u/g/child");
		TRY(mkdir("u/g/sub", 0755));
		show("u/g/sub");
		TRY(chown("u/mine", 0, 0));
		TRY(chmod("u/mine", 0400));
		TRY(put("u/mine", "m", 0, 0));
		TRY(put("u/suid", "y", 0, 0));
		show("u/suid");
		TRY(setxattr("u/mine", "user.test", "v", 1, 0));
		TRY(mknod("u/dev", S_IFCHR, makedev(1, 3)));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	TRY(chown("u/mine", 5, 6));
	show("u/mine");
}

/* -- Open files ----------------------------------------------------------- */

static void open_files(void)
{
	struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 5}, {.tv_sec = 1100000000, .tv_nsec = 7}};
	char text[16] = "";
	struct stat st;
	int fd = open("gone", O_RDWR | O_CREAT, 0600), fd2;

	TRY(write(fd, "still here", 10));
	TRY(unlink("gone"));
	TRY(fstat(fd, &st));
	printf("links: %lu\n", (unsigned long)st.st_nlink);
	TRY(pread(fd, text, 10, 0));
	printf("text: %s\n", text);
	TRY(ftruncate(fd, 3));
	close(fd);
	fd = open("append", O_RDWR | O_CREAT | O_APPEND, 0600);
	fd2 = open("append", O_WRONLY | O_APPEND);
	TRY(write(fd, "a", 1));
	TRY(write(fd2, "b", 1));
	TRY(write(fd, "c", 1));
	get("append");
	TRY(futimens(fd, times));
	TRY(fstat(fd, &st));
	printf("times: %lld.%ld %lld.%ld\n", (long long)st.st_atime, st.st_atim.tv_nsec, (long long)st.st_mtime,
	       st.st_mtim.tv_nsec);
	TRY(flock(fd, LOCK_EX | LOCK_NB));
	TRY(flock(fd2, LOCK_EX | LOCK_NB));
	close(fd);
	close(fd2);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	say("a file without a name", fd);
	close(fd);
	fd = open("sparse", O_RDWR | O_CREAT, 0600);
	TRY(pwrite(fd, "end", 3, 1 << 20));
	TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4096));
	TRY(fstat(fd, &st));
	printf("size: %lld\n", (long long)st.st_size);
	TRY(setxattr("sparse", "user.name", "value", 5, XATTR_CREATE));
	TRY(setxattr("sparse", "user.name", "value", 5, XATTR_CREATE));
	TRY(getxattr("sparse", "user.none", NULL, 0));
	printf("attribute: %zd\n", getxattr("sparse", "user.name", text, sizeof(text)));
	TRY(removexattr("sparse", "user.name"));
	close(fd);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void many(void)
{
	char *list[1200], name[32];
	size_t n = 0;
	DIR *d;

	TRY(mkdir("many", 0700));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "many/file-%d", i);
		put(name, "", O_CREAT, 0600);
	}
	d = opendir("many");
	for (struct dirent *e; (e = readdir(d)) && n < 1200;)
		list[n++] = strdup(e->d_name);
	closedir(d);
	qsort(list, n, sizeof(*list), compare);
	printf("entries: %zu, first %s, last %s\n", n, list[0], list[n - 1]);
}

/* -- Reads, writes, cuts and mappings at random, against a copy in memory -- */

#define FILE_MAX 262144

static void at_random(unsigned seed)
{
	static unsigned char model[FILE_MAX], bytes[FILE_MAX];
	size_t size = 0;
	int fd = open("random", O_RDWR | O_CREAT, 0600);

	srandom(seed);
	for (int i = 0; i < 3000; i++) {
		size_t at = (size_t)random() % FILE_MAX, len = (size_t)random() % 20000;

		if (len > FILE_MAX - at)
			len = FILE_MAX - at;
		switch (random() % 5) {
		case 0:
		case 1:
			for (size_t k = 0; k < len; k++)
				bytes[k] = (unsigned char)random();
			if (pwrite(fd, bytes, len, (off_t)at) != (ssize_t)len)
				goto bad;
			memcpy(model + at, bytes, len);
			if (len && at + len > size)
				size = at + len;
			break;
		case 2: {
			ssize_t n = pread(fd, bytes, len, (off_t)at);
			size_t want = at >= size ? 0 : len < size - at ? len : size - at;

			if (n != (ssize_t)want || memcmp(bytes, model + at, want) != 0)
				goto bad;
			break;
		}
		case 3:
			if (ftruncate(fd, (off_t)at) < 0)
				goto bad;
			if (at < size)
				memset(model + at, 0, size - at);
			size = at;
			break;
		default: {
			unsigned char *map;

			if (size == 0)
				break;
			map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			if (map == MAP_FAILED || memcmp(map, model, size) != 0)
				goto bad;
			map[at % size] ^= 0x55;
			model[at % size] ^= 0x55;
			munmap(map, size);
		}
		}
	}
	close(fd);
	fd = open("random", O_RDONLY);
	if (pread(fd, bytes, sizeof(bytes), 0) != (ssize_t)size || memcmp(bytes, model, size) != 0)
		goto bad;
	printf("at random: ok\n");
	return;
bad:
	printf("at random: differs (%s)\n", strerrorname_np(errno));
}

int main(int argc, char **argv)
{
	if (argc < 2 || chdir(argv[1]) < 0)
		return 2;
	umask(022);
	names();
	as_user();
	open_files();
	many();
	at_random(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
	return 0;
}
