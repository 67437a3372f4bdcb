/* SPDX-License-Identifier: MIT */
/* Tests of isolate/mask.c: masked and read-only paths. */
#include <dirent.h>

#include "isolate/mask.h"
#include "tests/unit/sandbox.h"
#include "tests/unit/test.h"

static bool is_null(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(1, 3);
}

static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return d && n == 2;
}

static dev_t dev_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_dev : 0;
}

static void make_tree(struct box *b)
{
	NEED(mkdir(at(b, "root/a"), 0755) == 0);
	NEED(mkdir(at(b, "root/b"), 0755) == 0);
	NEED(put(at(b, "root/a/x"), "x") && put(at(b, "root/b/x"), "x"));
	NEED(put(at(b, "root/f"), "f") && put(at(b, "root/g"), "g"));
}

static void mask_body(struct box *b)
{
	static char *paths[] = {"/a", "/b",	    "/f", "/g",
				"/missing", "/f/below", NULL};

	make_tree(b);
	b->spec.linux_.masked_paths = paths;
	NEED(box_mount(b) == 0);
	NEED(mask_paths(&b->iso, b->root) == 0);
	NEED(is_empty(at(b, "root/a")) && is_empty(at(b, "root/b")));
	NEED(dev_of(at(b, "root/a")) == dev_of(at(b, "root/b")));
	NEED(!put(at(b, "root/a/new"), "") && errno == EROFS);
	NEED(is_null(at(b, "root/f")) && is_null(at(b, "root/g")));
}

static void many_body(struct box *b)
{
	static char names[64][16];
	static char *paths[65];

	for (int i = 0; i < 64; i++) {
		snprintf(names[i], sizeof(names[i]), "/m%d", i);
		paths[i] = names[i];
		if (i % 2)
			NEED(mkdir(at(b, "root%s", names[i]), 0755) == 0);
		else
			NEED(put(at(b, "root%s", names[i]), "secret"));
	}
	b->spec.linux_.masked_paths = paths;
	NEED(box_mount(b) == 0);
	NEED(mask_paths(&b->iso, b->root) == 0);
	for (int i = 0; i < 64; i++)
		NEED(i % 2 ? !put(at(b, "root%s/x", names[i]), "")
			   : is_null(at(b, "root%s", names[i])));
}

static void fake_null_body(struct box *b)
{
	static char *paths[] = {"/f", NULL};

	make_tree(b);
	NEED(mkdir(at(b, "root/dev"), 0755) == 0);
	NEED(symlink("/g", at(b, "root/dev/null")) == 0);
	b->spec.linux_.masked_paths = paths;
	NEED(box_mount(b) == 0);
	NEED(mask_paths(&b->iso, b->root) == 0);
	NEED(is_null(at(b, "root/f")));
}

static void link_body(struct box *b)
{
	static char *paths[] = {"/l", NULL};
	static char *below[] = {"/d/x", NULL};

	make_tree(b);
	NEED(symlink("f", at(b, "root/l")) == 0);
	NEED(symlink("a", at(b, "root/d")) == 0);
	b->spec.linux_.masked_paths = paths;
	NEED(box_mount(b) == 0);
	NEED(mask_paths(&b->iso, b->root) == -ELOOP);
	NEED(SAID("mask /l: it is a symbolic link"));
	b->spec.linux_.masked_paths = below;
	NEED(mask_paths(&b->iso, b->root) == -ELOOP);
	NEED(holds(at(b, "root/f"), "f") && holds(at(b, "root/a/x"), "x"));
}

static void readonly_body(struct box *b)
{
	static char *paths[] = {"/a", "/f", "/missing", NULL};

	make_tree(b);
	NEED(mkdir(at(b, "root/a/sub"), 0755) == 0);
	NEED(sys_mount("sub", at(b, "root/a/sub"), "tmpfs", 0, NULL) == 0);
	b->spec.linux_.readonly_paths = paths;
	NEED(box_mount(b) == 0);
	NEED(mask_readonly_paths(&b->iso, b->root) == 0);
	NEED(holds(at(b, "root/a/x"), "x"));
	NEED(!put(at(b, "root/a/y"), "y") && errno == EROFS);
	NEED(!put(at(b, "root/a/sub/y"), "y") && errno == EROFS);
	NEED(!put(at(b, "root/f"), "y") && errno == EROFS);
	NEED(put(at(b, "root/b/y"), "y"));
}

static void readonly_link_body(struct box *b)
{
	static char *paths[] = {"/l", NULL};

	make_tree(b);
	NEED(symlink("a", at(b, "root/l")) == 0);
	b->spec.linux_.readonly_paths = paths;
	NEED(box_mount(b) == 0);
	NEED(mask_readonly_paths(&b->iso, b->root) == -ELOOP);
	NEED(SAID("make /l read-only: it is a symbolic link"));
}

int main(void)
{
	if (geteuid() != 0) {
		TEST("masks") {
			SKIP("needs root");
		}
		return test_done();
	}
	TEST("files are hidden by the null device, directories by one tmpfs")
		CHECK(sandbox(mask_body, 0));
	TEST("any number of paths can be hidden")
		CHECK(sandbox(many_body, 0));
	TEST("the container's /dev/null has no part in it")
		CHECK(sandbox(fake_null_body, 0));
	TEST("a mask that would follow a link is refused")
		CHECK(sandbox(link_body, 0));
	TEST("a read-only path is so with all mounts below it")
		CHECK(sandbox(readonly_body, 0));
	TEST("a read-only path that is a link is refused")
		CHECK(sandbox(readonly_link_body, 0));
	return test_done();
}
