/* SPDX-License-Identifier: MIT */
/* Tests of microvm/boot/kernel.c. */
#include "microvm/boot/kernel.h"

#include <fcntl.h>
#include <glob.h>
#include <lz4.h>
#include <lzma.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/boot/loader.h"
#include "tests/unit/elf.h"
#include "tests/unit/test.h"

#define SETUP_BYTES 1024 /* boot sector, and one of set-up code */
#define PACKED_MAX  65536

struct image {
	uint8_t setup[SETUP_BYTES];
	uint8_t payload[PACKED_MAX];
};

/* An image, its file, and the kernel within. */
struct box {
	char dir[32], path[64];
	int cache;
	struct elf_kernel kernel;
	struct image image;
	size_t payload_bytes;
};

static void put_u32(uint8_t *at, size_t value)
{
	uint32_t word = (uint32_t)value;

	memcpy(at, &word, sizeof(word));
}

static size_t pack_gzip(const void *in, size_t len, uint8_t *out)
{
	z_stream z = {.next_in = (uint8_t *)in,
		      .avail_in = (unsigned)len,
		      .next_out = out,
		      .avail_out = PACKED_MAX};

	CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out; /* the size ends the format by itself */
}

static size_t pack_xz(const void *in, size_t len, uint8_t *out)
{
	size_t done = 0;

	CHECK_INT(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in, len,
					  out, &done, PACKED_MAX - 4),
		  LZMA_OK);
	put_u32(out + done, len);
	return done + 4;
}

/* Two blocks: what lies in the first is no business of the second. */
static size_t pack_lz4(const void *in, size_t len, uint8_t *out)
{
	size_t half = len / 2, done = 4;

	put_u32(out, 0x184c2102);
	for (int i = 0; i < 2; i++) {
		int n = LZ4_compress_default(
			(const char *)in + (size_t)i * half,
			(char *)out + done + 4, (int)(i ? len - half : half),
			(int)(PACKED_MAX - done - 8));

		CHECK(n > 0);
		put_u32(out + done, (size_t)n);
		done += 4 + (size_t)n;
	}
	put_u32(out + done, len);
	return done + 4;
}

static size_t pack_zstd(const void *in, size_t len, uint8_t *out)
{
	size_t n = ZSTD_compress(out, PACKED_MAX - 4, in, len, 19);

	CHECK(!ZSTD_isError(n));
	put_u32(out + n, len);
	return n + 4;
}

typedef size_t pack_function(const void *in, size_t len, uint8_t *out);

static const struct {
	const char *name;
	pack_function *pack;
} formats[] = {
	{"gzip", pack_gzip},
	{"xz", pack_xz},
	{"lz4", pack_lz4},
	{"zstd", pack_zstd},
};

static void make_image(struct box *b, pack_function *pack)
{
	elf_fill(&b->kernel);
	b->image = (struct image){};
	b->payload_bytes =
		pack(&b->kernel, sizeof(b->kernel), b->image.payload);
	b->image.setup[0x1f1] = 1;
	memcpy(b->image.setup + 0x202, "HdrS\x0f\x02", 6);
	put_u32(b->image.setup + 0x24c, b->payload_bytes);
}

