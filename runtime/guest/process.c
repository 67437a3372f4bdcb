/* SPDX-License-Identifier: MIT */
/* The container in the guest: made from config.json by the code of the host. */
#include "runtime/guest/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "isolate/cgroup.h"
#include "isolate/handshake.h"
#include "isolate/isolate.h"
#include "isolate/mount.h"
#include "isolate/rootfs.h"
#include "isolate/seccomp.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/wire.h"
#include "oci/spec_vm.h"
#include "runtime/guest/boot.h"

#define CGROUP "/container" /* there is only one */

void process_init(struct process *p)
{
	*p = (struct process){.run = -1,
			      .starting = -1,
			      .child = {.pidfd = -1, .sync = -1},
			      .stdio = {-1, -1, -1}};
}

/* -- What CREATE says ----------------------------------------------------- */

/* A guest's own clock may be off, or not be there at all. */
static void set_clock(uint64_t ns)
{
	const struct timespec now = {
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000),
	};

	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		log_warn("cannot set the clock");
}

static int add_env(struct process *p, char *value)
{
	size_t n = 0;

	while (p->extra_env && p->extra_env[n])
		n++;

	char **more = realloc(p->extra_env, (n + 2) * sizeof(*more));

	if (!more || !value)
		return fail(ENOMEM, "environment");
	more[n] = value;
	more[n + 1] = NULL;
	p->extra_env = more;
	return 0;
}

static int parse_config(struct process *p, const struct wire_field *f)
{
	if (p->spec)
		return fail_plain(EPROTO, "two configs");
	return spec_parse((const char *)f->bytes, f->len, "config.json",
			  &p->spec);
}

static int read_field(struct process *p, const struct wire_field *f)
{
	switch (f->tag) {
	case AGENT_CREATE_ID:
		free(p->id);
		p->id = strndup((const char *)f->bytes, f->len);
		return p->id ? 0 : fail(ENOMEM, "create");
	case AGENT_CREATE_BUNDLE:
		free(p->bundle);
		p->bundle = strndup((const char *)f->bytes, f->len);
		return p->bundle ? 0 : fail(ENOMEM, "create");
	case AGENT_CREATE_CONFIG: return parse_config(p, f);
	case AGENT_CREATE_ENV:
		return add_env(p, strndup((const char *)f->bytes, f->len));
	case AGENT_CREATE_TIME: set_clock(wire_u64(f)); return 0;
	default: return 0;
	}
}

static int read_frame(struct process *p, const uint8_t *frame, size_t len)
{
	struct wire w = wire_of(frame, len);
	struct wire_field f;
	int r = 0;

	while (r == 0 && wire_next(&w, &f))
		r = read_field(p, &f);
	if (r < 0)
		return r;
	if (w.bad || !p->spec || !p->id || !p->bundle ||
	    !p->spec->has_process || !p->spec->process.args)
		return fail_plain(EPROTO, "incomplete CREATE");
	return spec_vm_guest(p->spec, GUEST_SHARE);
}

/* -- The container -------------------------------------------------------- */

static int open_cgroup(struct process *p)
{
	int r = cgroup_create(CGROUP, &p->cgroup);

	if (r == 0)
		r = cgroup_apply(p->cgroup, &p->spec->linux_.resources, false);
	return r < 0 ? fail_in(r, "cgroup") : 0;
}

static bool has_cgroup_mount(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (spec->mounts[i].kind == SPEC_MOUNT_CGROUP)
			return true;
	return false;
}

static int open_sources(struct isolate *iso)
{
	size_t n = iso->spec->n_mounts;

	iso->sources = calloc(n ? n : 1, sizeof(*iso->sources));
	if (!iso->sources)
		return fail(ENOMEM, "mounts");
	for (size_t i = 0; i < n; i++)
		iso->sources[i].fd = -1;
	return mount_sources_open(iso->spec, iso->sources);
}

static int prepare(struct process *p, struct isolate *iso)
{
	int r;

	*iso = (struct isolate){
		.spec = p->spec,
		.process = &p->spec->process,
		.id = p->id,
		.bundle = p->bundle,
		.extra_env = p->extra_env,
		.wait_for_start = true,
		.proc = -1,
		.rootfs = -1,
		.rootfs_path = p->spec->root_path,
		.pidfd = -1,
		.join_root = -1,
		.listener = -1,
		.cgroup = p->cgroup,
	};
	for (int i = 0; i < SPEC_NS_KINDS; i++)
		iso->ns_fds[i] = -1;
	iso->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (iso->proc < 0)
		return fail(errno, "open /proc");
	if ((r = iso->rootfs = rootfs_clone(iso->rootfs_path)) < 0)
		return r;
	if ((r = open_sources(iso)) < 0)
		return fail_in(r, "mounts");
	if (has_cgroup_mount(p->spec) &&
	    (r = cgroup_view_open(p->cgroup,
				  p->spec->linux_.new_namespaces &
					  1u << SPEC_NS_CGROUP,
				  &iso->cgroup_view)) < 0)
		return fail_in(r, "cgroup");
	r = iso->listener = fd_listen_unix(p->run, "start", SOCK_SEQPACKET);
	return r < 0 ? r : 0;
}

