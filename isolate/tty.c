/* SPDX-License-Identifier: MIT */
/* The container's terminal: a pty of its own devpts. */
#include "isolate/tty.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/path.h"

int tty_open(int root, uint16_t height, uint16_t width, int *master,
	     int *slave)
{
	const struct winsize size = {.ws_row = height, .ws_col = width};
	int unlock = 0;
	_cleanup_fd_ int pts =
		path_open_nolinks(root, "dev/pts", O_PATH | O_DIRECTORY);
	_cleanup_fd_ int ptm = -1;

	if (pts < 0)
		return fail(-pts, "open /dev/pts");
	if (!path_is_on(pts, DEVPTS_SUPER_MAGIC))
		return fail_plain(EINVAL, "/dev/pts is not a devpts");
	ptm = openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (ptm < 0)
		return fail(errno, "open /dev/pts/ptmx");
	if (ioctl(ptm, TIOCSPTLCK, &unlock) < 0)
		return fail(errno, "unlock the pty");
	/* By the master, not by a number under /dev/pts (CVE-2025-52565). */
	*slave = ioctl(ptm, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		return fail(errno, "open the pty's other side");
	if (height && width)
		ioctl(ptm, TIOCSWINSZ, &size);
	*master = take_fd(&ptm);
	return 0;
}

int tty_attach(int slave, unsigned uid)
{
	_cleanup_fd_ int own = slave;

	/* The caller has called setsid(2) already. */
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return fail(errno, "make the pty the controlling terminal");
	if (uid && fchown(slave, uid, (gid_t)-1) < 0)
		return fail(errno, "give the pty to uid %u", uid);
	for (int i = 0; i < 3; i++)
		if (dup2(slave, i) < 0)
			return fail(errno, "make the pty fd %d", i);
	return 0;
}
