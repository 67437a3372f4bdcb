/* SPDX-License-Identifier: MIT */
/* The file server holds against a guest that breaks the protocol's rules. */
#include "tests/unit/test.h"

#include <errno.h>
#include <pthread.h>

#include "tests/unit/fuse_guest.h"

static struct guest g;

static void short_requests(void)
{
	struct fuse_in_header head = {.opcode = FUSE_GETATTR, .nodeid = 1};
	struct iovec in = {&head, sizeof(head)}, out = {g.answer, 16};

	CHECK(guest_start(&g, false));
	for (size_t n = 0; n < sizeof(head); n++) {
		in.iov_len = n;
		head.len = (uint32_t)n;
		CHECK_INT(fuse_server_handle(g.server, &in, 1, &out, 1),
			  -EPROTO);
	}
	in.iov_len = sizeof(head);
	head.len = sizeof(head) + 1;
	CHECK_INT(fuse_server_handle(g.server, &in, 1, &out, 1), -EPROTO);
	head.len = sizeof(head);
	CHECK_INT(fuse_server_handle(g.server, &in, 1, &out, 1), 16);
	CHECK_INT(((struct fuse_out_header *)g.answer)->error, -EINVAL);
	out.iov_len = 15;
	CHECK_INT(fuse_server_handle(g.server, &in, 1, &out, 1), -EPROTO);
	CHECK_INT(fuse_server_handle(g.server, NULL, 0, NULL, 0), -EPROTO);
	guest_stop(&g);
}

/* Each operation with too few bytes, on nodeids and handles that are none. */
static void unknown_numbers(void)
{
	static const uint64_t ids[] = {0, 2, 1ULL << 32 | 1, ~0ULL};
	unsigned char arg[128];

	CHECK(guest_start(&g, false));
	memset(arg, 0xff, sizeof(arg));
	for (uint32_t op = 0; op < 70; op++) {
		if (op == FUSE_INIT || op == FUSE_DESTROY)
			continue;
		for (size_t i = 0; i < 4; i++) {
			for (size_t len = 0; len < sizeof(arg); len += 4)
				CHECK(guest_call(&g, op, ids[i], arg, len, NULL,
						 NULL) != 0);
			CHECK(guest_call(&g, op, ids[i], arg, 0, "a", "b"));
		}
	}
	CHECK_INT(guest_call(&g, 4242, 1, "", 0, NULL, NULL), -ENOSYS);
	guest_stop(&g);
}

static void bad_names(void)
{
	static const char *const bad[] = {"",   "/",  "a/b", "../x",
					  "x/", "..", "."};
	struct fuse_mkdir_in mk = {.mode = 0777};
	char longest[400];
	uint64_t fh;

	CHECK(guest_start(&g, false));
	for (size_t i = 0; i < 7; i++) {
		CHECK(guest_call(&g, FUSE_MKDIR, 1, &mk, sizeof(mk), bad[i],
				 NULL) != 0);
		CHECK(guest_call(&g, FUSE_UNLINK, 1, "", 0, bad[i], NULL) != 0);
		CHECK(guest_call(&g, FUSE_RMDIR, 1, "", 0, bad[i], NULL) != 0);
		CHECK(guest_call(&g, FUSE_SYMLINK, 1, "", 0, bad[i], "t") != 0);
		CHECK(guest_create(&g, 1, bad[i], O_RDWR, 0600, &fh) != 0);
		if (i < 5)
			CHECK_INT(guest_lookup(&g, 1, bad[i]), 0);
	}
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	CHECK_INT(guest_call(&g, FUSE_LOOKUP, 1, "", 0, longest, NULL),
		  -ENAMETOOLONG);
	/* No NUL at the end. */
	CHECK_INT(guest_call(&g, FUSE_LOOKUP, 1, "abc", 3, NULL, NULL),
		  -EINVAL);
	CHECK_INT(guest_call(&g, FUSE_RENAME, 1, "12345678", 8, "a", NULL),
		  -EINVAL);
	CHECK_INT(guest_call(&g, FUSE_SYMLINK, 1, "", 0, "a", ""), -ENOENT);
	guest_stop(&g);
}

static void stays_in_the_tree(void)
{
	uint64_t dir, link, fh;
	struct fuse_mkdir_in mk = {.mode = 0777};

	CHECK(guest_start(&g, false));
	/* Up from the root is the root. */
	CHECK_INT(guest_lookup(&g, 1, ".."), 1);
	CHECK_INT(guest_lookup(&g, 1, "."), 1);
	close(openat(g.dir, "secret", O_CREAT | O_WRONLY, 0600));
	CHECK(symlinkat("../secret", g.root, "out") == 0);
	CHECK(symlinkat("/", g.root, "up") == 0);
	link = guest_lookup(&g, 1, "out");
	CHECK_INT(ANSWER(&g, fuse_entry_out)->attr.mode & S_IFMT, S_IFLNK);
	CHECK_INT(guest_open(&g, link, O_RDONLY), 0);
	CHECK(guest_create(&g, 1, "out", O_RDWR, 0600, &fh) != 0);
	link = guest_lookup(&g, 1, "up");
	CHECK_INT(guest_lookup(&g, link, "etc"), 0);
	CHECK(guest_call(&g, FUSE_MKDIR, link, &mk, sizeof(mk), "x", NULL) !=
	      0);
	/* A directory that the host moves out leads no further up. */
	CHECK(mkdirat(g.root, "dir", 0755) == 0);
	dir = guest_lookup(&g, 1, "dir");
	CHECK(renameat(g.root, "dir", g.dir, "moved") == 0);
	CHECK_INT(guest_call(&g, FUSE_LOOKUP, dir, "", 0, "..", NULL), -ESTALE);
	guest_stop(&g);
}

