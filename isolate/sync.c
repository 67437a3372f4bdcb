/* SPDX-License-Identifier: MIT */
/* The handshake between the runtime and the child that becomes the container. */
#include "isolate/sync.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

/* What stands before the payload of every message. */
struct head {
	uint32_t type;
	int32_t value;
};

static_assert(offsetof(struct sync_msg, payload) == sizeof(struct head),
	      "a message is received straight into its struct");

int sync_open(int *parent, int *child)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(errno, "create a socket pair");
	*parent = pair[0];
	*child = pair[1];
	return 0;
}

/* Apart, since most messages have no use for so much stack. */
static __attribute__((noinline)) int
send_payload(int sock, struct head head, int fd, const void *payload,
	     size_t len)
{
	uint8_t bytes[sizeof(struct head) + SYNC_PAYLOAD_MAX];

	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), payload, len);
	return fd_send(sock, bytes, sizeof(head) + len, &fd, fd >= 0);
}

int sync_send(int sock, enum sync_type type, int32_t value, int fd,
	      const void *payload, size_t len)
{
	struct head head = {.type = type, .value = value};
	int r;

	if (len > SYNC_PAYLOAD_MAX)
		return fail(EMSGSIZE, "handshake");
	r = len ? send_payload(sock, head, fd, payload, len)
		: fd_send(sock, &head, sizeof(head), &fd, fd >= 0);
	return r < 0 ? fail(-r, "handshake") : 0;
}

int sync_send_empty(int sock, enum sync_type type)
{
	return sync_send(sock, type, 0, -1, NULL, 0);
}

static int take_error(const struct sync_msg *msg)
{
	int err = msg->value > 0 && msg->value < 4096 ? msg->value : EPROTO;

	return fail_from(err, (const char *)msg->payload, msg->len);
}

int sync_recv(int sock, struct sync_msg *msg)
{
	const size_t room = sizeof(struct head) + sizeof(msg->payload);
	struct head head;
	_cleanup_fd_ int fd = -1;
	size_t n_fds = 1;
	ssize_t n = fd_recv(sock, msg, room, &fd, &n_fds);

	msg->fd = -1;
	/* The other side left something unread. The kernel says so once,
	 * before it hands out what that side had sent. */
	if (n == -ECONNRESET) {
		n_fds = 1;
		n = fd_recv(sock, msg, room, &fd, &n_fds);
	}
	if (n == 0)
		return 0;
	if (n < 0)
		return fail((int)-n, "handshake");
	if ((size_t)n < sizeof(head))
		return fail_plain(EPROTO, "handshake: a message is too short");
	memcpy(&head, msg, sizeof(head));
	if (head.type == 0 || head.type >= SYNC_TYPES)
		return fail_plain(EPROTO, "handshake: unknown message %u",
				  head.type);
	msg->type = head.type;
	msg->value = head.value;
	msg->len = (size_t)n - sizeof(head);
	if (msg->type == SYNC_ERROR)
		return take_error(msg);
	msg->fd = take_fd(&fd);
	return 1;
}

int sync_expect(int sock, enum sync_type type, struct sync_msg *msg)
{
	int r = sync_recv(sock, msg);

	if (r < 0)
		return r;
	if (r == 0)
		return fail_plain(EPIPE, "handshake: the other side is gone");
	if (msg->type != type) {
		cleanup_fd(&msg->fd);
		return fail_plain(EPROTO, "handshake: message %d, not %d",
				  msg->type, type);
	}
	return 0;
}

void sync_send_error(int sock, int r)
{
	char text[FAIL_TEXT_MAX];

	strcpy(text, fail_text());
	sync_send(sock, SYNC_ERROR, -r, -1, text, strlen(text));
}
