/* SPDX-License-Identifier: MIT */
/* The process that a micro-VM's container is on the host: machine and agent. */
#include "runtime/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "runtime/guest/boot.h"
#include "runtime/vm_agent.h"
#include "runtime/vm_confine.h"

/* Our init, and what spares the kernel to look for what is not there. */
#define CMDLINE                                                                \
	"rdinit=/init random.trust_cpu=on cryptomgr.notests "                  \
	"rcupdate.rcu_expedited=1 8250.nr_uarts=0"

#define STACK_BYTES (512 << 10)

/* -- Before the jail ------------------------------------------------------ */

/* Of this pid namespace, and mounted nowhere: it shows our own processes. */
static int open_proc(void)
{
	_cleanup_fd_ int fs = sys_fsopen("proc", FSOPEN_CLOEXEC);
	int mnt;

	if (fs < 0)
		return fail(errno, "open a procfs");
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "subset", "pid") < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return fail(errno, "make a procfs");
	mnt = sys_fsmount(fs, FSMOUNT_CLOEXEC,
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				  MOUNT_ATTR_NOEXEC);
	return mnt < 0 ? fail(errno, "mount a procfs") : mnt;
}

static int fill_config(struct vmm *v, int agent)
{
	int log = v->debug ? STDERR_FILENO : -1;

	if (asprintf(&v->cmdline, CMDLINE "%s%s%s", v->debug ? " ignore_loglevel" : " quiet",
		     v->parameters ? " " : "",
		     v->parameters ? v->parameters : "") < 0)
		return fail(ENOMEM, "command line");
	v->fs = (struct vm_fs){.tag = GUEST_SHARE_TAG, .root = -1};
	v->config = (struct vm_config){
		.cpus = v->choice.cpus,
		.memory_bytes = v->choice.memory_bytes,
		.kvm = v->choice.kvm,
		.kernel = v->choice.kernel,
		.initramfs = v->choice.initramfs,
		.cmdline = v->cmdline,
		.log = log,
		.agent = agent,
		.fs = &v->fs,
		.n_fs = 1,
		.proc = open_proc(),
		.balloon = true,
		.confine = vm_confine,
		.stop = -1,
	};
	return v->config.proc < 0 ? v->config.proc : 0;
}

int vmm_before_root(void *arg)
{
	struct vmm *v = arg;
	int ends[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail(errno, "make a socket");
	v->agent = ends[0];
	r = fill_config(v, ends[1]);
	if (r == 0 && v->choice.qemu) {
		r = qemu_start(&v->qemu, &v->config, v->choice.qemu);
		close(ends[1]);
		v->config.agent = -1;
	}
	return r;
}

/* -- The jail ------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Whatever else the runtime had open stays out of the guest's reach. */
static void close_others(struct vmm *v, int *sync)
{
	int keep[] = {2,
		      *sync,
		      v->listener,
		      v->agent,
		      v->config.agent,
		      v->config.kvm,
		      v->config.kernel,
		      v->config.initramfs,
		      v->config.proc,
		      v->qemu.pid ? v->qemu.pidfd : -1,
		      v->qemu.pid ? v->qemu.fs : -1};
	size_t n = ARRAY_SIZE(keep);

	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		unsigned first = (unsigned)keep[i] + 1;
		unsigned last = i + 1 < n ? (unsigned)keep[i + 1] - 1 : ~0U;

		if (keep[i] >= 2 && first <= last)
			sys_close_range(first, last, 0);
	}
}

/* The file server holds an fd for each file that the guest knows. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * Before threads are made. A kernel with huge pages gives one to each stack
 * and each thread's heap that has room for it: two thirds of our memory.
 */
static int keep_small(void)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r == 0)
		r = pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (r == 0)
		r = pthread_setattr_default_np(&attr);
	mallopt(M_ARENA_MAX, 1);
	return r ? fail(r, "set the threads' stack size") : 0;
}

static void *run_machine(void *arg)
{
	struct vmm *v = arg;
	enum vm_end end;
	uint64_t one = 1;
	int r = v->choice.qemu ? qemu_run(&v->qemu, &v->config, &end)
			       : vm_run(&v->config, &end);

	if (r == 0)
		r = fail_plain(EIO, "the guest ended without a word (--debug "
				    "shows its console)");
	v->result = r;
	snprintf(v->text, sizeof(v->text), "%s", fail_text());
	(void)!write(v->ended, &one, sizeof(one));
	return NULL;
}

/* Agent's thread, after `ended` was readable. */
static int why_ended(void *arg)
{
	const struct vmm *v = arg;

	return fail_from(-v->result, v->text, strlen(v->text));
}

int vmm_run(void *arg, int sync)
{
	struct vmm *v = arg;
	pthread_t machine;
	int signals, r;

	close_others(v, &sync);
	raise_fd_limit();
	prctl(PR_SET_NAME, "bulkhead-vm");
	v->fs.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	v->ended = eventfd(0, EFD_CLOEXEC);
	v->config.stop = eventfd(0, EFD_CLOEXEC);
	if (v->fs.root < 0 || v->ended < 0 || v->config.stop < 0)
		return fail(errno, "virtual machine");
	signals = vm_agent_signals();
	if (signals < 0)
		return signals;
	r = keep_small();
	if (r < 0)
		return r;
	r = pthread_create(&machine, NULL, run_machine, v);
	if (r != 0)
		return fail(r, "start the machine's thread");
	/* Now that the threads are made which need more. */
	r = vm_confine(VM_THREAD_AGENT, NULL);
	if (r < 0)
		return r;

	const struct vm_agent_config agent = {
		.channel = v->agent,
		.sync = sync,
		.listener = v->listener,
		.ended = v->ended,
		.why = why_ended,
		.why_arg = v,
		.create = v->create.data,
		.create_bytes = v->create.len,
		.terminal = v->terminal,
	};

	r = vm_agent_run(&agent, signals);
	/* The machine goes with the process: nothing in it is to be kept. */
	_exit(r < 0 ? 1 : r);
}
