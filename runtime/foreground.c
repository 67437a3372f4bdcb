/* SPDX-License-Identifier: MIT */
/* Waiting for a process in the foreground: signals, terminal, exit code. */
#include "runtime/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "isolate/spawn.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/loop.h"
#include "runtime/notify.h"

#define CHUNK 32768

/*
 * One direction of the terminal: what was read and could not be written yet.
 * While something is left, nothing more is read: the writer sets the pace.
 */
struct pipe {
	int from, to;
	char bytes[CHUNK];
	size_t at, len;
	bool ended; /* no more will be read */
};

/* owned by: foreground_wait() */
struct session {
	struct loop loop;
	const struct spawned *child;
	int signals, notify;
	int status; /* of wait(2), once exited */
	bool exited;
	bool has_tty;
	struct pipe in, out;
	int in_flags, out_flags; /* of fcntl(F_GETFL), to be put back */
};

/* -- Signals -------------------------------------------------------------- */

int foreground_begin(struct foreground *f)
{
	sigset_t all;

	sigfillset(&all);
	/* What stems from our own mistakes is to hit us at once. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGTRAP);
	sigdelset(&all, SIGSYS);
	if (sigprocmask(SIG_SETMASK, &all, &f->old) < 0)
		return fail(errno, "block signals");
	f->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	return f->signals < 0 ? fail(errno, "create a signalfd") : 0;
}

void foreground_raw(struct foreground *f)
{
	struct termios raw;

	if (f->raw || tcgetattr(STDIN_FILENO, &f->saved) < 0)
		return;
	raw = f->saved;
	cfmakeraw(&raw);
	f->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void restore_terminal(struct foreground *f)
{
	if (f->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &f->saved);
	f->raw = false;
}

void foreground_end(struct foreground *f)
{
	restore_terminal(f);
	if (f->signals < 0)
		return;
	close(f->signals);
	f->signals = -1;
	sigprocmask(SIG_SETMASK, &f->old, NULL);
}

static void follow_size(struct session *s)
{
	struct winsize size;

	if (s->has_tty && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(s->out.from, TIOCSWINSZ, &size);
}

static void forward(struct session *s, int sig)
{
	switch (sig) {
	case SIGCHLD:
	case SIGPIPE:
		return;
	case SIGWINCH:
		/* With a pty of its own the kernel tells it of the size. */
		if (s->has_tty) {
			follow_size(s);
			return;
		}
		break;
	/* The terminal's job control is about us: the container's session is
	 * another one, its Ctrl-Z goes through the pty. */
	case SIGTTIN:
	case SIGTTOU:
		return;
	case SIGTSTP:
		raise(SIGSTOP);
		return;
	default: break;
	}
	sys_pidfd_send_signal(s->child->pidfd, sig);
}

static int on_signal(void *arg, uint32_t events)
{
	struct session *s = arg;
	struct signalfd_siginfo info;

	(void)events;
	while (read(s->signals, &info, sizeof(info)) == sizeof(info))
		forward(s, (int)info.ssi_signo);
	return 0;
}

/* -- The terminal --------------------------------------------------------- */

/* Whether the container's output has been passed on to its end. */
static bool is_drained(const struct session *s)
{
	return !s->has_tty || (s->out.ended && s->out.len == 0);
}

static void stop_when_done(struct session *s)
{
	if (s->exited && is_drained(s))
		loop_stop(&s->loop);
}

