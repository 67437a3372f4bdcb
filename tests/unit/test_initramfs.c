/* SPDX-License-Identifier: MIT */
/* Tests of microvm/boot/initramfs.c: the archive as the kernel reads it, and the list of modules. */
#include "microvm/boot/initramfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "tests/unit/test.h"

#define HEADER_BYTES 110

/* The fields of a header, in their order behind the magic. */
enum {
	INO, MODE, UID, GID, NLINK, MTIME, SIZE, DEV_MAJOR, DEV_MINOR,
	RDEV_MAJOR, RDEV_MINOR, NAME_SIZE, CHECKSUM, FIELDS,
};

struct member {
	uint32_t field[FIELDS];
	const char *name, *bytes;
};

static size_t align(size_t at)
{
	return (at + 3) & ~(size_t)3;
}

/* Eight digits and no more; the next field follows at once. */
static bool take_hex(const char *digits, uint32_t *value)
{
	*value = 0;
	for (int i = 0; i < 8; i++) {
		const char *hex = "0123456789ABCDEF";
		const char *digit = memchr(hex, digits[i], 16);

		if (!digit)
			return false;
		*value = *value << 4 | (uint32_t)(digit - hex);
	}
	return true;
}

static bool is_zero(const char *bytes, size_t from, size_t to)
{
	while (from < to)
		if (bytes[from++])
			return false;
	return true;
}

/* The member at *at, which goes behind it. False: it is none. */
static bool next(const struct buf *b, size_t *at, struct member *m)
{
	const char *h = b->data + *at;
	size_t name = *at + HEADER_BYTES, bytes, end;

	if (b->len < name || memcmp(h, "070701", 6) != 0)
		return false;
	for (int i = 0; i < FIELDS; i++)
		if (!take_hex(h + 6 + 8 * i, &m->field[i]))
			return false;
	bytes = align(name + m->field[NAME_SIZE]);
	end = align(bytes + m->field[SIZE]);
	if (end > b->len || m->field[NAME_SIZE] == 0)
		return false;
	m->name = b->data + name;
	m->bytes = b->data + bytes;
	*at = end;
	return strlen(m->name) + 1 == m->field[NAME_SIZE] &&
	       is_zero(b->data, name + m->field[NAME_SIZE], bytes) &&
	       is_zero(b->data, bytes + m->field[SIZE], end);
}

/* Finds name in the first archive; checks all members on the way. */
static bool find(const struct buf *b, const char *name, struct member *m)
{
	size_t at = 0;

	while (next(b, &at, m)) {
		if (strcmp(m->name, name) == 0)
			return true;
		if (strcmp(m->name, "TRAILER!!!") == 0)
			return false;
	}
	return false;
}

static const struct initramfs_file two[] = {
	{.path = "init", .bytes = "#!init", .n_bytes = 6, .mode = 0755},
	{.path = "modules/000.ko", .bytes = "", .n_bytes = 0, .mode = 0600},
};

static void archive(void)
{
	_cleanup_(buf_fini) struct buf b = {};
	uint32_t inodes[32] = {};
	struct member m;
	size_t at = 0;
	int n = 0;

	CHECK_INT(initramfs_write(two, 2, &b), 0);
	CHECK_INT(b.len % 4, 0);
	do {
		CHECK(next(&b, &at, &m));
		CHECK_INT(m.field[UID], 0);
		CHECK_INT(m.field[GID], 0);
		CHECK_INT(m.field[CHECKSUM], 0);
		CHECK(m.name[0] != '/');
		/* One number for two files would make them one. */
		for (int i = 0; i < n; i++)
			CHECK(inodes[i] != m.field[INO]);
		inodes[n++] = m.field[INO];
	} while (strcmp(m.name, "TRAILER!!!") != 0);
	CHECK_INT(m.field[SIZE], 0);
	CHECK_INT(at, b.len);
	CHECK_INT(n, 5 + 1 + 2 + 1);
}

