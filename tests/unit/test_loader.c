/* SPDX-License-Identifier: MIT */
/* Tests of microvm/boot/loader.c. */
#include "microvm/boot/loader.h"

#include <fcntl.h>
#include <stddef.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "tests/unit/elf.h"
#include "tests/unit/test.h"

#define MEMORY (4 << 20)

/* A kernel, memory to load it into, and what came of it. */
struct load {
	struct elf_kernel kernel;
	struct guestmem mem;
	struct loaded out;
	int r;
};

static void prepare(struct load *l)
{
	elf_fill(&l->kernel);
	CHECK_INT(guestmem_create(&l->mem, MEMORY, false), 0);
}

/* Loads len bytes of the kernel as it is by now. */
static void load(struct load *l, size_t len, int initramfs)
{
	_cleanup_fd_ int fd = elf_file(&l->kernel, len);

	CHECK(fd >= 0);
	l->r = loader_load(&l->mem, fd, initramfs, &l->out);
}

static bool memory_is(const struct load *l, gpa_t gpa, const void *want,
		      size_t len)
{
	const void *have = guestmem_at(&l->mem, gpa, len);

	return have && memcmp(have, want, len) == 0;
}

/* Each test: the kernel is changed at `where`, and the text says `why`. */
#define REFUSED(where, value, error, why)               \
	do {                                            \
		struct load l;                          \
		prepare(&l);                            \
		l.kernel.where = value;                 \
		load(&l, sizeof(l.kernel), -1);         \
		CHECK_INT(l.r, -(error));               \
		CHECK_HAS(fail_text(), "kernel: " why); \
		guestmem_destroy(&l.mem);               \
	} while (0)

static void refused_headers(void)
{
	REFUSED(e.e_ident[0], 0, ENOEXEC, "not an ELF file");
	REFUSED(e.e_ident[EI_CLASS], ELFCLASS32, ENOEXEC, "not for x86-64");
	REFUSED(e.e_machine, EM_AARCH64, ENOEXEC, "not for x86-64");
	REFUSED(e.e_phentsize, 8, ENOEXEC, "no valid program headers");
	REFUSED(e.e_phnum, 0, ENOEXEC, "no valid program headers");
	REFUSED(e.e_phnum, 65535, ENOEXEC, "no valid program headers");
	REFUSED(e.e_phoff, UINT64_MAX, ENOEXEC, "the file is cut off");
	REFUSED(e.e_phoff, 1 << 30, ENOEXEC, "the file is cut off");
}

static void refused_segments(void)
{
	REFUSED(p[0].p_paddr, 0x1000, ENOEXEC, "a segment has no valid place");
	REFUSED(p[0].p_memsz, 0x1000, ENOEXEC, "a segment has no valid place");
	REFUSED(p[0].p_paddr, MEMORY - 0x2000, ENOMEM, "a segment of 0 MiB");
	REFUSED(p[0].p_paddr, UINT64_MAX, ENOMEM, "a segment of 0 MiB");
	REFUSED(p[0].p_memsz, UINT64_MAX, ENOMEM, "a segment of");
	REFUSED(p[0].p_offset, 0x2000, ENOEXEC, "the file is cut off");
	REFUSED(p[0].p_offset, UINT64_MAX - 0xfff, ENOEXEC,
		"the file is cut off");
	REFUSED(p[0].p_offset, UINT64_MAX, ENOEXEC, "the file is cut off");
}

static void refused_entries(void)
{
	REFUSED(note.entry, 0, ENOEXEC, "the entry is not in the kernel");
	REFUSED(note.entry, 0x205000, ENOEXEC,
		"the entry is not in the kernel");
	REFUSED(p[0].p_type, PT_NULL, ENOEXEC,
		"the entry is not in the kernel");
}

