/* SPDX-License-Identifier: MIT */
/* Unpacks a bzImage on the host, once, so that no guest has to. */
#include "microvm/boot/kernel.h"

#include <elf.h>
#include <fcntl.h>
#include <lz4.h>
#include <lzma.h>
#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "lib/log.h"

#define IMAGE_MAX    (256ULL << 20)
#define UNPACKED_MAX (512ULL << 20)
#define XZ_MEMORY    (256ULL << 20) /* what its decoder may use */

/* Of the setup header (Documentation/arch/x86/boot.rst of Linux). */
enum {
	SETUP_SECTORS = 0x1f1, /* u8: 512 bytes each, beside the boot sector */
	SETUP_MAGIC = 0x202,   /* "HdrS" */
	SETUP_VERSION = 0x206, /* u16 */
	SETUP_PAYLOAD_OFFSET = 0x248, /* u32, from 2.08 on */
	SETUP_PAYLOAD_LENGTH = 0x24c, /* u32 */
	SETUP_END = 0x250,
};

/* A file, or a part of it, mapped for reading. */
struct bytes {
	const uint8_t *at;
	size_t len;
};

static uint32_t u32_at(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/*
 * All unpackers: fill exactly out[0..len) from in. The size word that the
 * kernel's build appends (gzip: its own) was taken as len, so that a payload
 * that unpacks to any other size is a broken one. True when all went well.
 */
typedef bool unpack_function(struct bytes in, uint8_t *out, size_t len);

static bool unpack_gzip(struct bytes in, uint8_t *out, size_t len)
{
	z_stream z = {
		.next_in = (uint8_t *)in.at,
		.avail_in = (unsigned)in.len,
		.next_out = out,
		.avail_out = (unsigned)len,
	};

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) /* 16: gzip's header */
		return false;

	int r = inflate(&z, Z_FINISH);

	inflateEnd(&z);
	return r == Z_STREAM_END && z.total_out == len;
}

static bool unpack_xz(struct bytes in, uint8_t *out, size_t len)
{
	uint64_t memory = XZ_MEMORY;
	size_t taken = 0, done = 0;

	return lzma_stream_buffer_decode(&memory, 0, NULL, in.at, &taken,
					 in.len, out, &done, len) == LZMA_OK &&
	       done == len;
}

/* The legacy frame: blocks with their compressed size before them. */
static bool unpack_lz4(struct bytes in, uint8_t *out, size_t len)
{
	size_t done = 0;

	for (size_t at = 4; at < in.len;) {
		if (in.len - at < 4)
			return false;

		uint32_t block = u32_at(in.at + at);

		at += 4;
		if (block > in.len - at)
			return false;

		int n = LZ4_decompress_safe((const char *)in.at + at,
					    (char *)out + done, (int)block,
					    (int)(len - done));

		if (n < 0)
			return false;
		done += (size_t)n;
		at += block;
	}
	return done == len;
}

static bool unpack_zstd(struct bytes in, uint8_t *out, size_t len)
{
	return ZSTD_decompress(out, len, in.at, in.len) == len;
}

