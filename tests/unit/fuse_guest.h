/* SPDX-License-Identifier: MIT */
/* A guest's side of the FUSE protocol, for tests of the file server. */
#pragma once

#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/fail.h"
#include "microvm/host/fuse.h"

/* A server on a scratch directory, and the last answer. */
struct guest {
	char path[40]; /* the scratch directory; the tree is its "root" */
	int dir, root, proc;
	struct fuse_server *server;
	uint32_t uid, gid;
	uint8_t request[1 << 17], answer[1 << 17];
	size_t len;  /* of the request */
	ssize_t got; /* what fuse_server_handle() returned */
};

/* Begins a request. */
static inline void guest_begin(struct guest *g, uint32_t opcode,
			       uint64_t nodeid)
{
	struct fuse_in_header head = {
		.opcode = opcode,
		.unique = 77,
		.nodeid = nodeid,
		.uid = g->uid,
		.gid = g->gid,
	};

	memcpy(g->request, &head, sizeof(head));
	g->len = sizeof(head);
}

static inline void guest_put(struct guest *g, const void *bytes, size_t len)
{
	memcpy(g->request + g->len, bytes, len);
	g->len += len;
}

static inline void guest_name(struct guest *g, const char *name)
{
	guest_put(g, name, strlen(name) + 1);
}

/* Sends it. Returns the answer's error (0: success); 1: no answer came. */
static inline int guest_send(struct guest *g)
{
	uint32_t len = (uint32_t)g->len;
	/* In pieces, as a driver has them. */
	struct iovec in[2] = {{g->request, 40}, {g->request + 40, g->len - 40}};
	struct iovec out[3] = {{g->answer, 16},
			       {g->answer + 16, 100},
			       {g->answer + 116, sizeof(g->answer) - 116}};
	struct fuse_out_header head;

	memcpy(g->request, &len, sizeof(len));
	g->got = fuse_server_handle(g->server, in, 2, out, 3);
	if (g->got <= 0)
		return 1;
	memcpy(&head, g->answer, sizeof(head));
	return head.len == g->got && head.unique == 77 ? head.error : 1;
}

/* What is behind the answer's header. */
#define ANSWER(g, type) ((const struct type *)((g)->answer + 16))

/* A request with arguments and up to two names (NULL: none). */
static inline int guest_call(struct guest *g, uint32_t opcode, uint64_t nodeid,
			     const void *arg, size_t len, const char *name,
			     const char *second)
{
	guest_begin(g, opcode, nodeid);
	guest_put(g, arg, len);
	if (name)
		guest_name(g, name);
	if (second)
		guest_name(g, second);
	return guest_send(g);
}

/* Returns the nodeid, 0 when there is none. */
static inline uint64_t guest_lookup(struct guest *g, uint64_t dir,
				    const char *name)
{
	if (guest_call(g, FUSE_LOOKUP, dir, "", 0, name, NULL) != 0)
		return 0;
	return ANSWER(g, fuse_entry_out)->nodeid;
}

/* Returns the handle, 0 when it failed. */
static inline uint64_t guest_open(struct guest *g, uint64_t nodeid,
				  uint32_t flags)
{
	struct fuse_open_in in = {.flags = flags};

	if (guest_call(g, FUSE_OPEN, nodeid, &in, sizeof(in), NULL, NULL) != 0)
		return 0;
	return ANSWER(g, fuse_open_out)->fh;
}

/* Makes a file; the answer is an entry and an open. */
static inline int guest_create(struct guest *g, uint64_t dir, const char *name,
			       uint32_t flags, uint32_t mode, uint64_t *fh)
{
	struct fuse_create_in in = {.flags = flags, .mode = mode};
	int r = guest_call(g, FUSE_CREATE, dir, &in, sizeof(in), name, NULL);
	struct fuse_open_out out;

	memcpy(&out, g->answer + 16 + sizeof(struct fuse_entry_out),
	       sizeof(out));
	*fh = r == 0 ? out.fh : 0;
	return r;
}

static inline int guest_write(struct guest *g, uint64_t fh, const char *text,
			      uint64_t offset, uint32_t flags)
{
	struct fuse_write_in in = {
		.fh = fh,
		.offset = offset,
		.size = (uint32_t)strlen(text),
		.write_flags = flags,
	};

	guest_begin(g, FUSE_WRITE, FUSE_ROOT_ID);
	guest_put(g, &in, sizeof(in));
	guest_put(g, text, strlen(text));
	return guest_send(g);
}

/* Returns what was read as a string; "" on failure. */
static inline const char *guest_read(struct guest *g, uint64_t fh,
				     uint64_t offset, uint32_t size)
{
	struct fuse_read_in in = {.fh = fh, .offset = offset, .size = size};
	int r = guest_call(g, FUSE_READ, FUSE_ROOT_ID, &in, sizeof(in), NULL,
			   NULL);

	g->answer[r == 0 ? g->got : 16] = 0;
	return (const char *)g->answer + 16;
}

/* A server of root/ in a new scratch directory. The thread is changed. */
static inline bool guest_start(struct guest *g, bool readonly)
{
	struct fuse_config config = {.readonly = readonly};

	memset(g, 0, sizeof(*g));
	g->uid = geteuid();
	g->gid = getegid();
	strcpy(g->path, "/tmp/bulkhead-fuse-XXXXXX");
	if (!mkdtemp(g->path))
		return false;
	g->dir = open(g->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(g->dir, "root", 0755);
	g->root = openat(g->dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	g->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	config.root = g->root;
	config.proc = g->proc;
	if (fuse_server_create(&config, &g->server) < 0 ||
	    fuse_server_thread_init(g->server) < 0) {
		printf("# %s\n", fail_text());
		return false;
	}
	return true;
}

static inline void guest_stop(struct guest *g)
{
	char *const argv[] = {"rm", "-rf", "--", g->path, NULL};
	pid_t pid;

	fuse_server_destroy(g->server);
	close(g->dir);
	close(g->root);
	close(g->proc);
	pid = fork();
	if (pid == 0) {
		execvp("rm", argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}
