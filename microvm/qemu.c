/* SPDX-License-Identifier: MIT */
/* The other VMM: QEMU's translator, where KVM cannot run a kernel. */
#include "microvm/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/compat.h"
#include "lib/fail.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/host/fuse.h"
#include "microvm/host/vhost_user.h"

/* Where QEMU finds what it is given. */
enum { FD_KERNEL = 3, FD_INITRAMFS, FD_AGENT, FD_FS, FD_ENDS };

#define NOBODY 65534

/* -- The child ------------------------------------------------------------ */

/*
 * Reads the host's files and does nothing else: a mount namespace of its own,
 * all read-only; nobody's ids where there are such; no capability to be had.
 */
static int give_up_rights(void)
{
	const struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY |
						    MOUNT_ATTR_NOSUID};
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[2] = {};

	if (unshare(CLONE_NEWNS) < 0)
		return fail(errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(errno, "cut the propagation of /");
	/* Not every mount may be changed by everybody; best effort. */
	syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attr,
		sizeof(attr));
	prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
					 SECBIT_NO_SETUID_FIXUP |
					 SECBIT_NO_SETUID_FIXUP_LOCKED);
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0)
		if (errno != EINVAL && errno != EPERM)
			return fail(errno, "become nobody");
	if (syscall(SYS_capset, &head, none) < 0)
		return fail(errno, "drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(errno, "set no_new_privs");
	/* Last: a change of ids takes it back. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(errno, "end with the parent");
	return 0;
}

/* Puts the fds where the arguments name them; all else is closed by exec. */
static int arrange_fds(const struct vm_config *config, int fs, int status)
{
	const int given[] = {config->kernel, config->initramfs, config->agent,
			     fs, status};
	int high[ARRAY_SIZE(given)];

	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		high[i] = fcntl(given[i], F_DUPFD_CLOEXEC, FD_ENDS + 1);
		if (high[i] < 0)
			return fail(errno, "hand on fd %d", given[i]);
	}
	for (size_t i = 0; i + 1 < ARRAY_SIZE(given); i++)
		if (dup2(high[i], FD_KERNEL + (int)i) < 0)
			return fail(errno, "hand on fd %d", given[i]);
	if (dup3(high[ARRAY_SIZE(given) - 1], FD_ENDS, O_CLOEXEC) < 0)
		return fail(errno, "hand on fd %d", status);
	sys_close_range(FD_ENDS + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	return 0;
}

static int arrange_stdio(int log)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return fail(errno, "open /dev/null");
	if (dup2(null, 0) < 0 || dup2(log >= 0 ? log : null, 1) < 0 ||
	    dup2(log >= 0 ? log : null, 2) < 0)
		return fail(errno, "stdio");
	return 0;
}

static int exec_qemu(const struct vm_config *config, const char *binary)
{
	char memory[96], cpus[16], cmdline[4096];
	unsigned long long mib = config->memory_bytes >> 20;

	snprintf(memory, sizeof(memory),
		 "memory-backend-memfd,id=ram,size=%lluM,share=on", mib);
	snprintf(cpus, sizeof(cpus), "%u", config->cpus);
	/*
	 * The translator's counter is the host's. A guest that has to measure
	 * it by the PIT waits for ever, now and then, for an interrupt of it.
	 */
	if ((size_t)snprintf(cmdline, sizeof(cmdline),
			     VM_CMDLINE " %s tsc_early_khz=%llu tsc=reliable",
			     config->cmdline,
			     (unsigned long long)x86_tsc_khz()) >=
	    sizeof(cmdline))
		return fail_plain(E2BIG, "the kernel's command line is longer "
					 "than %zu bytes",
				  sizeof(cmdline) - 1);

	char megabytes[32], tag[128];

	snprintf(megabytes, sizeof(megabytes), "%lluM", mib);
	snprintf(tag, sizeof(tag), "vhost-user-fs-device,chardev=fs,tag=%s",
		 config->fs[0].tag);

	/*
	 * One thread for all processors: with more a guest fails to come up now
	 * and then, as if one ran code that another has just patched.
	 */
	const char *const argv[] = {
		binary, "-M", "microvm,acpi=on,isa-serial=off,rtc=on",
		"-accel", "tcg,thread=single", "-cpu", "max",
		"-m", megabytes, "-object", memory,
		"-machine", "memory-backend=ram", "-smp", cpus,
		"-nodefaults", "-no-user-config", "-display", "none",
		"-no-reboot",
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,"
			    "spawn=deny,resourcecontrol=deny",
		"-kernel", "/proc/self/fd/3", "-initrd", "/proc/self/fd/4",
		"-append", cmdline,
		"-chardev", "stdio,id=log,signal=off",
		"-chardev", "socket,id=agent,fd=5",
		"-chardev", "socket,id=fs,fd=6",
		"-device", "virtio-serial-device,max_ports=2",
		"-device", "virtconsole,chardev=log,nr=0",
		"-device", "virtserialport,chardev=agent,nr=1,"
			   "name=bulkhead.agent",
		"-device", "virtio-rng-device", "-device", tag, NULL,
	};
	char *const env[] = {NULL};

	execve(binary, (char *const *)argv, env);
	return fail(errno, "exec %s", binary);
}

