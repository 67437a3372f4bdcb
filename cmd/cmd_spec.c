/* SPDX-License-Identifier: MIT */
/* bulkhead spec: a config.json to begin with. */
#include <fcntl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "oci/spec_default.h"

/* Never over a file that is there: it is somebody's work. */
static int write_new(const char *dir, const char *name, const struct buf *b)
{
	_cleanup_fd_ int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return fail(errno, "bundle %s", dir);

	_cleanup_fd_ int fd = openat(
		at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST)
		return fail_plain(EEXIST, "%s exists already", name);
	if (fd < 0)
		return fail(errno, "create %s", name);

	int r = fd_write_all(fd, b->data, b->len);

	if (r < 0) {
		unlinkat(at, name, 0);
		return fail(-r, "write %s", name);
	}
	return 0;
}

static int run_spec(const struct global_options *g, int argc, char **argv)
{
	_cleanup_(buf_fini) struct buf b = {};
	const char *dir = ".", *file = "config.json";
	bool rootless = false;
	const struct option options[] = {
		{"bundle", 'b', OPTION_STRING, &dir, "DIR",
		 "where to write it (the current directory)"},
		{"file", 'f', OPTION_STRING, &file, "FILE",
		 "instead of config.json"},
		{"rootless", 0, OPTION_FLAG, &rootless, NULL,
		 "for the use by an ordinary user"},
		{},
	};
	int at = cmd_options(&cmd_spec, options, argc, argv);

	(void)g;
	if (at <= 0)
		return at;
	if (cmd_no_more(argc, argv, at) < 0)
		return -EINVAL;
	spec_default_format(&b, rootless, geteuid(), getegid());
	return b.failed ? fail(ENOMEM, "spec") : write_new(dir, file, &b);
}

const struct command cmd_spec = {
	.name = "spec",
	.arguments = "",
	.purpose = "Write a config.json to begin with",
	.run = run_spec,
};
