/* SPDX-License-Identifier: MIT */
/* The parent's part in the conversation with a child under way (sync.h). */
#include "isolate/handshake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate/spawn.h"
#include "isolate/sync.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"

/* Only a parent can wait for a process; this looks without doing so. */
static bool is_our_child(int pidfd)
{
	siginfo_t info;

	return waitid(P_PIDFD, (id_t)pidfd, &info,
		      WEXITED | WNOHANG | WNOWAIT) == 0;
}

/*
 * The process that goes on is another one: it entered a pid namespace. The
 * number comes out of a container and will be killed or recorded: whoever got
 * hold of the child there must not name a process of the host.
 */
static int on_pid(struct handshake *h, pid_t pid)
{
	/* Our child by CLONE_PARENT: its number stays its own until we wait. */
	int pidfd = sys_pidfd_open(pid, 0);

	if (pidfd < 0)
		return fail(errno, "follow process %d", pid);
	if (pid == h->child->pid || !is_our_child(pidfd)) {
		close(pidfd);
		return fail_plain(EPROTO, "process %d is not the child's", pid);
	}
	waitpid(h->child->pid, NULL, 0);
	close(h->child->pidfd);
	h->child->pid = pid;
	h->child->pidfd = pidfd;
	return h->ops && h->ops->new_pid ? h->ops->new_pid(h->arg, pid) : 0;
}

static int send_seccomp(struct handshake *h)
{
	int r = sync_send(h->child->sync, SYNC_SECCOMP, (int32_t)h->bpf_flags,
			  -1, buf_str(h->bpf), h->bpf->len);

	/* The child has failed already; why is still to be read. */
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static int on_hooks(struct handshake *h)
{
	int r = h->ops->hooks(h->arg);

	if (r == 0)
		r = sync_send_empty(h->child->sync, SYNC_HOOKS_DONE);
	/* It waits for one answer at a time: the filter comes after. */
	return r < 0 ? r : send_seccomp(h);
}

static int on_message(struct handshake *h, struct sync_msg *msg)
{
	switch (msg->type) {
	case SYNC_HOOKS:
		if (h->has_hooks)
			return on_hooks(h);
		break;
	case SYNC_TERMINAL:
		if (h->terminal < 0 && msg->fd >= 0) {
			h->terminal = take_fd(&msg->fd);
			return 0;
		}
		break;
	case SYNC_PID: return on_pid(h, msg->value);
	case SYNC_READY: h->ready = true; return 0;
	default: break;
	}
	cleanup_fd(&msg->fd);
	return fail_plain(EPROTO, "message %d of the child is out of place",
			  msg->type);
}

/* The others, SIGWINCH and the like, stay pending for the program. */
static int watch_signals_to_end(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? fail(errno, "create a signalfd") : fd;
}

/* Until the child says something. Returns 0 or -errno with fail() text. */
static int await_message(const struct handshake *h)
{
	_cleanup_fd_ int signals = watch_signals_to_end();
	struct pollfd fds[2] = {{.fd = h->child->sync, .events = POLLIN},
				{.fd = signals, .events = POLLIN}};
	struct signalfd_siginfo info;

	if (signals < 0)
		return signals;
	while (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		if (errno != EINTR)
			return fail(errno, "wait for the child");
	if (!fds[1].revents)
		return 0;
	/* Taken, so that it does not end us before all is undone. */
	(void)!read(signals, &info, sizeof(info));
	return fail_plain(EINTR, "interrupted");
}

int handshake_run(struct handshake *h, bool until_ready)
{
	_cleanup_free_ struct sync_msg *msg = malloc(sizeof(*msg));
	int r = 0;

	if (!msg)
		return fail(ENOMEM, "handshake");
	if (!h->has_hooks)
		r = send_seccomp(h);
	while (r == 0 && !(until_ready && h->ready)) {
		if (h->interruptible && !h->ready &&
		    (r = await_message(h)) < 0)
			return r;
		r = sync_recv(h->child->sync, msg);
		if (r == 0 && h->ready)
			return 0;
		if (r == 0)
			return fail_plain(EPIPE, "the container's process "
						 "ended while it was set up "
						 "(is its memory limit too "
						 "small?)");
		if (r > 0)
			r = on_message(h, msg);
	}
	return r;
}

void handshake_kill(struct spawned *child)
{
	sys_pidfd_send_signal(child->pidfd, SIGKILL);
	waitpid(child->pid, NULL, 0);
	spawned_close(child);
	*child = (struct spawned){.pidfd = -1, .sync = -1};
}

int handshake_start(int dir)
{
	_cleanup_fd_ int sock = fd_connect_unix(dir, "start", SOCK_SEQPACKET);
	int r;

	if (sock < 0)
		return sock;
	if (unlinkat(dir, "start", 0) < 0)
		return fail(errno, "remove the start socket");
	r = sync_send_empty(sock, SYNC_START);
	return r < 0 ? r : take_fd(&sock);
}

int handshake_started(int sock)
{
	_cleanup_free_ struct sync_msg *msg = malloc(sizeof(*msg));
	int r;

	if (!msg)
		return fail(ENOMEM, "start");
	/* Silence, the end of the stream, is success: the program runs. */
	r = sync_recv(sock, msg);
	return r > 0 ? fail_plain(EPROTO, "unexpected answer to start") : r;
}