static const struct format {
	const char *name;
	uint8_t magic[6];
	size_t magic_len;
	size_t size_word; /* bytes behind the payload that are not its own */
	unpack_function *unpack;
} formats[] = {
	{"gzip", {0x1f, 0x8b, 8}, 3, 0, unpack_gzip},
	{"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, 4, unpack_xz},
	{"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, 4, unpack_lz4},
	{"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, 4, unpack_zstd},
};

static const struct format *find_format(struct bytes payload)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (payload.len > 8 && memcmp(payload.at, formats[i].magic,
					      formats[i].magic_len) == 0)
			return &formats[i];
	}
	return NULL;
}

static int find_payload(struct bytes image, struct bytes *payload)
{
	if (image.len < SETUP_END ||
	    memcmp(image.at + SETUP_MAGIC, "HdrS", 4) != 0)
		return fail_plain(ENOEXEC, "neither an ELF file nor a bzImage");
	if (image.at[SETUP_VERSION + 1] < 2 ||
	    (image.at[SETUP_VERSION + 1] == 2 && image.at[SETUP_VERSION] < 8))
		return fail_plain(ENOEXEC, "a bzImage older than Linux 2.6.26");

	size_t sectors = image.at[SETUP_SECTORS] ? image.at[SETUP_SECTORS] : 4;
	size_t offset =
		(1 + sectors) * 512 + u32_at(image.at + SETUP_PAYLOAD_OFFSET);
	size_t len = u32_at(image.at + SETUP_PAYLOAD_LENGTH);

	if (offset > image.len || len > image.len - offset)
		return fail_plain(ENOEXEC, "the bzImage is cut off");
	*payload = (struct bytes){image.at + offset, len};
	return 0;
}

static int unpack_into(int fd, struct bytes payload,
		       const struct format *format, size_t len)
{
	uint8_t *out = MAP_FAILED;

	/* In a memfd each page is there when it is asked for, or memory is
	 * short for all: nothing to reserve against. */
	if (ftruncate(fd, (off_t)len) == 0)
		out = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
	if (out == MAP_FAILED)
		return fail(errno, "%zu bytes of memory", len);
	payload.len -= format->size_word;

	bool good = format->unpack(payload, out, len);

	good = good && len > SELFMAG && memcmp(out, ELFMAG, SELFMAG) == 0;
	munmap(out, len);
	return good ? 0
		    : fail_plain(ENOEXEC, "the %s payload is broken",
				 format->name);
}

/* Returns a memfd with what the bzImage holds. */
static int unpack(struct bytes image)
{
	struct bytes payload;
	int r = find_payload(image, &payload);

	if (r < 0)
		return r;

	const struct format *format = find_format(payload);

	if (!format)
		return fail_plain(ENOEXEC, "the payload is not packed by gzip, "
					   "xz, lz4 or zstd");

	size_t len = u32_at(payload.at + payload.len - 4);

	if (len == 0 || len > UNPACKED_MAX)
		return fail_plain(EFBIG, "%zu bytes when unpacked", len);
	log_debug("unpack a kernel of %zu bytes by %s", len, format->name);

	_cleanup_fd_ int fd = memfd_create("vmlinux", MFD_CLOEXEC);

	if (fd < 0)
		return fail(errno, "make a memfd");
	r = unpack_into(fd, payload, format, len);
	return r < 0 ? r : take_fd(&fd);
}

/* Writes the file NAME in cache by way of one that nobody else writes. */
static int write_kept(int cache, const char *name, struct bytes bytes)
{
	uint64_t random;
	char temp[32];

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return fail(errno, "get random bytes");
	snprintf(temp, sizeof(temp), ".%016llx.new",
		 (unsigned long long)random);

	_cleanup_fd_ int fd = openat(
		cache, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return fail(errno, "create %s", temp);

	int r = fd_write_all(fd, bytes.at, bytes.len);

	if (r == 0 && renameat(cache, temp, cache, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(cache, temp, 0);
		return fail(-r, "write %s", name);
	}
	return 0;
}

/* Keeps the memfd's contents under name; returns the kept file. */
static int keep(int cache, const char *name, int memfd)
{
	struct stat st;

	if (fstat(memfd, &st) < 0)
		return fail(errno, "stat");

	struct bytes all = {NULL, (size_t)st.st_size};
	void *at = mmap(NULL, all.len, PROT_READ, MAP_SHARED, memfd, 0);

	if (at == MAP_FAILED)
		return fail(errno, "map");
	all.at = at;

	int r = write_kept(cache, name, all);

	munmap(at, all.len);
	if (r < 0)
		return r;

	int fd = openat(cache, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? fail(errno, "open %s", name) : fd;
}

static int open_unpacked(struct bytes image, int cache)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char name[2 * sizeof(hash) + sizeof(".vmlinux")];
	SHA2_CTX sha;

	if (cache < 0)
		return unpack(image);
	SHA256Init(&sha);
	SHA256Update(&sha, image.at, image.len);
	SHA256Final(hash, &sha);
	for (size_t i = 0; i < sizeof(hash); i++)
		sprintf(name + 2 * i, "%02x", hash[i]);
	strcpy(name + 2 * sizeof(hash), ".vmlinux");

	int kept = openat(cache, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (kept >= 0)
		return kept;

	_cleanup_fd_ int fd = unpack(image);

	return fd < 0 ? fd : keep(cache, name, fd);
}

static int open_image(int fd, int cache)
{
	struct stat st;
	char magic[SELFMAG];

	if (fstat(fd, &st) < 0)
		return fail(errno, "stat");
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > IMAGE_MAX ||
	    st.st_size == 0)
		return fail_plain(ENOEXEC, "not a regular file of a kernel's "
					   "size");
	if (pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	    memcmp(magic, ELFMAG, SELFMAG) == 0) {
		int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

		return copy < 0 ? fail(errno, "duplicate its fd") : copy;
	}

	struct bytes image = {NULL, (size_t)st.st_size};
	void *at = mmap(NULL, image.len, PROT_READ, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED)
		return fail(errno, "map");
	image.at = at;

	int r = open_unpacked(image, cache);

	munmap(at, image.len);
	return r;
}

int kernel_open(const char *path, int cache)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(errno, "open kernel %s", path);

	int r = open_image(fd, cache);

	return r < 0 ? fail_in(r, "kernel %s", path) : r;
}
