/* SPDX-License-Identifier: MIT */
/* Puts a kernel and an initramfs into guest memory, as mapped files. */
#include "microvm/boot/loader.h"

#include <elf.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/layout.h"

#define PAGE          4096ULL
#define SEGMENTS_MAX  64
#define NOTES_MAX     (64 << 10) /* bytes of one segment of notes */
#define PVH_NOTE_NAME "Xen"
#define PVH_NOTE_TYPE 18 /* XEN_ELFNOTE_PHYS32_ENTRY */

/* A file with its size: what is said about it must fit in. */
struct image {
	int fd;
	uint64_t bytes;
};

static uint64_t page_down(uint64_t n)
{
	return n & ~(PAGE - 1);
}

static int open_image(struct image *image, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(errno, "stat");
	if (!S_ISREG(st.st_mode))
		return fail_plain(EINVAL, "not a regular file");
	*image = (struct image){fd, (uint64_t)st.st_size};
	return 0;
}

/* Reads len bytes at offset; all of them must be in the file. */
static int read_image(const struct image *image, uint64_t offset, void *bytes,
		      uint64_t len)
{
	if (offset > image->bytes || len > image->bytes - offset)
		return fail_plain(ENOEXEC, "the file is cut off");
	while (len > 0) {
		ssize_t n = pread(image->fd, bytes, len, (off_t)offset);

		if (n <= 0)
			return fail(n < 0 ? errno : EIO, "read");
		bytes = (char *)bytes + n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

/*
 * Makes guest memory at gpa hold len bytes of the file. A copy: mapped pages of
 * the file are small ones, and each costs the guest an exit.
 */
static int place(const struct guestmem *mem, gpa_t gpa,
		 const struct image *image, uint64_t offset, uint64_t len)
{
	uint8_t *to = guestmem_at(mem, gpa, len);

	if (!to)
		return fail(EFAULT, "%llu bytes at %#llx of guest memory",
			    (unsigned long long)len, (unsigned long long)gpa);
	return read_image(image, offset, to, len);
}

static int load_segment(const struct guestmem *mem, const struct image *image,
			const Elf64_Phdr *p, struct loaded *out)
{
	int r = 0;

	if (p->p_memsz == 0)
		return 0;
	if (p->p_filesz > p->p_memsz || p->p_paddr < LAYOUT_KERNEL_MIN)
		return fail_plain(ENOEXEC, "a segment has no valid place");
	if (!guestmem_at(mem, p->p_paddr, p->p_memsz))
		return fail_plain(ENOMEM,
				  "a segment of %llu MiB at %#llx does "
				  "not fit into the guest's memory",
				  (unsigned long long)p->p_memsz >> 20,
				  (unsigned long long)p->p_paddr);
	if (p->p_filesz > 0)
		r = place(mem, p->p_paddr, image, p->p_offset, p->p_filesz);
	if (out->end < p->p_paddr + p->p_memsz)
		out->end = page_down(p->p_paddr + p->p_memsz + PAGE - 1);
	return r;
}

/* Looks for the PVH entry in a segment of notes that was read. */
static void scan_notes(const uint8_t *notes, uint64_t len, uint64_t align,
		       struct loaded *out)
{
	Elf64_Nhdr h;

	while (len >= sizeof(h)) {
		memcpy(&h, notes, sizeof(h));
		notes += sizeof(h);
		len -= sizeof(h);

		uint64_t name = (h.n_namesz + align - 1) & ~(align - 1);
		uint64_t desc = (h.n_descsz + align - 1) & ~(align - 1);
		uint32_t entry;

		if (name > len || desc > len - name)
			return;
		if (h.n_type == PVH_NOTE_TYPE &&
		    h.n_namesz == sizeof(PVH_NOTE_NAME) &&
		    memcmp(notes, PVH_NOTE_NAME, sizeof(PVH_NOTE_NAME)) == 0 &&
		    h.n_descsz >= sizeof(entry)) {
			memcpy(&entry, notes + name, sizeof(entry));
			out->entry = entry;
			out->pvh = true;
			return;
		}
		notes += name + desc;
		len -= name + desc;
	}
}

static int read_notes(const struct image *image, const Elf64_Phdr *p,
		      struct loaded *out)
{
	if (p->p_filesz > NOTES_MAX || p->p_filesz == 0)
		return 0;

	_cleanup_free_ uint8_t *notes = malloc(p->p_filesz);

	if (!notes)
		return fail(ENOMEM, "notes");

	int r = read_image(image, p->p_offset, notes, p->p_filesz);

	if (r == 0)
		scan_notes(notes, p->p_filesz, p->p_align == 8 ? 8 : 4, out);
	return r;
}

static int check_header(const Elf64_Ehdr *e)
{
	if (memcmp(e->e_ident, ELFMAG, SELFMAG) != 0)
		return fail_plain(ENOEXEC, "not an ELF file");
	if (e->e_ident[EI_CLASS] != ELFCLASS64 ||
	    e->e_ident[EI_DATA] != ELFDATA2LSB || e->e_machine != EM_X86_64)
		return fail_plain(ENOEXEC, "not for x86-64");
	if (e->e_phentsize != sizeof(Elf64_Phdr) || e->e_phnum == 0 ||
	    e->e_phnum > SEGMENTS_MAX)
		return fail_plain(ENOEXEC, "no valid program headers");
	return 0;
}

static int load_kernel(const struct guestmem *mem, int fd, struct loaded *out)
{
	struct image image = {};
	Elf64_Ehdr e;
	Elf64_Phdr p[SEGMENTS_MAX];
	int r = open_image(&image, fd);

	if (r == 0)
		r = read_image(&image, 0, &e, sizeof(e));
	if (r == 0)
		r = check_header(&e);
	if (r == 0)
		r = read_image(&image, e.e_phoff, p, e.e_phnum * sizeof(p[0]));
	if (r < 0)
		return r;
	out->entry = e.e_entry;
	for (unsigned i = 0; r == 0 && i < e.e_phnum; i++) {
		if (p[i].p_type == PT_LOAD)
			r = load_segment(mem, &image, &p[i], out);
		else if (p[i].p_type == PT_NOTE)
			r = read_notes(&image, &p[i], out);
	}
	if (r == 0 &&
	    (out->entry < LAYOUT_KERNEL_MIN || out->entry >= out->end))
		return fail_plain(ENOEXEC, "the entry is not in the kernel");
	return r;
}

static int load_initramfs(const struct guestmem *mem, int fd,
			  struct loaded *out)
{
	struct image image = {};
	int r = open_image(&image, fd);

	if (r < 0 || image.bytes == 0)
		return r;

	uint64_t room = mem->regions[0].bytes;

	if (out->end > room || image.bytes > room - out->end)
		return fail_plain(ENOMEM,
				  "%llu MiB do not fit between the "
				  "kernel and the end of memory",
				  (unsigned long long)image.bytes >> 20);
	out->initramfs = page_down(room - image.bytes);
	out->initramfs_bytes = image.bytes;
	return place(mem, out->initramfs, &image, 0, image.bytes);
}

int loader_load(const struct guestmem *mem, int kernel, int initramfs,
		struct loaded *out)
{
	*out = (struct loaded){};

	int r = load_kernel(mem, kernel, out);

	if (r < 0)
		return fail_in(r, "kernel");
	r = initramfs < 0 ? 0 : load_initramfs(mem, initramfs, out);
	return r < 0 ? fail_in(r, "initramfs") : 0;
}