static void members(void)
{
	static const char *const dirs[] = {"dev", "proc", "sys", "run",
					   "modules"};
	_cleanup_(buf_fini) struct buf b = {};
	struct member m;

	CHECK_INT(initramfs_write(two, 2, &b), 0);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		CHECK(find(&b, dirs[i], &m));
		CHECK_INT(m.field[MODE], S_IFDIR | 0755);
		CHECK_INT(m.field[SIZE], 0);
		CHECK_INT(m.field[NLINK], 2);
	}
	CHECK(find(&b, "dev/console", &m));
	CHECK_INT(m.field[MODE], S_IFCHR | 0600);
	CHECK_INT(m.field[RDEV_MAJOR], 5);
	CHECK_INT(m.field[RDEV_MINOR], 1);
	CHECK(find(&b, "init", &m));
	CHECK_INT(m.field[MODE], S_IFREG | 0755);
	CHECK_INT(m.field[SIZE], 6);
	CHECK_INT(m.field[NLINK], 1);
	CHECK(memcmp(m.bytes, "#!init", 6) == 0);
	CHECK(find(&b, "modules/000.ko", &m));
	CHECK_INT(m.field[MODE], S_IFREG | 0600);
	CHECK_INT(m.field[SIZE], 0);
}

/* A directory stands before what is in it: the kernel makes no parents. */
static void order(void)
{
	_cleanup_(buf_fini) struct buf b = {};
	const char *seen[32];
	struct member m;
	size_t at = 0;
	int n = 0;

	CHECK_INT(initramfs_write(two, 2, &b), 0);
	while (next(&b, &at, &m)) {
		const char *slash = strrchr(m.name, '/');
		bool has_parent = !slash;

		for (int i = 0; i < n && slash; i++)
			has_parent |= strlen(seen[i]) ==
					      (size_t)(slash - m.name) &&
				      strncmp(seen[i], m.name,
					      strlen(seen[i])) == 0;
		CHECK(has_parent);
		seen[n++] = m.name;
	}
	CHECK_INT(n, 9);
}

/* Names and sizes that leave 0 to 3 bytes to the next multiple of 4. */
static void alignment(void)
{
	for (unsigned i = 0; i < 16; i++) {
		_cleanup_(buf_fini) struct buf b = {};
		const struct initramfs_file f = {.path = &"abcd"[i / 4],
						 .bytes = "wxyz",
						 .n_bytes = i % 4 + 1,
						 .mode = 0644};
		struct member m;

		CHECK_INT(initramfs_write(&f, 1, &b), 0);
		CHECK(find(&b, f.path, &m));
		CHECK_INT(m.field[SIZE], f.n_bytes);
		CHECK(memcmp(m.bytes, "wxyz", f.n_bytes) == 0);
		CHECK(find(&b, "TRAILER!!!", &m));
	}
}

static void archive_after_archive(void)
{
	_cleanup_(buf_fini) struct buf b = {};
	struct member m;
	size_t at = 0;
	int trailers = 0;

	CHECK_INT(initramfs_write(&two[0], 1, &b), 0);
	CHECK_INT(initramfs_write(&two[1], 1, &b), 0);
	while (next(&b, &at, &m))
		trailers += strcmp(m.name, "TRAILER!!!") == 0;
	CHECK_INT(at, b.len);
	CHECK_INT(trailers, 2);
}

/* -- Files of the host ---------------------------------------------------- */

static char dir[] = "/tmp/bulkhead-initramfs-XXXXXX";

static void put(const char *name, const char *text)
{
	_cleanup_fd_ int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (at < 0 || fd_replace_file(at, name, text, strlen(text)) < 0)
		abort();
}

