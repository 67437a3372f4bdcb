/* SPDX-License-Identifier: MIT */
/* Tests of lib/fd.c. */
#include "lib/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/test.h"

static int dir; /* of the test under way, empty */

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void files(void)
{
	_cleanup_(buf_fini)
	struct buf b = {};

	CHECK_INT(fd_replace_file(dir, "f", "one", 3), 0);
	CHECK_INT(fd_replace_file(dir, "f", "two!", 4), 0);
	CHECK_INT(fd_read_file(dir, "f", &b, 4), 0);
	CHECK_STR(buf_str(&b), "two!");
	CHECK_INT(faccessat(dir, ".f.new", F_OK, 0), -1);
	CHECK_INT(fd_read_file(dir, "f", &b, 3), -EFBIG);
	CHECK_STR(fail_text(), "read f: File too large");
	CHECK_INT(fd_write_file(dir, "f", "TH"), 0);
	buf_fini(&b);
	CHECK_INT(fd_read_file(dir, "f", &b, 4), 0);
	CHECK_STR(buf_str(&b), "THo!");
	CHECK_INT(fd_write_file(dir, "none", "x"), -ENOENT);
	CHECK_STR(fail_text(), "open none: No such file or directory");
	unlinkat(dir, "f", 0);
}

/* What stands at the name is replaced, never written through. */
static void replace_link(void)
{
	struct stat st;

	CHECK_INT(symlinkat("/nonexistent/target", dir, "l"), 0);
	CHECK_INT(fd_replace_file(dir, "l", "x", 1), 0);
	CHECK_INT(fstatat(dir, "l", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISREG(st.st_mode));
	unlinkat(dir, "l", 0);
}

static void messages(void)
{
	int s[2], got[2] = {-1, -1}, before = open_fds();
	char text[8] = "";
	size_t n = 2;

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	CHECK_INT(fd_send(s[0], "hello", 5, (int[]){0, 1}, 2), 0);
	CHECK_INT(fd_recv(s[1], text, sizeof(text), got, &n), 5);
	CHECK_STR(text, "hello");
	CHECK_INT(n, 2);
	CHECK_INT(fcntl(got[1], F_GETFD), FD_CLOEXEC);
	close(got[0]);
	close(got[1]);
	/* More than there is room for: closed, not leaked. */
	n = 1;
	CHECK_INT(fd_send(s[0], "x", 1, (int[]){0, 1, 2}, 3), 0);
	CHECK_INT(fd_recv(s[1], text, sizeof(text), got, &n), 1);
	CHECK_INT(n, 1);
	close(got[0]);
	CHECK_INT(fd_send(s[0], "x", 1, (int[]){0, 1}, 2), 0);
	CHECK_INT(fd_recv(s[1], text, sizeof(text), NULL, NULL), 1);
	CHECK_INT(fd_send(s[0], "too long", 9, NULL, 0), 0);
	n = 0;
	CHECK_INT(fd_recv(s[1], text, 4, got, &n), -EMSGSIZE);
	/* Of what was not received there is no descriptor. */
	n = 2;
	CHECK_INT(fd_recv(-1, text, sizeof(text), got, &n), -EBADF);
	CHECK_INT(n, 0);
	close(s[0]);
	CHECK_INT(fd_recv(s[1], text, 4, got, &n), 0);
	close(s[1]);
	CHECK_INT(open_fds(), before);
}

static void closed_peer(void)
{
	int s[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	close(s[1]);
	CHECK_INT(fd_send(s[0], "x", 1, NULL, 0), -EPIPE);
	CHECK_INT(fd_send(s[0], "x", 1, NULL, FD_RECV_MAX + 1), -EINVAL);
	close(s[0]);
}

static void unix_sockets(void)
{
	_cleanup_fd_ int server = fd_listen_unix(dir, "sock", SOCK_STREAM);
	struct stat st;

	CHECK(server >= 0);
	CHECK_INT(fstatat(dir, "sock", &st, 0), 0);
	CHECK_INT(st.st_mode & 0777, 0600);

	_cleanup_fd_ int client = fd_connect_unix(dir, "sock", SOCK_STREAM);
	_cleanup_fd_ int peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	char c = 0;

	CHECK(client >= 0 && peer >= 0);
	CHECK_INT(fd_write_all(client, "y", 1), 0);
	CHECK_INT(read(peer, &c, 1), 1);
	CHECK_INT(c, 'y');
	CHECK_INT(fd_connect_unix(dir, "none", SOCK_STREAM), -ENOENT);
	CHECK_STR(fail_text(), "connect to none: No such file or directory");
	unlinkat(dir, "sock", 0);
}

/* Longer than sun_path's 108 bytes. */
static void long_path(void)
{
	char name[121], path[256];

	memset(name, 'd', 120);
	name[120] = '\0';
	snprintf(path, sizeof(path), "%s/s", name);
	CHECK_INT(mkdirat(dir, name, 0700), 0);

	_cleanup_fd_ int sub = openat(dir, name, O_PATH | O_CLOEXEC);
	_cleanup_fd_ int server = fd_listen_unix(sub, "s", SOCK_SEQPACKET);
	_cleanup_fd_ int client = fd_connect_unix(dir, path, SOCK_SEQPACKET);

	CHECK(server >= 0);
	CHECK(client >= 0);
	unlinkat(sub, "s", 0);
	unlinkat(dir, name, AT_REMOVEDIR);
}

static void closes_all_but(void)
{
	int base = fcntl(dir, F_DUPFD_CLOEXEC, 500);
	int keep[] = {base + 3, -1, base + 1, 0};

	CHECK(base >= 500);
	for (int i = 1; i < 5; i++)
		CHECK_INT(dup2(dir, base + i), base + i);
	fd_close_except((unsigned)base, keep, ARRAY_SIZE(keep));
	for (int i = 0; i < 5; i++)
		CHECK_INT(fcntl(base + i, F_GETFD) >= 0, i == 1 || i == 3);
	CHECK(fcntl(0, F_GETFD) >= 0 && fcntl(dir, F_GETFD) >= 0);
	fd_close_except((unsigned)base, NULL, 0);
	CHECK_INT(fcntl(base + 1, F_GETFD), -1);
}

int main(void)
{
	char name[] = "/tmp/bulkhead-test-fd-XXXXXX";

	if (!mkdtemp(name))
		return 1;
	dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	TEST("files are read and replaced whole", files);
	TEST("a link at the name is replaced, not followed", replace_link);
	TEST("messages carry descriptors, and none is leaked", messages);
	TEST("a peer that has gone is an error, not a signal", closed_peer);
	TEST("sockets listen privately and are found by name", unix_sockets);
	TEST("a socket is reached at a path longer than sun_path", long_path);
	TEST("all descriptors but those to be kept are closed", closes_all_but);
	close(dir);
	rmdir(name);
	return test_done();
}
