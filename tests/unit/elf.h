/* SPDX-License-Identifier: MIT */
/* Small ELF kernels for tests of boot/. */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A kernel of one loaded segment of three pages and a PVH note. */
struct elf_kernel {
	Elf64_Ehdr e;
	Elf64_Phdr p[2];
	struct {
		Elf64_Nhdr h;
		char name[4];
		uint32_t entry;
	} note;
	uint8_t pad[4096 - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr) -
		    sizeof(Elf64_Nhdr) - 8];
	uint8_t code[3 * 4096];
};

_Static_assert(offsetof(struct elf_kernel, code) == 4096, "on a page border");

static inline void elf_fill(struct elf_kernel *k)
{
	*k = (struct elf_kernel){
		.e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
				  EV_CURRENT},
		      .e_type = ET_EXEC,
		      .e_machine = EM_X86_64,
		      .e_entry = 0x200010,
		      .e_phoff = offsetof(struct elf_kernel, p),
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = 2},
		.p = {{.p_type = PT_LOAD,
		       .p_offset = offsetof(struct elf_kernel, code),
		       .p_paddr = 0x200000,
		       .p_filesz = sizeof(k->code),
		       .p_memsz = 5 * 4096},
		      {.p_type = PT_NOTE,
		       .p_offset = offsetof(struct elf_kernel, note),
		       .p_filesz = sizeof(k->note),
		       .p_align = 4}},
		.note = {{4, 4, 18}, "Xen", 0x200020},
	};
	for (size_t i = 0; i < sizeof(k->code); i++)
		k->code[i] = (uint8_t)(i / 4096 * 16 + i % 15 + 1);
}

/* The bytes as a file; the caller closes it. */
static inline int elf_file(const void *bytes, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, bytes, len) != (ssize_t)len) {
		close(fd);
		return -1;
	}
	return fd;
}
