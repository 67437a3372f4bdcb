/* SPDX-License-Identifier: MIT */
/* The handshake: what is sent arrives, what is malformed is refused. */
#include "isolate/sync.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "lib/fail.h"
#include "lib/fd.h"
#include "tests/unit/test.h"

struct head {
	uint32_t type;
	int32_t value;
};

static int ends[2];
static struct sync_msg msg;

static void open_pair(void)
{
	CHECK_INT(sync_open(&ends[0], &ends[1]), 0);
	memset(&msg, 0xee, sizeof(msg));
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void brings_all(void)
{
	struct stat sent, came;

	open_pair();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_INT(sync_send(ends[1], SYNC_TERMINAL, -5, fd, "payload", 7), 0);
	CHECK_INT(sync_recv(ends[0], &msg), 1);
	CHECK_INT(msg.type, SYNC_TERMINAL);
	CHECK_INT(msg.value, -5);
	CHECK_INT(msg.len, 7);
	CHECK(memcmp(msg.payload, "payload", 7) == 0);
	CHECK(fstat(fd, &sent) == 0 && fstat(msg.fd, &came) == 0);
	CHECK(sent.st_ino == came.st_ino && sent.st_dev == came.st_dev);
	CHECK(fcntl(msg.fd, F_GETFD) & FD_CLOEXEC);
}

static void brings_empty(void)
{
	open_pair();
	CHECK_INT(sync_send_empty(ends[0], SYNC_GO), 0);
	CHECK_INT(sync_expect(ends[1], SYNC_GO, &msg), 0);
	CHECK_INT(msg.len, 0);
	CHECK_INT(msg.fd, -1);
}

static void brings_largest(void)
{
	static uint8_t big[SYNC_PAYLOAD_MAX + 1];

	open_pair();
	big[SYNC_PAYLOAD_MAX - 1] = 0x5a;
	CHECK_INT(
		sync_send(ends[0], SYNC_SECCOMP, 3, -1, big, SYNC_PAYLOAD_MAX),
		0);
	CHECK_INT(sync_recv(ends[1], &msg), 1);
	CHECK_INT(msg.len, SYNC_PAYLOAD_MAX);
	CHECK_INT(msg.payload[SYNC_PAYLOAD_MAX - 1], 0x5a);
	CHECK_INT(sync_send(ends[0], SYNC_SECCOMP, 3, -1, big, sizeof(big)),
		  -EMSGSIZE);
}

static void refuses_oversize(void)
{
	static uint8_t big[sizeof(struct head) + SYNC_PAYLOAD_MAX + 1];
	const struct head head = {SYNC_SECCOMP, 0};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	open_pair();
	memcpy(big, &head, sizeof(head));
	int before = count_fds();
	CHECK_INT(fd_send(ends[0], big, sizeof(big), &null, 1), 0);
	CHECK_INT(sync_recv(ends[1], &msg), -EMSGSIZE);
	CHECK_INT(msg.fd, -1);
	CHECK_INT(count_fds(), before);
}

static void refuses_malformed(void)
{
	const struct head bad[] = {
		{0, 0}, {SYNC_TYPES, 0}, {0x80000001u, 0}, {UINT32_MAX, 0}};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	open_pair();
	int before = count_fds();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(fd_send(ends[0], &bad[i], sizeof(bad[i]), &null, 1),
			  0);
		CHECK_INT(sync_recv(ends[1], &msg), -EPROTO);
		CHECK_HAS(fail_text(), "unknown message");
		CHECK_INT(msg.fd, -1);
	}
	for (size_t n = 1; n < sizeof(struct head); n++) {
		CHECK_INT(fd_send(ends[0], "\1\0\0\0\0\0\0", n, &null, 1), 0);
		CHECK_INT(sync_recv(ends[1], &msg), -EPROTO);
		CHECK_HAS(fail_text(), "too short");
	}
	CHECK_INT(count_fds(), before);
}

/* One fd a message; whatever else comes is closed, not leaked. */
static void takes_one_fd(void)
{
	const struct head head = {SYNC_TERMINAL, 0};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int three[] = {null, null, null};

	open_pair();
	int before = count_fds();
	CHECK_INT(fd_send(ends[0], &head, sizeof(head), three, 3), 0);
	CHECK_INT(sync_recv(ends[1], &msg), 1);
	CHECK(msg.fd >= 0);
	CHECK_INT(count_fds(), before + 1);
}

static void tells_the_end(void)
{
	open_pair();
	close(ends[1]);
	CHECK_INT(sync_recv(ends[0], &msg), 0);
	CHECK_INT(msg.fd, -1);
	CHECK_INT(sync_expect(ends[0], SYNC_READY, &msg), -EPIPE);
	/* No SIGPIPE either. */
	CHECK_INT(sync_send_empty(ends[0], SYNC_GO), -EPIPE);
}

/* The other side fails while a message to it is still under way. */
static void reads_before_the_end(void)
{
	open_pair();
	CHECK_INT(sync_send_empty(ends[0], SYNC_GO), 0);
	fail_plain(EIO, "early");
	sync_send_error(ends[1], -EIO);
	close(ends[1]);
	fail_clear();
	CHECK_INT(sync_recv(ends[0], &msg), -EIO);
	CHECK_STR(fail_text(), "early");
	CHECK_INT(sync_recv(ends[0], &msg), 0);
}

static void carries_errors(void)
{
	open_pair();
	fail(ENOTDIR, "mount proc on %s", "/proc");
	fail_in(-ENOTDIR, "mounts");
	sync_send_error(ends[1], -ENOTDIR);
	fail_clear();
	CHECK_INT(sync_expect(ends[0], SYNC_READY, &msg), -ENOTDIR);
	CHECK_STR(fail_text(), "mounts: mount proc on /proc: Not a directory");
	CHECK_INT(msg.fd, -1);
}

static void bounds_errors(void)
{
	static char text[3 * FAIL_TEXT_MAX];

	open_pair();
	memset(text, 'x', sizeof(text));
	CHECK_INT(sync_send(ends[1], SYNC_ERROR, EIO, -1, text, sizeof(text)),
		  0);
	CHECK_INT(sync_recv(ends[0], &msg), -EIO);
	CHECK_INT(strlen(fail_text()), FAIL_TEXT_MAX - 1);

	/* A number that is no errno must not become success. */
	static const int32_t odd[] = {0, -1, INT32_MIN, INT32_MAX};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		CHECK_INT(sync_send(ends[1], SYNC_ERROR, odd[i], -1, "e", 1),
			  0);
		CHECK_INT(sync_recv(ends[0], &msg), -EPROTO);
	}
}

static void refuses_other_types(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	open_pair();
	int before = count_fds();
	CHECK_INT(sync_send(ends[1], SYNC_PID, 1, null, NULL, 0), 0);
	CHECK_INT(sync_expect(ends[0], SYNC_READY, &msg), -EPROTO);
	CHECK_INT(count_fds(), before);
}

int main(void)
{
	TEST("type, value, payload and fd arrive", brings_all);
	TEST("an empty message arrives without fd", brings_empty);
	TEST("the largest payload arrives, a larger one not", brings_largest);
	TEST("an oversized datagram is refused", refuses_oversize);
	TEST("unknown types and short heads are refused", refuses_malformed);
	TEST("a second fd is closed", takes_one_fd);
	TEST("the end of the stream is told", tells_the_end);
	TEST("an error comes before the end", reads_before_the_end);
	TEST("an error arrives with its text", carries_errors);
	TEST("an error's text and number are bounded", bounds_errors);
	TEST("another type than expected is refused", refuses_other_types);
	return test_done();
}
