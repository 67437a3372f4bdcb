/* SPDX-License-Identifier: MIT */
/* The file server does what a guest's file system needs of it. */
#include "tests/unit/test.h"

#include <errno.h>

#include "tests/unit/fuse_guest.h"

static struct guest g;

static void put(const char *name, const char *text)
{
	int fd = openat(g.root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void negotiates(void)
{
	struct fuse_init_in in = {.major = 7, .minor = 36, .flags = ~0u};

	CHECK(guest_start(&g, false));
	CHECK_INT(guest_call(&g, FUSE_INIT, 0, &in, sizeof(in), NULL, NULL), 0);
	CHECK_INT(ANSWER(&g, fuse_init_out)->major, 7);
	CHECK(ANSWER(&g, fuse_init_out)->flags & FUSE_DO_READDIRPLUS);
	CHECK(!(ANSWER(&g, fuse_init_out)->flags & FUSE_POSIX_LOCKS));
	CHECK(!(ANSWER(&g, fuse_init_out)->flags & FUSE_EXPORT_SUPPORT));
	in.minor = 20;
	CHECK_INT(guest_call(&g, FUSE_INIT, 0, &in, sizeof(in), NULL, NULL),
		  -EPROTO);
	guest_stop(&g);
}

static void reads_and_writes(void)
{
	uint64_t fh, again;

	CHECK(guest_start(&g, false));
	CHECK_INT(guest_create(&g, 1, "file", O_RDWR, 0644, &fh), 0);
	CHECK_INT(ANSWER(&g, fuse_entry_out)->attr.mode, S_IFREG | 0644);
	CHECK_INT(guest_write(&g, fh, "hello world", 0, 0), 0);
	CHECK_INT(ANSWER(&g, fuse_write_out)->size, 11);
	CHECK_STR(guest_read(&g, fh, 6, 100), "world");
	CHECK_INT(guest_create(&g, 1, "file", O_RDWR | O_EXCL, 0644, &again),
		  -EEXIST);
	CHECK_INT(guest_create(&g, 1, "file", O_RDONLY, 0644, &again), 0);
	CHECK_STR(guest_read(&g, again, 0, 5), "hello");
	CHECK(guest_open(&g, guest_lookup(&g, 1, "file"), O_RDWR | O_TRUNC));
	CHECK_STR(guest_read(&g, fh, 0, 5), "");
	guest_stop(&g);
}

static void unlinked_lives(void)
{
	struct fuse_release_in in = {0};
	struct stat st;

	CHECK(guest_start(&g, false));
	CHECK_INT(guest_create(&g, 1, "file", O_RDWR, 0600, &in.fh), 0);
	CHECK_INT(guest_call(&g, FUSE_UNLINK, 1, "", 0, "file", NULL), 0);
	CHECK(fstatat(g.root, "file", &st, 0) < 0);
	CHECK_INT(guest_write(&g, in.fh, "still", 0, 0), 0);
	CHECK_STR(guest_read(&g, in.fh, 0, 9), "still");
	CHECK_INT(guest_call(&g, FUSE_RELEASE, 1, &in, sizeof(in), NULL, NULL),
		  0);
	CHECK_STR(guest_read(&g, in.fh, 0, 9), "");
	CHECK_INT(guest_call(&g, FUSE_RELEASE, 1, &in, sizeof(in), NULL, NULL),
		  -EBADF);
	guest_stop(&g);
}

static void names(void)
{
	struct fuse_mkdir_in mk = {.mode = 0777, .umask = 022};
	struct fuse_rename2_in move = {.flags = 1 /* RENAME_NOREPLACE */};
	struct fuse_link_in link = {0};

	CHECK(guest_start(&g, false));
	CHECK_INT(guest_call(&g, FUSE_MKDIR, 1, &mk, sizeof(mk), "dir", NULL),
		  0);
	CHECK_INT(ANSWER(&g, fuse_entry_out)->attr.mode, S_IFDIR | 0755);
	move.newdir = ANSWER(&g, fuse_entry_out)->nodeid;
	put("a", "a");
	CHECK_INT(
		guest_call(&g, FUSE_RENAME2, 1, &move, sizeof(move), "a", "b"),
		0);
	put("a", "new");
	CHECK_INT(
		guest_call(&g, FUSE_RENAME2, 1, &move, sizeof(move), "a", "b"),
		-EEXIST);
	move.flags = 2; /* RENAME_EXCHANGE */
	CHECK_INT(
		guest_call(&g, FUSE_RENAME2, 1, &move, sizeof(move), "a", "b"),
		0);
	link.oldnodeid = guest_lookup(&g, move.newdir, "b");
	CHECK_INT(guest_call(&g, FUSE_LINK, 1, &link, sizeof(link), "c", NULL),
		  0);
	CHECK_INT(ANSWER(&g, fuse_entry_out)->attr.nlink, 2);
	CHECK_INT(ANSWER(&g, fuse_entry_out)->nodeid, link.oldnodeid);
	CHECK_INT(guest_call(&g, FUSE_SYMLINK, 1, "", 0, "s", "/target"), 0);
	CHECK_INT(guest_call(&g, FUSE_READLINK,
			     ANSWER(&g, fuse_entry_out)->nodeid, "", 0, NULL,
			     NULL),
		  0);
	CHECK(g.got == 16 + 7 && memcmp(g.answer + 16, "/target", 7) == 0);
	CHECK_INT(guest_call(&g, FUSE_RMDIR, 1, "", 0, "dir", NULL),
		  -ENOTEMPTY);
	CHECK_INT(guest_call(&g, FUSE_UNLINK, 1, "", 0, "s", NULL), 0);
	CHECK_INT(guest_lookup(&g, 1, "s"), 0);
	guest_stop(&g);
}

static void attributes(void)
{
	struct fuse_setattr_in in = {
		.valid = FATTR_MODE | FATTR_SIZE | FATTR_MTIME,
		.mode = 0640,
		.size = 3,
		.mtime = 1000,
		.mtimensec = 5,
	};
	const struct fuse_attr *attr = &ANSWER(&g, fuse_attr_out)->attr;
	uint64_t id;

	CHECK(guest_start(&g, false));
	put("a", "12345");
	id = guest_lookup(&g, 1, "a");
	CHECK_INT(guest_call(&g, FUSE_SETATTR, id, &in, sizeof(in), NULL, NULL),
		  0);
	CHECK_INT(attr->mode, S_IFREG | 0640);
	CHECK_INT(attr->size, 3);
	CHECK_INT(attr->mtime, 1000);
	CHECK_INT(attr->mtimensec, 5);
	CHECK_INT(guest_call(&g, FUSE_STATFS, 1, "", 0, NULL, NULL), 0);
	CHECK(ANSWER(&g, fuse_statfs_out)->st.bsize > 0);
	guest_stop(&g);
}

/* Counts the entries of the root that begin with f. */
static int count_plus(uint64_t fh, uint32_t size)
{
	struct fuse_read_in in = {.fh = fh, .size = size};
	int n = 0;

	for (;;) {
		if (guest_call(&g, FUSE_READDIRPLUS, 1, &in, sizeof(in), NULL,
			       NULL) != 0)
			return -1;
		if (g.got == 16)
			return n;
		for (size_t at = 16; at < (size_t)g.got;) {
			const struct fuse_direntplus *d =
				(const void *)(g.answer + at);

			n += d->dirent.name[0] == 'f' && d->entry_out.nodeid;
			in.offset = d->dirent.off;
			at += FUSE_DIRENTPLUS_SIZE(d);
		}
	}
}

static void lists(void)
{
	struct fuse_open_in open = {0};
	uint64_t fh;

	CHECK(guest_start(&g, false));
	for (int i = 0; i < 300; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i);
		put(name, "");
	}
	CHECK_INT(guest_call(&g, FUSE_OPENDIR, 1, &open, sizeof(open), NULL,
			     NULL),
		  0);
	fh = ANSWER(&g, fuse_open_out)->fh;
	CHECK_INT(count_plus(fh, 4096), 300);
	CHECK_INT(count_plus(fh, 65536), 300);
	guest_stop(&g);
}

static void holes(void)
{
	struct fuse_fallocate_in make = {.length = 1 << 20};
	struct fuse_fallocate_in punch = {.length = 65536, .mode = 3};
	struct fuse_lseek_in seek = {.whence = SEEK_HOLE};
	struct fuse_copy_file_range_in copy = {.len = 100, .nodeid_out = 1};

	CHECK(guest_start(&g, false));
	CHECK_INT(guest_create(&g, 1, "a", O_RDWR, 0600, &make.fh), 0);
	CHECK_INT(guest_write(&g, make.fh, "text", 0, 0), 0);
	CHECK_INT(guest_call(&g, FUSE_FALLOCATE, 1, &make, sizeof(make), NULL,
			     NULL),
		  0);
	punch.fh = seek.fh = copy.fh_in = make.fh;
	CHECK_INT(guest_create(&g, 1, "b", O_RDWR, 0600, &copy.fh_out), 0);
	CHECK_INT(guest_call(&g, FUSE_COPY_FILE_RANGE, 1, &copy, sizeof(copy),
			     NULL, NULL),
		  0);
	CHECK_INT(ANSWER(&g, fuse_write_out)->size, 100);
	CHECK_STR(guest_read(&g, copy.fh_out, 0, 4), "text");
	CHECK_INT(guest_call(&g, FUSE_FALLOCATE, 1, &punch, sizeof(punch), NULL,
			     NULL),
		  0);
	CHECK_INT(
		guest_call(&g, FUSE_LSEEK, 1, &seek, sizeof(seek), NULL, NULL),
		0);
	CHECK_INT(ANSWER(&g, fuse_lseek_out)->offset, 0);
	guest_stop(&g);
}

static void extended(void)
{
	struct fuse_getxattr_in ask = {.size = 100};
	uint32_t set[2] = {3, 0};
	uint64_t id;

	CHECK(guest_start(&g, false));
	put("a", "");
	id = guest_lookup(&g, 1, "a");
	guest_begin(&g, FUSE_SETXATTR, id);
	guest_put(&g, set, sizeof(set));
	guest_name(&g, "user.x");
	guest_put(&g, "abc", 3);
	if (guest_send(&g) == -EOPNOTSUPP)
		SKIP("a file system with user.* attributes in /tmp");
	CHECK_INT(guest_call(&g, FUSE_GETXATTR, id, &ask, sizeof(ask), "user.x",
			     NULL),
		  0);
	CHECK(g.got == 19 && memcmp(g.answer + 16, "abc", 3) == 0);
	CHECK_INT(guest_call(&g, FUSE_LISTXATTR, id, &ask, sizeof(ask), NULL,
			     NULL),
		  0);
	CHECK(g.got == 23 && memcmp(g.answer + 16, "user.x", 7) == 0);
	CHECK_INT(guest_call(&g, FUSE_REMOVEXATTR, id, "", 0, "user.x", NULL),
		  0);
	CHECK_INT(guest_call(&g, FUSE_GETXATTR, id, &ask, sizeof(ask), "user.x",
			     NULL),
		  -ENODATA);
	guest_stop(&g);
}

static void owners(void)
{
	struct stat st;
	uint64_t fh;

	if (geteuid() != 0)
		SKIP("root");
	CHECK(guest_start(&g, false));
	g.uid = 1234;
	g.gid = 4321;
	/* Into a directory of root's: the guest's kernel has checked. */
	CHECK_INT(guest_create(&g, 1, "a", O_RDWR, 06755, &fh), 0);
	CHECK(fstatat(g.root, "a", &st, 0) == 0);
	CHECK_INT(st.st_uid, 1234);
	CHECK_INT(st.st_gid, 4321);
	CHECK_INT(st.st_mode & 07777, 06755);
	CHECK_INT(guest_write(&g, fh, "x", 0, 0), 0);
	CHECK(fstatat(g.root, "a", &st, 0) == 0);
	CHECK_INT(st.st_mode & 07777, 06755);
	CHECK_INT(guest_write(&g, fh, "x", 0, FUSE_WRITE_KILL_SUIDGID), 0);
	CHECK(fstatat(g.root, "a", &st, 0) == 0);
	CHECK_INT(st.st_mode & 07777, 0755);
	guest_stop(&g);
}

static void readonly(void)
{
	struct fuse_mkdir_in mk = {.mode = 0777};
	uint64_t fh, id;

	CHECK(guest_start(&g, true));
	put("a", "text");
	id = guest_lookup(&g, 1, "a");
	CHECK_STR(guest_read(&g, guest_open(&g, id, O_RDONLY), 0, 9), "text");
	CHECK_INT(guest_open(&g, id, O_RDWR), 0);
	CHECK_INT(guest_open(&g, id, O_TRUNC), 0);
	CHECK_INT(guest_create(&g, 1, "b", O_RDWR, 0600, &fh), -EROFS);
	CHECK_INT(guest_call(&g, FUSE_MKDIR, 1, &mk, sizeof(mk), "d", NULL),
		  -EROFS);
	CHECK_INT(guest_call(&g, FUSE_UNLINK, 1, "", 0, "a", NULL), -EROFS);
	guest_stop(&g);
}

static void temporary(void)
{
	struct fuse_create_in in = {.flags = O_RDWR, .mode = 0600};
	struct fuse_link_in link = {0};
	struct stat st;

	CHECK(guest_start(&g, false));
	CHECK_INT(guest_call(&g, FUSE_TMPFILE, 1, &in, sizeof(in), "/", NULL),
		  0);
	link.oldnodeid = ANSWER(&g, fuse_entry_out)->nodeid;
	CHECK_INT(guest_call(&g, FUSE_LINK, 1, &link, sizeof(link), "t", NULL),
		  0);
	CHECK(fstatat(g.root, "t", &st, 0) == 0);
	guest_stop(&g);
}

static void forgets(void)
{
	struct fuse_forget_in two = {.nlookup = 2};
	uint64_t id;

	CHECK(guest_start(&g, false));
	put("a", "");
	id = guest_lookup(&g, 1, "a");
	CHECK(id == guest_lookup(&g, 1, "a"));
	CHECK_INT(
		guest_call(&g, FUSE_FORGET, id, &two, sizeof(two), NULL, NULL),
		1);
	CHECK_INT(g.got, 0);
	CHECK_INT(guest_open(&g, id, O_RDONLY), 0);
	/* The number is not given again. */
	CHECK(guest_lookup(&g, 1, "a") != id);
	guest_stop(&g);
}

int main(void)
{
	TEST("the protocol's version and what is served are agreed on",
	     negotiates);
	TEST("a file is made, written, read and truncated", reads_and_writes);
	TEST("an open file outlives its name", unlinked_lives);
	TEST("names are made, moved, exchanged, linked and removed", names);
	TEST("mode, size and times are set", attributes);
	TEST("a directory is listed in parts, each entry once", lists);
	TEST("space is allocated, punched, copied and searched", holes);
	TEST("extended attributes are set, read, listed and removed", extended);
	TEST("a new file is the caller's, and loses set-id bits by a write "
	     "when the guest says so",
	     owners);
	TEST("a read-only server changes nothing", readonly);
	TEST("a nameless file gets a name", temporary);
	TEST("what the guest forgot is gone, and its number with it", forgets);
	return test_done();
}
