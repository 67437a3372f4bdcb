/* SPDX-License-Identifier: MIT */
/* Tests of isolate/tty.c: the pty comes from the container's own devpts. */
#include <sys/ioctl.h>
#include <termios.h>

#include "isolate/tty.h"
#include "tests/unit/sandbox.h"
#include "tests/unit/test.h"

static void open_body(struct box *b)
{
	struct winsize size = {0};
	struct termios raw;
	char got[8] = "";
	int master, slave;

	add_mount(b, SPEC_MOUNT_FS, "devpts", "devpts", "/dev/pts");
	NEED(box_mount(b) == 0);
	NEED(tty_open(b->root, 43, 132, &master, &slave) == 0);
	NEED(ioctl(slave, TIOCGWINSZ, &size) == 0);
	NEED(size.ws_row == 43 && size.ws_col == 132);
	NEED(exists(at(b, "root/dev/pts/0")));
	NEED(tcgetattr(slave, &raw) == 0);
	cfmakeraw(&raw);
	NEED(tcsetattr(slave, TCSANOW, &raw) == 0);
	NEED(write(slave, "hello", 5) == 5 && read(master, got, 7) == 5);
	NEED(strcmp(got, "hello") == 0);
	NEED(fcntl(master, F_GETFD) == FD_CLOEXEC);
	NEED(fcntl(slave, F_GETFD) == FD_CLOEXEC);
}

static void attach_body(struct box *b)
{
	struct stat st;
	int master, slave;
	pid_t pid;
	int status = 1;

	add_mount(b, SPEC_MOUNT_FS, "devpts", "devpts", "/dev/pts");
	NEED(box_mount(b) == 0);
	NEED(tty_open(b->root, 0, 0, &master, &slave) == 0);
	pid = fork();
	if (pid == 0) {
		bool ok = setsid() > 0 && tty_attach(slave, 1234) == 0 &&
			  tty_control() == 0 &&
			  isatty(0) && isatty(1) && isatty(2) &&
			  fcntl(0, F_GETFD) == 0 &&
			  fcntl(slave, F_GETFD) < 0 &&
			  tcgetsid(0) == getpid();

		_exit(!ok);
	}
	waitpid(pid, &status, 0);
	NEED(status == 0);
	NEED(fstat(slave, &st) == 0 && st.st_uid == 1234);
}

static void fake_body(struct box *b)
{
	int master = -1, slave = -1;

	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(mkdir(at(b, "root/dev/pts"), 0755) == 0);
	NEED(mknod(at(b, "root/dev/pts/ptmx"), S_IFCHR | 0666,
		   makedev(5, 2)) == 0);
	NEED(box_mount(b) == 0);
	NEED(tty_open(b->root, 0, 0, &master, &slave) == -EINVAL);
	NEED(SAID("/dev/pts is not a devpts"));
	NEED(master == -1 && slave == -1);
}

static void link_body(struct box *b)
{
	int master = -1, slave = -1;

	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(symlink("/dev/pts", at(b, "root/dev/pts")) == 0);
	NEED(box_mount(b) == 0);
	NEED(tty_open(b->root, 0, 0, &master, &slave) == -ELOOP);
}

static void covered_body(struct box *b)
{
	int master = -1, slave = -1;

	NEED(put(at(b, "host/f"), ""));
	add_mount(b, SPEC_MOUNT_FS, "devpts", "devpts", "/dev/pts");
	add_mount(b, SPEC_MOUNT_BIND, "", strdup(at(b, "host/f")),
		  "/dev/pts/ptmx");
	NEED(box_mount(b) == 0);
	NEED(tty_open(b->root, 0, 0, &master, &slave) == -EINVAL);
	NEED(SAID("/dev/pts/ptmx is not a pty master"));
}

int main(void)
{
	if (geteuid() != 0) {
		TEST("terminals") {
			SKIP("needs root");
		}
		return test_done();
	}
	TEST("a pty of the container's devpts is opened with its size")
		CHECK(sandbox(open_body, 0));
	TEST("the slave becomes the controlling terminal and fds 0 to 2")
		CHECK(sandbox(attach_body, 0));
	TEST("a /dev/pts that is no devpts is refused")
		CHECK(sandbox(fake_body, 0));
	TEST("a /dev/pts that is a link is refused")
		CHECK(sandbox(link_body, 0));
	TEST("a ptmx that something was bound over is refused")
		CHECK(sandbox(covered_body, 0));
	return test_done();
}