/* Writes the image as it is by now, and opens it. */
static int open_image(struct box *b, int cache)
{
	_cleanup_fd_ int fd = open(b->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t len = SETUP_BYTES + b->payload_bytes;

	CHECK(write(fd, &b->image, len) == (ssize_t)len);
	return kernel_open(b->path, cache);
}

static void begin(struct box *b)
{
	*b = (struct box){.dir = "/tmp/test_kernel.XXXXXX"};
	CHECK(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/vmlinuz", b->dir);
	b->cache = open(b->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(b->cache >= 0);
}

static unsigned count_files(const struct box *b, bool remove_them)
{
	char pattern[64];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/*", b->dir);
	CHECK_INT(glob(pattern, GLOB_PERIOD, NULL, &g), 0);

	unsigned n = (unsigned)g.gl_pathc - 2; /* . and .. */

	for (size_t i = 0; remove_them && i < g.gl_pathc; i++)
		unlink(g.gl_pathv[i]);
	globfree(&g);
	return n;
}

static void end(struct box *b)
{
	count_files(b, true);
	CHECK_INT(rmdir(b->dir), 0);
	close(b->cache);
}

static bool holds_kernel(const struct box *b, int fd)
{
	struct elf_kernel k;
	char more;

	return pread(fd, &k, sizeof(k), 0) == sizeof(k) &&
	       pread(fd, &more, 1, sizeof(k)) == 0 &&
	       memcmp(&k, &b->kernel, sizeof(k)) == 0;
}

static void unpacks(void)
{
	struct box b;

	begin(&b);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		make_image(&b, formats[i].pack);

		_cleanup_fd_ int fd = open_image(&b, -1);

		if (!holds_kernel(&b, fd))
			printf("# %s: %s\n", formats[i].name, fail_text());
		CHECK(holds_kernel(&b, fd));
	}
	CHECK_INT(count_files(&b, false), 1);
	end(&b);
}

static void keeps(void)
{
	struct box b;
	struct stat first, second;

	begin(&b);
	make_image(&b, pack_lz4);

	_cleanup_fd_ int fd = open_image(&b, b.cache);
	_cleanup_fd_ int again = open_image(&b, b.cache);

	CHECK(holds_kernel(&b, fd));
	CHECK(holds_kernel(&b, again));
	CHECK_INT(fstat(fd, &first) | fstat(again, &second), 0);
	CHECK_INT(first.st_ino, second.st_ino);
	CHECK_INT(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_INT(count_files(&b, false), 2);

	/* Another image is another kernel. */
	b.image.setup[3] = 1;

	_cleanup_fd_ int other = open_image(&b, b.cache);

	CHECK(holds_kernel(&b, other));
	CHECK_INT(count_files(&b, false), 3);
	end(&b);
}

static void elf_as_is(void)
{
	struct box b;
	struct stat file, got;

	begin(&b);
	make_image(&b, pack_gzip);

	_cleanup_fd_ int out = open(b.path, O_WRONLY | O_CREAT, 0600);

	CHECK(write(out, &b.kernel, sizeof(b.kernel)) == sizeof(b.kernel));

	_cleanup_fd_ int fd = kernel_open(b.path, b.cache);

	CHECK(holds_kernel(&b, fd));
	CHECK_INT(fstat(out, &file) | fstat(fd, &got), 0);
	CHECK_INT(file.st_ino, got.st_ino);
	CHECK_INT(count_files(&b, false), 1);
	end(&b);
}

/* Each byte of the payload, changed or cut off: refused, or the very kernel. */
static void broken(void)
{
	struct box b;

	begin(&b);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		make_image(&b, formats[i].pack);
		for (size_t at = 0; at < b.payload_bytes; at += 7) {
			b.image.payload[at] ^= 0x41;

			_cleanup_fd_ int fd = open_image(&b, -1);

			b.image.payload[at] ^= 0x41;
			if (fd < 0)
				CHECK(fd == -ENOEXEC || fd == -EFBIG);
		}
		b.payload_bytes -= 5;

		_cleanup_fd_ int cut = open_image(&b, b.cache);

		CHECK_INT(cut, -ENOEXEC);
		CHECK_HAS(fail_text(), "the bzImage is cut off");
	}
	CHECK_INT(count_files(&b, false), 1);
	end(&b);
}

static void lying_sizes(void)
{
	static const size_t lies[] = {1, sizeof(struct elf_kernel) - 1,
				      sizeof(struct elf_kernel) + 1};
	struct box b;

	begin(&b);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		make_image(&b, formats[i].pack);
		for (size_t j = 0; j < ARRAY_SIZE(lies); j++) {
			put_u32(b.image.payload + b.payload_bytes - 4, lies[j]);
			CHECK_INT(open_image(&b, -1), -ENOEXEC);
			CHECK_HAS(fail_text(), "payload is broken");
		}
		put_u32(b.image.payload + b.payload_bytes - 4, 600 << 20);
		CHECK_INT(open_image(&b, -1), -EFBIG);
		CHECK_HAS(fail_text(), "629145600 bytes when unpacked");
		put_u32(b.image.payload + b.payload_bytes - 4, 0);
		CHECK_INT(open_image(&b, -1), -EFBIG);
	}
	end(&b);
}

static void lying_headers(void)
{
	struct box b;

	begin(&b);
	make_image(&b, pack_gzip);
	b.image.setup[0x206] = 7;
	CHECK_INT(open_image(&b, -1), -ENOEXEC);
	CHECK_HAS(fail_text(), "older than Linux");
	b.image.setup[0x206] = 15;
	b.image.setup[0x1f1] = 255;
	CHECK_INT(open_image(&b, -1), -ENOEXEC);
	CHECK_HAS(fail_text(), "is cut off");
	b.image.setup[0x1f1] = 1;
	put_u32(b.image.setup + 0x248, UINT32_MAX);
	CHECK_INT(open_image(&b, -1), -ENOEXEC);
	put_u32(b.image.setup + 0x248, 0);
	put_u32(b.image.setup + 0x24c, 0);
	CHECK_INT(open_image(&b, -1), -ENOEXEC);
	CHECK_HAS(fail_text(), "not packed by gzip, xz, lz4 or zstd");
	b.image.setup[0x202] = 'X';
	CHECK_INT(open_image(&b, -1), -ENOEXEC);
	CHECK_HAS(fail_text(), "neither an ELF file nor a bzImage");
	end(&b);
}

static void no_file(void)
{
	CHECK_INT(kernel_open("/nonexistent/vmlinuz", -1), -ENOENT);
	CHECK_STR(fail_text(), "open kernel /nonexistent/vmlinuz: "
			       "No such file or directory");
	CHECK_INT(kernel_open("/dev/zero", -1), -ENOEXEC);
	CHECK_INT(kernel_open("/tmp", -1), -ENOEXEC);
}

/* The first kernel image of a package that is on this machine. */
static bool find_distro_kernel(char *path, size_t room)
{
	const char *home = getenv("HOME");
	char packages[256];
	glob_t g;

	snprintf(packages, sizeof(packages),
		 "%s/.cache/bulkhead/*/*/{,boot/}vmlinuz*", home ? home : "");
	glob("/boot/vmlinuz-*", 0, NULL, &g);
	glob(packages, GLOB_APPEND | GLOB_BRACE, NULL, &g);
	if (g.gl_pathc > 0)
		snprintf(path, room, "%s", g.gl_pathv[0]);

	bool found = g.gl_pathc > 0;

	globfree(&g);
	return found;
}

static void distro(void)
{
	char path[256];
	struct guestmem mem;
	struct loaded loaded;

	if (!find_distro_kernel(path, sizeof(path)))
		SKIP("a kernel image (package linux-image-cloud-amd64)");
	printf("# %s\n", path);

	_cleanup_fd_ int fd = kernel_open(path, -1);

	CHECK(fd >= 0);
	CHECK_INT(guestmem_create(&mem, 128 << 20, false), 0);
	CHECK_INT(loader_load(&mem, fd, -1, &loaded), 0);
	CHECK(loaded.pvh);
	CHECK(loaded.end > 16 << 20);
	guestmem_destroy(&mem);
}

int main(void)
{
	TEST("a bzImage of each format is unpacked", unpacks);
	TEST("what was unpacked is kept and found again", keeps);
	TEST("an ELF file is opened as it is", elf_as_is);
	TEST("a broken payload is refused and not kept", broken);
	TEST("a payload that lies about its size is refused", lying_sizes);
	TEST("a header that lies is refused", lying_headers);
	TEST("what is no kernel is told with its name", no_file);
	TEST("a distro's kernel is unpacked and has a PVH entry", distro);
	return test_done();
}