static void prepared_close(struct isolate *iso)
{
	if (iso->sources)
		mount_sources_close(iso->sources, iso->spec->n_mounts);
	free(iso->sources);
	cgroup_view_close(iso->cgroup_view);
	cleanup_fd(&iso->proc);
	cleanup_fd(&iso->rootfs);
	cleanup_fd(&iso->listener);
}

/* -- Its stdio ------------------------------------------------------------ */

/*
 * The child inherits 0, 1 and 2; ours is their other end. Whatever PID 1 has
 * there is put aside for the time of the clone.
 */
struct stdio {
	int theirs[AGENT_STREAMS];
	int saved[AGENT_STREAMS];
};

static int open_pipe(struct process *p, struct stdio *s, int i)
{
	int ends[2]; /* to read, to write */
	bool is_input = i == AGENT_STREAM_STDIN;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(errno, "make a pipe");
	s->theirs[i] = ends[is_input ? 0 : 1];
	p->stdio[i] = ends[is_input ? 1 : 0];
	/* Each end has a description of its own: theirs stays blocking. */
	if (fcntl(p->stdio[i], F_SETFL, O_NONBLOCK) < 0)
		return fail(errno, "stdio");
	return 0;
}

static int stdio_open(struct process *p, struct stdio *s)
{
	*s = (struct stdio){.theirs = {-1, -1, -1}, .saved = {-1, -1, -1}};
	if (p->spec->process.terminal)
		return 0;
	for (int i = 0; i < AGENT_STREAMS; i++) {
		int r = open_pipe(p, s, i);

		if (r < 0)
			return r;
	}
	for (int i = 0; i < AGENT_STREAMS; i++) {
		s->saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (s->saved[i] < 0 || dup2(s->theirs[i], i) < 0)
			return fail(errno, "stdio");
	}
	return 0;
}

static void stdio_restore(struct stdio *s)
{
	for (int i = 0; i < AGENT_STREAMS; i++) {
		if (s->saved[i] >= 0) {
			dup2(s->saved[i], i);
			close(s->saved[i]);
		}
		cleanup_fd(&s->theirs[i]);
	}
}

/* A terminal's master is one description, read and written by two of our fds. */
static int take_terminal(struct process *p, int master)
{
	if (fcntl(master, F_SETFL, O_NONBLOCK) < 0)
		return fail(errno, "terminal");
	p->stdio[AGENT_STREAM_STDOUT] = master;
	p->stdio[AGENT_STREAM_STDIN] = fcntl(master, F_DUPFD_CLOEXEC, 3);
	if (p->stdio[AGENT_STREAM_STDIN] < 0)
		return fail(errno, "terminal");
	return 0;
}

/* -- Create, start, signal ------------------------------------------------ */

static int get_filter(const struct process *p, struct buf *bpf,
		      unsigned *flags)
{
	const struct spec_seccomp *sec = p->spec->linux_.seccomp;
	size_t skipped = 0;

	if (!sec)
		return 0;
	*flags = sec->flags;
	return seccomp_compile(sec, bpf, &skipped);
}

static int shake_hands(struct process *p)
{
	_cleanup_(buf_fini) struct buf bpf = {};
	struct handshake h = {
		.child = &p->child, .bpf = &bpf, .terminal = -1};
	int r = get_filter(p, &bpf, &h.bpf_flags);

	if (r == 0)
		r = handshake_run(&h, true);
	if (r == 0 && h.terminal >= 0)
		r = take_terminal(p, h.terminal);
	if (r < 0)
		handshake_kill(&p->child);
	return r;
}

static int spawn(struct process *p)
{
	struct isolate iso;
	struct stdio stdio;
	int r = stdio_open(p, &stdio);

	if (r == 0) {
		r = prepare(p, &iso);
		if (r == 0)
			r = isolate_spawn(&iso, &p->child);
		prepared_close(&iso);
	}
	stdio_restore(&stdio);
	return r < 0 ? r : shake_hands(p);
}

int process_create(struct process *p, const uint8_t *frame, size_t len)
{
	int r = read_frame(p, frame, len);

	if (r < 0)
		return r;
	p->run = open(GUEST_RUN, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->run < 0)
		return fail(errno, "open %s", GUEST_RUN);
	r = open_cgroup(p);
	return r < 0 ? r : spawn(p);
}

int process_start(struct process *p)
{
	p->starting = handshake_start(p->run);
	return p->starting < 0 ? p->starting : 0;
}

int process_started(struct process *p)
{
	int r = handshake_started(p->starting);

	close(p->starting);
	p->starting = -1;
	return r;
}

void process_signal(struct process *p, int sig)
{
	if (p->child.pidfd >= 0 &&
	    sys_pidfd_send_signal(p->child.pidfd, sig) < 0)
		log_debug("signal %d: the process is gone", sig);
}

void process_resize(int fd, const struct agent_size *size)
{
	const struct winsize ws = {.ws_row = size->rows,
				   .ws_col = size->columns};

	if (fd >= 0 && ioctl(fd, TIOCSWINSZ, &ws) < 0)
		log_debug("cannot set the size of the terminal");
}
