/* SPDX-License-Identifier: MIT */
/* What the guests of the bench run: in a container, or as a bare init. */
#include <dirent.h>
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * usage: vm_guest OUT first		says a line at once, and waits
 *        vm_guest OUT read DIR		reads the two files of DIR
 *        vm_guest OUT read TYPE OPTIONS	as init: mounts "share" before
 * OUT is stdout or port: QEMU's debugging port, which needs no driver.
 */

#define PORT	     0xe9
#define PAGE	     4096
#define CHUNK	     (1 << 20)
#define RANDOM_READS 2048

/* -- What is said --------------------------------------------------------- */

static _Noreturn void end(int code)
{
	if (getpid() == 1 && access("/init", X_OK) == 0)
		reboot(RB_AUTOBOOT);
	_exit(code);
}

static void say(int by_port, const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (const char *c = line; by_port && *c; c++)
		outb((unsigned char)*c, PORT);
	if (!by_port && write(1, line, strlen(line)) < 0)
		end(1);
}

static _Noreturn void die(int by_port, const char *what)
{
	say(by_port, "failed %s: %m\n", what);
	end(1);
}

/* -- Reading -------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void read_sequential(int by_port)
{
	static char chunk[CHUNK];
	uint64_t begin = now_ns(), bytes = 0;
	int fd = open("sequential", O_RDONLY);
	ssize_t n;

	if (fd < 0)
		die(by_port, "open");
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		bytes += (uint64_t)n;
	if (n < 0)
		die(by_port, "read");
	close(fd);
	say(by_port, "sequential %llu\n",
	    (unsigned long long)((now_ns() - begin) * (64 << 20) / bytes));
}

/* Each page at most once: a full-period generator of the file's pages. */
static void read_random(int by_port)
{
	char page[PAGE];
	struct stat st;
	int fd = open("random", O_RDONLY);
	uint64_t begin, pages, at = 1;

	if (fd < 0 || fstat(fd, &st) < 0)
		die(by_port, "open");
	pages = (uint64_t)st.st_size / PAGE; /* a power of two */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	begin = now_ns();
	for (int i = 0; i < RANDOM_READS; i++) {
		at = (at * 4093 + 12345) & (pages - 1);
		if (pread(fd, page, PAGE, (off_t)(at * PAGE)) != PAGE)
			die(by_port, "read");
	}
	say(by_port, "random %llu\n",
	    (unsigned long long)((now_ns() - begin) / RANDOM_READS));
	close(fd);
}

/* -- As a bare init ------------------------------------------------------- */

static int only_modules(const struct dirent *e)
{
	return strstr(e->d_name, ".ko") != NULL;
}

static void load_modules(int by_port)
{
	struct dirent **entries;
	int n = scandir("/modules", &entries, only_modules, alphasort);

	for (int i = 0; i < n; i++) {
		char path[300];
		int fd;

		snprintf(path, sizeof(path), "/modules/%s", entries[i]->d_name);
		fd = open(path, O_RDONLY);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
			die(by_port, entries[i]->d_name);
		close(fd);
	}
}

static void mount_share(int by_port, const char *type, const char *options)
{
	load_modules(by_port);
	mkdir("/share", 0755);
	if (mount("share", "/share", type, 0, options) < 0)
		die(by_port, "mount");
}

int main(int argc, char **argv)
{
	int by_port = argc > 2 && strcmp(argv[1], "port") == 0;

	if (argc < 3 || (by_port && iopl(3) < 0))
		return 2;
	if (strcmp(argv[2], "first") == 0) {
		say(by_port, "first\n");
		pause();
	}
	if (argc == 5)
		mount_share(by_port, argv[3],
			    strcmp(argv[4], "-") == 0 ? "" : argv[4]);
	if (argc < 4 || chdir(argc == 5 ? "/share" : argv[3]) < 0)
		die(by_port, "chdir");
	read_random(by_port);
	read_sequential(by_port);
	end(0);
}