static void opens_files_only(void)
{
	struct fuse_mknod_in in = {.mode = S_IFIFO | 0666};
	uint64_t fh;

	CHECK(guest_start(&g, false));
	CHECK_INT(guest_call(&g, FUSE_MKNOD, 1, &in, sizeof(in), "fifo", NULL),
		  0);
	/* An open of it would wait for a writer. */
	CHECK_INT(guest_open(&g, guest_lookup(&g, 1, "fifo"), O_RDONLY), 0);
	CHECK_INT(guest_create(&g, 1, "fifo", O_RDONLY, 0600, &fh), -EACCES);
	CHECK_INT(guest_open(&g, 1, O_RDONLY), 0);
	guest_stop(&g);
}

static void huge_numbers(void)
{
	struct fuse_write_in write = {.size = UINT32_MAX};
	struct fuse_read_in read = {.size = UINT32_MAX};
	struct fuse_batch_forget_in forget = {.count = UINT32_MAX};
	struct fuse_forget_one one = {.nodeid = 1, .nlookup = UINT64_MAX};
	struct fuse_open_in open = {0};

	CHECK(guest_start(&g, false));
	CHECK_INT(guest_create(&g, 1, "a", O_RDWR, 0600, &write.fh), 0);
	CHECK_INT(guest_call(&g, FUSE_WRITE, 1, &write, sizeof(write), NULL,
			     NULL),
		  -EINVAL);
	CHECK_INT(guest_write(&g, write.fh, "x", UINT64_MAX, 0), -EINVAL);
	read.fh = write.fh;
	CHECK_INT(guest_call(&g, FUSE_READ, 1, &read, sizeof(read), NULL, NULL),
		  0);
	CHECK_INT(g.got, 16);
	read.offset = UINT64_MAX;
	CHECK_INT(guest_call(&g, FUSE_READ, 1, &read, sizeof(read), NULL, NULL),
		  -EINVAL);
	/* A file's handle is none of a directory, and the other way. */
	CHECK_INT(guest_call(&g, FUSE_READDIR, 1, &read, sizeof(read), NULL,
			     NULL),
		  -EBADF);
	CHECK_INT(guest_call(&g, FUSE_OPENDIR, 1, &open, sizeof(open), NULL,
			     NULL),
		  0);
	CHECK_INT(guest_write(&g, ANSWER(&g, fuse_open_out)->fh, "x", 0, 0),
		  -EBADF);
	guest_begin(&g, FUSE_BATCH_FORGET, 0);
	guest_put(&g, &forget, sizeof(forget));
	guest_put(&g, &one, sizeof(one));
	guest_send(&g);
	CHECK_INT(g.got, 0);
	/* The root is not forgotten. */
	CHECK_INT(guest_lookup(&g, 1, "."), 1);
	guest_stop(&g);
}

#define ROUNDS 3000

/* One guest thread that looks up and forgets what the others use, too. */
static void *race(void *arg)
{
	static const struct fuse_forget_in forget = {.nlookup = 100};
	struct guest *own = malloc(sizeof(*own));
	uint64_t fh;

	(void)arg;
	*own = g;
	if (fuse_server_thread_init(own->server) < 0)
		abort();
	for (int i = 0; i < ROUNDS; i++) {
		const char *name = i % 2 ? "a" : "b";
		uint64_t id = guest_lookup(own, 1, name);

		guest_open(own, id, O_RDONLY);
		guest_call(own, FUSE_FORGET, id, &forget, sizeof(forget), NULL,
			   NULL);
		guest_create(own, 1, name, O_RDWR, 0600, &fh);
		guest_call(own, FUSE_RELEASE, 1,
			   &(struct fuse_release_in){.fh = fh},
			   sizeof(struct fuse_release_in), NULL, NULL);
		guest_call(own, FUSE_UNLINK, 1, "", 0, name, NULL);
		if (i % 1000 == 0)
			guest_call(own, FUSE_DESTROY, 1, "", 0, NULL, NULL);
	}
	free(own);
	return NULL;
}

static void races(void)
{
	pthread_t threads[4];

	CHECK(guest_start(&g, false));
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, race, NULL) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(guest_lookup(&g, 1, "."), 1);
	CHECK(guest_create(&g, 1, "c", O_RDWR, 0600, &(uint64_t){0}) == 0);
	guest_stop(&g);
}

int main(void)
{
	TEST("a message that is shorter than it says is none", short_requests);
	TEST("numbers that were never given name nothing", unknown_numbers);
	TEST("a name is one component, with an end", bad_names);
	TEST("no name leads out of the tree", stays_in_the_tree);
	TEST("only regular files are opened", opens_files_only);
	TEST("numbers of any size are harmless", huge_numbers);
	TEST("threads forget and use the same files", races);
	return test_done();
}