/* Sends the text of its failure through status, which exec closes. */
static _Noreturn void child(const struct vm_config *config, int fs, int status,
			    const char *binary)
{
	sigset_t no_signals;
	int r = arrange_stdio(config->log);

	sigemptyset(&no_signals);
	sigprocmask(SIG_SETMASK, &no_signals, NULL);
	if (r == 0)
		r = arrange_fds(config, fs, status);
	if (r == 0)
		r = give_up_rights();
	if (r == 0)
		r = exec_qemu(config, binary);
	(void)!write(FD_ENDS, fail_text(), strlen(fail_text()));
	_exit(1);
}

/* -- The parent ----------------------------------------------------------- */

/* Until exec has closed the pipe, or the child told why it does not. */
static int await_exec(int status)
{
	char text[FAIL_TEXT_MAX];
	ssize_t n = read(status, text, sizeof(text));

	if (n < 0)
		return fail(errno, "start QEMU");
	return n > 0 ? fail_from(EIO, text, (size_t)n) : 0;
}

int qemu_start(struct qemu *q, const struct vm_config *config,
	       const char *binary)
{
	_cleanup_fd_ int theirs = -1, read_end = -1;
	int fs[2], status[2];
	int r;

	*q = (struct qemu){.pidfd = -1, .fs = -1};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fs) < 0)
		return fail(errno, "make a socket");
	q->fs = fs[0];
	theirs = fs[1];
	if (pipe2(status, O_CLOEXEC) < 0)
		return fail(errno, "make a pipe");
	read_end = status[0];
	q->pid = fork();
	if (q->pid == 0)
		child(config, theirs, status[1], binary);
	r = q->pid < 0 ? fail(errno, "fork") : 0;
	close(status[1]);
	if (r == 0)
		r = await_exec(read_end);
	if (r == 0 && (q->pidfd = sys_pidfd_open(q->pid, 0)) < 0)
		r = fail(errno, "follow QEMU");
	return r < 0 ? fail_in(r, "QEMU") : 0;
}

static int serve(struct qemu *q, const struct vm_config *config)
{
	const struct fuse_config fc = {.root = config->fs[0].root,
				       .proc = config->proc,
				       .readonly = config->fs[0].readonly};
	struct fuse_server *server;
	int r = config->confine
			? config->confine(VM_THREAD_FS, config->confine_arg)
			: 0;

	if (r == 0)
		r = fuse_server_create(&fc, &server);
	if (r < 0)
		return r;
	r = vhost_user_fs_run(q->fs, server);
	fuse_server_destroy(server);
	return r;
}

int qemu_run(struct qemu *q, const struct vm_config *config, enum vm_end *end)
{
	int status;
	int r = serve(q, config);

	if (r < 0)
		return fail_in(r, "file server");
	/* It has closed the socket: it ends, or has ended. */
	if (waitpid(q->pid, &status, 0) < 0)
		return fail(errno, "wait for QEMU");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return fail_plain(EIO, "QEMU failed (--debug shows what it "
				       "said)");
	*end = VM_END_SHUTDOWN;
	return 0;
}