static void files_of_the_host(void)
{
	_cleanup_(buf_fini) struct buf b = {};
	_cleanup_free_ char *source = NULL;
	struct initramfs_file f = {.path = "init", .mode = 0755};
	struct member m;

	put("file", "from the host");
	if (asprintf(&source, "%s/file", dir) < 0)
		abort();
	f.source = source;
	CHECK_INT(initramfs_write(&f, 1, &b), 0);
	CHECK(find(&b, "init", &m));
	CHECK_INT(m.field[SIZE], 13);
	CHECK(memcmp(m.bytes, "from the host", 13) == 0);
	f.source = "/nonexistent/init";
	CHECK_INT(initramfs_write(&f, 1, &b), -ENOENT);
	CHECK_HAS(fail_text(), "initramfs");
	CHECK_HAS(fail_text(), "/nonexistent/init");
}

static void check_source(const struct initramfs_file *f, const char *name)
{
	CHECK_HAS(f->source, dir);
	CHECK_STR(f->source + strlen(dir) + 1, name);
}

/* What a module depends on is loaded before it, and only once. */
static void modules(void)
{
	struct initramfs_file *files;
	size_t n;

	put("modules.dep", "kernel/fs/fuse/virtiofs.ko: kernel/fs/fuse/fuse.ko "
			   "kernel/virtio/virtio.ko\n"
			   "kernel/fs/fuse/fuse.ko:\n"
			   "kernel/fs/ext4.ko: kernel/fs/jbd2.ko\n"
			   "kernel/virtio/virtio-mmio.ko: "
			   "kernel/virtio/virtio.ko\n"
			   "kernel/virtio/virtio_mmio_extra.ko:\n"
			   "kernel/virtio/virtio.ko:");
	CHECK_INT(initramfs_modules(dir, &files, &n), 0);
	CHECK_INT(n, 4);
	check_source(&files[0], "kernel/virtio/virtio.ko");
	check_source(&files[1], "kernel/virtio/virtio-mmio.ko");
	check_source(&files[2], "kernel/fs/fuse/fuse.ko");
	check_source(&files[3], "kernel/fs/fuse/virtiofs.ko");
	CHECK_STR(files[0].path, "modules/000.ko");
	CHECK_STR(files[3].path, "modules/003.ko");
	initramfs_free(files, n);
}

static void no_modules(void)
{
	static const char *const texts[] = {"", "\n\n", ":", "a.ko", ": :\n:"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct initramfs_file *files;
		size_t n;

		put("modules.dep", texts[i]);
		CHECK_INT(initramfs_modules(dir, &files, &n), 0);
		CHECK_INT(n, 0);
		initramfs_free(files, n);
	}
}

static void compressed_modules(void)
{
	struct initramfs_file *files;
	size_t n;

	put("modules.dep", "a/virtiofs.ko: a/fuse.ko.xz\na/fuse.ko.xz:\n");
	CHECK_INT(initramfs_modules(dir, &files, &n), -EOPNOTSUPP);
	CHECK_HAS(fail_text(), "a/fuse.ko.xz: compressed modules");
}

static void no_list(void)
{
	struct initramfs_file *files;
	size_t n;

	CHECK_INT(initramfs_modules("/nonexistent", &files, &n), -ENOENT);
	CHECK_HAS(fail_text(), "/nonexistent/modules.dep");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 1;
	TEST("it is an archive from its first byte to its trailer", archive);
	TEST("directories, the console and files have their modes and sizes",
	     members);
	TEST("a directory stands before what is in it", order);
	TEST("headers and bytes begin at multiples of four", alignment);
	TEST("archives may follow one another", archive_after_archive);
	TEST("a file of the host is read; one that is not there is told",
	     files_of_the_host);
	TEST("modules come after what they depend on, and once", modules);
	TEST("a list without them gives none", no_modules);
	TEST("a compressed module is refused", compressed_modules);
	TEST("a kernel without a list of modules is told", no_list);

	_cleanup_fd_ int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	unlinkat(at, "modules.dep", 0);
	unlinkat(at, "file", 0);
	rmdir(dir);
	return test_done();
}
