/* SPDX-License-Identifier: MIT */
/* The container's terminal: a pty of its own devpts. */
#include "isolate/tty.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/path.h"

/* The master of a new pty; only a devpts makes one from opening its ptmx. */
static int open_master(int root)
{
	_cleanup_fd_ int pts =
		path_open_nolinks(root, "dev/pts", O_PATH | O_DIRECTORY);
	_cleanup_fd_ int master = -1;
	struct stat st;

	if (pts < 0)
		return fail(-pts, "open /dev/pts");
	if (!path_is_on(pts, DEVPTS_SUPER_MAGIC))
		return fail_plain(EINVAL, "/dev/pts is not a devpts");
	master = path_open_nolinks(pts, "ptmx", O_RDWR | O_NOCTTY);
	if (master < 0)
		return fail(-master, "open /dev/pts/ptmx");
	/* Something may have been mounted over it. */
	if (fstat(master, &st) < 0 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(5, 2))
		return fail_plain(EINVAL, "/dev/pts/ptmx is not a pty master");
	return take_fd(&master);
}

int tty_open(int root, uint16_t height, uint16_t width, int *master, int *slave)
{
	const struct winsize size = {.ws_row = height, .ws_col = width};
	_cleanup_fd_ int ours = open_master(root);
	int locked = 0;

	if (ours < 0)
		return ours;
	if (ioctl(ours, TIOCSPTLCK, &locked) < 0)
		return fail(errno, "unlock the pty");
	if (height && width && ioctl(ours, TIOCSWINSZ, &size) < 0)
		return fail(errno, "set the pty's size");
	/* By the master, not by a name under /dev/pts (CVE-2025-52565). */
	*slave = ioctl(ours, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		return fail(errno, "open the pty's other end");
	*master = take_fd(&ours);
	return 0;
}

int tty_control(void)
{
	if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return fail(errno, "make the pty the controlling terminal");
	return 0;
}

int tty_attach(int slave, unsigned uid)
{
	_cleanup_fd_ int own = slave;

	if (fchown(own, uid, (gid_t)-1) < 0)
		return fail(errno, "give the pty to uid %u", uid);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(own, fd) < 0)
			return fail(errno, "make the pty fd %d", fd);
	/* It may be one of the three itself, then it has to stay. */
	if (own <= STDERR_FILENO && fcntl(take_fd(&own), F_SETFD, 0) < 0)
		return fail(errno, "keep the pty open");
	return 0;
}