/* 1: written whole; 0: the rest later; -errno. */
static int pipe_write(struct pipe *p)
{
	while (p->len) {
		ssize_t n = write(p->to, p->bytes + p->at, p->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return -errno;
		p->at += (size_t)n;
		p->len -= (size_t)n;
	}
	return 1;
}

/* 1: something was read; 0: nothing now; -errno: the end (EIO on a pty). */
static int pipe_read(struct pipe *p)
{
	ssize_t n = read(p->from, p->bytes, sizeof(p->bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	p->at = 0;
	p->len = (size_t)n;
	return 1;
}

/* Watches an fd for one event, whatever it was watched for before. */
static void watch(struct session *s, int fd, uint32_t events)
{
	loop_modify(&s->loop, fd, events);
}

/*
 * The master is the only fd on which both directions meet; ours are watched
 * only for the one thing each is there for.
 */
static uint32_t master_events(const struct session *s)
{
	return (s->out.len || s->out.ended ? 0 : (uint32_t)EPOLLIN) |
	       (s->in.len ? (uint32_t)EPOLLOUT : 0);
}

static void move_out(struct session *s)
{
	int r = 1;

	if (s->out.len == 0) {
		r = pipe_read(&s->out);
		if (r < 0)
			s->out.ended = true;
	}
	/* A reader of ours that went away does not end the container. */
	if (r > 0 && pipe_write(&s->out) < 0)
		s->out.len = 0;
	watch(s, s->out.to, s->out.len ? EPOLLOUT : 0);
}

static void move_in(struct session *s)
{
	if (s->in.len == 0) {
		int r = pipe_read(&s->in);

		if (r < 0) {
			s->in.ended = true;
			loop_remove(&s->loop, s->in.from);
			return;
		}
	}
	if (pipe_write(&s->in) < 0)
		s->in.len = 0;
	if (!s->in.ended)
		watch(s, s->in.from, s->in.len ? 0 : EPOLLIN);
}

static int on_master(void *arg, uint32_t events)
{
	struct session *s = arg;

	if (events & EPOLLOUT)
		move_in(s);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		move_out(s);
	if (s->out.ended)
		loop_remove(&s->loop, s->out.from);
	else
		watch(s, s->out.from, master_events(s));
	stop_when_done(s);
	return 0;
}

static int on_stdin(void *arg, uint32_t events)
{
	struct session *s = arg;

	(void)events;
	move_in(s);
	if (!s->out.ended)
		watch(s, s->out.from, master_events(s));
	return 0;
}

static int on_stdout(void *arg, uint32_t events)
{
	struct session *s = arg;

	if (events & (EPOLLERR | EPOLLHUP)) {
		s->out.len = 0;
		loop_remove(&s->loop, s->out.to);
	} else {
		move_out(s);
	}
	if (!s->out.ended)
		watch(s, s->out.from, master_events(s));
	stop_when_done(s);
	return 0;
}

/* A regular file cannot be watched, and never blocks. */
static int watch_own(struct session *s, int fd, uint32_t events,
		     loop_handler *handler)
{
	int r = loop_add(&s->loop, fd, events, handler, s);

	return r == -EPERM ? 1 : r;
}

static int begin_terminal(struct session *s, int master)
{
	int r;

	s->has_tty = true;
	s->in = (struct pipe){.from = STDIN_FILENO, .to = master};
	s->out = (struct pipe){.from = master, .to = STDOUT_FILENO};
	s->in_flags = fcntl(STDIN_FILENO, F_GETFL);
	s->out_flags = fcntl(STDOUT_FILENO, F_GETFL);
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	follow_size(s);
	r = loop_add(&s->loop, master, EPOLLIN, on_master, s);
	if (r < 0)
		return r;
	if (watch_own(s, STDOUT_FILENO, 0, on_stdout) == 0)
		fcntl(STDOUT_FILENO, F_SETFL, s->out_flags | O_NONBLOCK);
	r = watch_own(s, STDIN_FILENO, EPOLLIN, on_stdin);
	if (r == 0)
		fcntl(STDIN_FILENO, F_SETFL, s->in_flags | O_NONBLOCK);
	/* A file or /dev/null as stdin: taken as far as the pty takes it. */
	if (r > 0)
		move_in(s);
	return r < 0 ? r : 0;
}

static void end_terminal(struct session *s)
{
	if (!s->has_tty)
		return;
	fcntl(STDIN_FILENO, F_SETFL, s->in_flags);
	fcntl(STDOUT_FILENO, F_SETFL, s->out_flags);
}

/* -- Waiting -------------------------------------------------------------- */

static int on_exit_of_child(void *arg, uint32_t events)
{
	struct session *s = arg;

	(void)events;
	if (waitpid(s->child->pid, &s->status, 0) < 0)
		return fail(errno, "wait for process %d", s->child->pid);
	s->exited = true;
	loop_remove(&s->loop, s->child->pidfd);
	stop_when_done(s);
	return 0;
}

static int on_notify(void *arg, uint32_t events)
{
	struct session *s = arg;
	int r = notify_pass_on(s->notify, s->child->pid);

	(void)events;
	if (r != 0)
		loop_remove(&s->loop, s->notify);
	return r < 0 ? r : 0;
}

static int wait_for_end(struct session *s, int terminal)
{
	int r = loop_add(&s->loop, s->signals, EPOLLIN, on_signal, s);

	if (r == 0)
		r = loop_add(&s->loop, s->child->pidfd, EPOLLIN,
			     on_exit_of_child, s);
	if (r == 0 && s->notify >= 0)
		r = loop_add(&s->loop, s->notify, EPOLLIN, on_notify, s);
	if (r == 0 && terminal >= 0)
		r = begin_terminal(s, terminal);
	return r < 0 ? r : loop_run(&s->loop);
}

int foreground_wait(struct foreground *f, const struct spawned *child,
		    int terminal, int notify)
{
	struct session s = {
		.child = child, .signals = f->signals, .notify = notify};
	int r = loop_init(&s.loop);

	if (r == 0)
		r = wait_for_end(&s, terminal);
	end_terminal(&s);
	restore_terminal(f);
	loop_fini(&s.loop);
	if (r < 0)
		return r;
	return WIFSIGNALED(s.status) ? 128 + WTERMSIG(s.status)
				     : WEXITSTATUS(s.status);
}
