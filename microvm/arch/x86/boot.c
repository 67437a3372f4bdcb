/* SPDX-License-Identifier: MIT */
/* What a kernel finds in memory at its entry: map, command line, page tables. */
#include <asm/bootparam.h>
#include <string.h>

#include "lib/fail.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/boot/loader.h"
#include "microvm/layout.h"

#define LEGACY_RAM_END 0xa0000ULL /* video memory and BIOSes, once */
#define MAP_MAX        (GUESTMEM_REGIONS_MAX + 2)

#define PVH_MAGIC   0x336ec578
#define PVH_VERSION 1

/* E820 types. */
enum { MAP_RAM = 1, MAP_RESERVED = 2 };

/* struct hvm_start_info of the PVH boot protocol. */
struct pvh_info {
	uint32_t magic, version;
	uint32_t flags;
	uint32_t n_modules;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t map;
	uint32_t n_map;
	uint32_t reserved;
};

struct pvh_module {
	uint64_t address, bytes;
	uint64_t cmdline;
	uint64_t reserved;
};

struct pvh_map {
	uint64_t address, bytes;
	uint32_t type;
	uint32_t reserved;
};

/* Descriptors with base 0; selectors as Linux's 64-bit boot protocol. */
static const uint64_t gdt[] = {
	0,
	0,
	0x00cf9b000000ffff, /* 0x10: code; x86_vcpu_init() says which kind */
	0x00cf93000000ffff, /* 0x18: data */
	0x00008b0000000067, /* 0x20: task state */
};

static int write_at(const struct guestmem *mem, gpa_t gpa, const void *bytes,
		    size_t len)
{
	void *to = guestmem_at(mem, gpa, len);

	if (!to)
		return fail(EFAULT, "%zu bytes at %#llx of guest memory", len,
			    (unsigned long long)gpa);
	memcpy(to, bytes, len);
	return 0;
}

/* Fills the memory map; returns its length. */
static unsigned list_memory(const struct guestmem *mem,
			    struct pvh_map map[MAP_MAX])
{
	const struct guestmem_region *low = &mem->regions[0];
	unsigned n = 0;

	map[n++] = (struct pvh_map){0, LEGACY_RAM_END, MAP_RAM, 0};
	map[n++] = (struct pvh_map){LEGACY_RAM_END,
				    LAYOUT_KERNEL_MIN - LEGACY_RAM_END,
				    MAP_RESERVED, 0};
	map[n++] = (struct pvh_map){LAYOUT_KERNEL_MIN,
				    low->bytes - LAYOUT_KERNEL_MIN, MAP_RAM, 0};
	for (unsigned i = 1; i < mem->n_regions; i++)
		map[n++] = (struct pvh_map){mem->regions[i].base,
					    mem->regions[i].bytes, MAP_RAM, 0};
	return n;
}

static int write_pvh(const struct guestmem *mem, const struct loaded *loaded)
{
	struct {
		struct pvh_map map[MAP_MAX];
		struct pvh_module module;
	} lists = {.module = {loaded->initramfs, loaded->initramfs_bytes}};
	gpa_t module = LAYOUT_BOOT_MEMMAP + sizeof(lists.map);
	struct pvh_info info = {
		.magic = PVH_MAGIC,
		.version = PVH_VERSION,
		.n_modules = loaded->initramfs_bytes > 0,
		.modules = loaded->initramfs_bytes > 0 ? module : 0,
		.cmdline = LAYOUT_CMDLINE,
		.rsdp = LAYOUT_ACPI,
		.map = LAYOUT_BOOT_MEMMAP,
		.n_map = list_memory(mem, lists.map),
	};
	int r = write_at(mem, LAYOUT_BOOT_INFO, &info, sizeof(info));

	if (r == 0)
		r = write_at(mem, LAYOUT_BOOT_MEMMAP, &lists, sizeof(lists));
	return r;
}

static int write_zero_page(const struct guestmem *mem,
			   const struct loaded *loaded)
{
	struct pvh_map map[MAP_MAX];
	struct boot_params params = {
		.acpi_rsdp_addr = LAYOUT_ACPI,
		.e820_entries = (uint8_t)list_memory(mem, map),
		.hdr =
			{
				.boot_flag = 0xaa55,
				.header = 0x53726448, /* "HdrS" */
				.version = 0x20f,
				.type_of_loader = 0xff, /* none with a number */
				.loadflags = LOADED_HIGH,
				.cmd_line_ptr = LAYOUT_CMDLINE,
				.cmdline_size = LAYOUT_CMDLINE_MAX - 1,
				.ramdisk_image = (uint32_t)loaded->initramfs,
				.ramdisk_size =
					(uint32_t)loaded->initramfs_bytes,
			},
	};

	for (unsigned i = 0; i < params.e820_entries; i++) {
		params.e820_table[i].addr = map[i].address;
		params.e820_table[i].size = map[i].bytes;
		params.e820_table[i].type = map[i].type;
	}
	return write_at(mem, LAYOUT_ZERO_PAGE, &params, sizeof(params));
}

/* Maps the first 4 GiB to themselves by 2 MiB pages. */
static int write_page_tables(const struct guestmem *mem)
{
	enum { ENTRIES = 512, DIRECTORIES = 4 };
	const uint64_t page = ENTRIES * sizeof(uint64_t);
	const uint64_t table = 0x3; /* present, writable */
	const uint64_t huge = 0x83;
	uint64_t *top =
		guestmem_at(mem, LAYOUT_BOOT_PAGES, (2 + DIRECTORIES) * page);

	if (!top)
		return fail(EFAULT, "page tables in guest memory");

	uint64_t *pointers = top + ENTRIES;
	uint64_t *directories = pointers + ENTRIES;

	top[0] = (LAYOUT_BOOT_PAGES + page) | table;
	for (unsigned i = 0; i < DIRECTORIES; i++)
		pointers[i] = (LAYOUT_BOOT_PAGES + (2 + i) * page) | table;
	for (uint64_t i = 0; i < DIRECTORIES * ENTRIES; i++)
		directories[i] = i << 21 | huge;
	return 0;
}

int x86_boot_write(const struct guestmem *mem, const struct loaded *loaded,
		   const char *cmdline)
{
	size_t bytes = strlen(cmdline) + 1;

	if (bytes > LAYOUT_CMDLINE_MAX)
		return fail(E2BIG, "kernel command line of %zu bytes", bytes);

	int r = write_at(mem, LAYOUT_CMDLINE, cmdline, bytes);

	if (r == 0)
		r = write_at(mem, LAYOUT_BOOT_GDT, gdt, sizeof(gdt));
	if (r < 0)
		return r;
	if (loaded->pvh)
		return write_pvh(mem, loaded);
	r = write_zero_page(mem, loaded);
	return r < 0 ? r : write_page_tables(mem);
}