/* A note segment that lies is no PVH note, and no harm. */
static void hostile_notes(void)
{
	static const Elf64_Nhdr lies[] = {
		{UINT32_MAX, 4, 18},
		{4, UINT32_MAX, 18},
		{4, 0, 18},
		{4, 3, 18},
		{5, 4, 18},
		{4, 4, 17},
		{UINT32_MAX, UINT32_MAX, UINT32_MAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct load l;

		prepare(&l);
		l.kernel.note.h = lies[i];
		load(&l, sizeof(l.kernel), -1);
		CHECK_INT(l.r, 0);
		CHECK(!l.out.pvh);
		CHECK_INT(l.out.entry, 0x200010);
		guestmem_destroy(&l.mem);
	}
}

static void mapped(void)
{
	struct load l;

	prepare(&l);
	load(&l, sizeof(l.kernel), -1);
	CHECK_INT(l.r, 0);
	CHECK(l.out.pvh);
	CHECK_INT(l.out.entry, 0x200020);
	CHECK_INT(l.out.end, 0x205000);
	CHECK_INT(l.out.initramfs_bytes, 0);
	CHECK(memory_is(&l, 0x200000, l.kernel.code, sizeof(l.kernel.code)));

	static const uint8_t zeroes[2 * 4096];

	CHECK(memory_is(&l, 0x203000, zeroes, sizeof(zeroes)));
	CHECK(memory_is(&l, 0x1ff000, zeroes, 4096));
	guestmem_destroy(&l.mem);
}

/* The guest may write over its kernel; the file stays as it is. */
static void is_private(void)
{
	struct load l;
	struct elf_kernel after;

	prepare(&l);

	_cleanup_fd_ int fd = elf_file(&l.kernel, sizeof(l.kernel));

	CHECK_INT(loader_load(&l.mem, fd, -1, &l.out), 0);
	memset(guestmem_at(&l.mem, 0x200000, 3 * 4096), 0xcc, 3 * 4096);
	CHECK(pread(fd, &after, sizeof(after), 0) == sizeof(after));
	CHECK(memcmp(after.code, l.kernel.code, sizeof(after.code)) == 0);
	guestmem_destroy(&l.mem);
}

/* Borders of all kinds: the same bytes arrive, and no others change. */
static void odd_places(void)
{
	static const struct {
		uint64_t skip, paddr, bytes;
	} cases[] = {
		{0, 0x200000, 1},       {1, 0x200001, 12287},
		{1, 0x200001, 4095},    {1, 0x200001, 4096},
		{5, 0x200005, 8000},    {5, 0x200006, 8000},
		{4095, 0x200fff, 4098}, {0, 0x200000, 4097},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct load l;

		prepare(&l);
		l.kernel.p[0].p_offset += cases[i].skip;
		l.kernel.p[0].p_paddr = cases[i].paddr;
		l.kernel.p[0].p_filesz = cases[i].bytes;
		l.kernel.p[0].p_memsz = 0x5000;
		load(&l, sizeof(l.kernel), -1);
		CHECK_INT(l.r, 0);
		CHECK(memory_is(&l, cases[i].paddr,
				l.kernel.code + cases[i].skip, cases[i].bytes));
		CHECK(memory_is(&l, cases[i].paddr - 1, "", 1));
		CHECK(memory_is(&l, cases[i].paddr + cases[i].bytes, "", 1));
		guestmem_destroy(&l.mem);
	}
}

static void initramfs(void)
{
	static const char text[5000] = "cpio";
	static const char zeroes[4096];
	_cleanup_fd_ int fd = elf_file(text, sizeof(text));
	struct load l;

	prepare(&l);
	load(&l, sizeof(l.kernel), fd);
	CHECK_INT(l.r, 0);
	CHECK_INT(l.out.initramfs, MEMORY - 8192);
	CHECK_INT(l.out.initramfs_bytes, sizeof(text));
	CHECK(memory_is(&l, l.out.initramfs, text, sizeof(text)));
	CHECK(memory_is(&l, l.out.initramfs + sizeof(text), zeroes, 3192));
	guestmem_destroy(&l.mem);
}

static void refused_initramfs(void)
{
	_cleanup_fd_ int big = elf_file("", 1);
	_cleanup_fd_ int null = open("/dev/null", O_RDONLY);
	struct load l;

	prepare(&l);
	CHECK_INT(ftruncate(big, MEMORY - 0x205000 + 1), 0);
	load(&l, sizeof(l.kernel), big);
	CHECK_INT(l.r, -ENOMEM);
	CHECK_HAS(fail_text(), "initramfs: 1 MiB do not fit");
	CHECK_INT(ftruncate(big, MEMORY - 0x205000), 0);
	load(&l, sizeof(l.kernel), big);
	CHECK_INT(l.r, 0);
	CHECK_INT(l.out.initramfs, l.out.end);
	load(&l, sizeof(l.kernel), null);
	CHECK_INT(l.r, -EINVAL);
	CHECK_HAS(fail_text(), "initramfs: not a regular file");
	guestmem_destroy(&l.mem);
}

/* Any cut of the file is refused, and none crashes. */
static void cut_off(void)
{
	struct load l;

	prepare(&l);
	for (size_t len = 0; len < sizeof(l.kernel); len += 97) {
		load(&l, len, -1);
		CHECK_INT(l.r, -ENOEXEC);
		CHECK_HAS(fail_text(), "the file is cut off");
	}
	guestmem_destroy(&l.mem);
}

int main(void)
{
	TEST("a kernel's segments are in memory, and its PVH entry is known",
	     mapped);
	TEST("what the guest writes stays out of the kernel's file",
	     is_private);
	TEST("segments that fit no page borders arrive whole", odd_places);
	TEST("headers that lie are refused", refused_headers);
	TEST("segments without a valid place are refused", refused_segments);
	TEST("an entry outside of the kernel is refused", refused_entries);
	TEST("notes that lie are none", hostile_notes);
	TEST("a file that is cut off is refused wherever it is", cut_off);
	TEST("the initramfs ends low memory, zeroes behind it", initramfs);
	TEST("an initramfs that does not fit is refused", refused_initramfs);
	return test_done();
}
