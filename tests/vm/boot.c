/* SPDX-License-Identifier: MIT */
/* Boots a kernel on the VMM: what the tests of machines start. */
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/log.h"
#include "microvm/boot/kernel.h"
#include "microvm/kvm.h"
#include "microvm/microvm.h"

#define SHARES_MAX 4
#define DISKS_MAX  4
#define NETS_MAX   4

/* What the command line says. */
struct request {
	const char *kernel, *cache;
	bool probe; /* only ask whether KVM can run a kernel */
	struct vm_fs fs[SHARES_MAX];
	struct vm_disk disks[DISKS_MAX];
	struct vm_net nets[NETS_MAX];
};

static const struct option options[] = {
	{"append", required_argument, NULL, 'a'},
	{"balloon", no_argument, NULL, 'b'},
	{"cache", required_argument, NULL, 'C'},
	{"cpus", required_argument, NULL, 'c'},
	{"debug", no_argument, NULL, 'D'},
	{"disk", required_argument, NULL, 'd'},
	{"initramfs", required_argument, NULL, 'i'},
	{"kernel", required_argument, NULL, 'k'},
	{"memory", required_argument, NULL, 'm'},
	{"net", required_argument, NULL, 'n'},
	{"probe", no_argument, NULL, 'p'},
	{"serial", no_argument, NULL, 's'},
	{"share", required_argument, NULL, 'S'},
	{},
};

static int usage(void)
{
	fprintf(stderr,
		"usage: boot --probe | --kernel FILE [--initramfs FILE]\n"
		"  [--append TEXT] [--cpus N] [--memory MIB] [--share DIR]...\n"
		"  [--disk FILE]... [--net TAP]... [--balloon] [--cache DIR] [--serial] "
		"[--debug]\n"
		"Exits 0 when the guest ended, 1 on failure, 3 when stopped by "
		"SIGTERM.\n");
	return 2;
}

static int must_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "boot: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

/* A new interface, which is gone when we are. */
static int open_tap(const char *name)
{
	int fd = must_open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI |
					     IFF_VNET_HDR};

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		fprintf(stderr, "boot: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return fd;
}

static bool parse_option(struct request *q, struct vm_config *c, int option)
{
	switch (option) {
	case 'a': c->cmdline = optarg; return true;
	case 'b': c->balloon = true; return true;
	case 'C': q->cache = optarg; return true;
	case 'c': c->cpus = (unsigned)atoi(optarg); return true;
	case 'D': log_set_level(LOG_LEVEL_DEBUG); return true;
	case 'd':
		if (c->n_disks == DISKS_MAX)
			return false;
		q->disks[c->n_disks++].fd = must_open(optarg, O_RDWR);
		return true;
	case 'i': c->initramfs = must_open(optarg, O_RDONLY); return true;
	case 'k': q->kernel = optarg; return true;
	case 'm':
		c->memory_bytes = strtoull(optarg, NULL, 10) << 20;
		return true;
	case 'n':
		if (c->n_nets == NETS_MAX)
			return false;
		q->nets[c->n_nets++] = (struct vm_net){
			.tap = open_tap(optarg), .mac = {2, 0, 0, 0, 0, 1}};
		return true;
	case 'p': q->probe = true; return true;
	case 's': c->serial = true; return true;
	case 'S':
		if (c->n_fs == SHARES_MAX)
			return false;
		q->fs[c->n_fs++] = (struct vm_fs){
			"share", must_open(optarg, O_PATH | O_DIRECTORY),
			false};
		return true;
	}
	return false;
}

static int report(int r)
{
	if (r < 0)
		fprintf(stderr, "boot: %s\n", fail_text());
	return r < 0;
}

/* The agent port's other end is open, and silent. SIGTERM stops. */
static int run(const struct request *q, struct vm_config *c)
{
	_cleanup_fd_ int cache =
		q->cache ? must_open(q->cache, O_PATH | O_DIRECTORY) : -1;
	_cleanup_fd_ int kernel = kernel_open(q->kernel, cache);
	int agent[2];
	sigset_t term;
	enum vm_end end;

	if (kernel < 0)
		return report(kernel);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	c->kernel = kernel;
	c->stop = signalfd(-1, &term, SFD_CLOEXEC);
	if (c->stop < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, agent) < 0)
		return report(fail(errno, "make a socket"));
	c->agent = agent[0];
	if (report(vm_run(c, &end)))
		return 1;
	return end == VM_END_SHUTDOWN ? 0 : 3;
}

int main(int argc, char **argv)
{
	struct request q = {};
	struct vm_config c = {
		.cpus = 1,
		.memory_bytes = 256 << 20,
		.initramfs = -1,
		.cmdline = "",
		.log = STDOUT_FILENO,
		.fs = q.fs,
		.disks = q.disks,
		.nets = q.nets,
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (!parse_option(&q, &c, option))
			return usage();
	}
	if (optind < argc || (!q.kernel && !q.probe))
		return usage();
	c.kvm = must_open("/dev/kvm", O_RDWR);
	c.proc = must_open("/proc", O_PATH | O_DIRECTORY);
	return q.probe ? report(kvm_probe(c.kvm)) : run(&q, &c);
}
