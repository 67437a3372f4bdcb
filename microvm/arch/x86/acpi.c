/* SPDX-License-Identifier: MIT */
/* ACPI tables: how an unmodified kernel finds the CPUs and the virtio slots. */
#include <string.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/layout.h"

/* All structs are as ACPI 6.4 has them: little-endian, without padding. */
#define PACKED __attribute__((packed))

#define ALIGNMENT 16

struct rsdp {
	char signature[8];
	uint8_t checksum; /* of the first 20 bytes */
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t checksum_all;
	uint8_t reserved[3];
} PACKED;

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision;
	uint8_t checksum;
	char oem[6];
	char oem_table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} PACKED;

struct xsdt {
	struct header header;
	uint64_t tables[2];
} PACKED;

struct fadt {
	struct header header;
	uint8_t unused1[73]; /* fixed hardware, which is not there */
	uint16_t boot_flags;
	uint8_t unused2;
	uint32_t flags;
	uint8_t unused3[15]; /* reset register, ARM */
	uint8_t minor_revision;
	uint64_t facs;
	uint64_t dsdt;
	uint8_t unused4[120]; /* fixed hardware again, 64-bit */
	uint64_t hypervisor;
} PACKED;

_Static_assert(sizeof(struct fadt) == 276, "the length of ACPI 6.4");

enum {
	FADT_NO_VGA = 1 << 2, /* boot_flags */
	FADT_NO_CMOS_RTC = 1 << 5,
	FADT_NO_POWER_BUTTON = 1 << 4, /* flags */
	FADT_NO_SLEEP_BUTTON = 1 << 5,
	FADT_HW_REDUCED = 1 << 20,
};

struct madt {
	struct header header;
	uint32_t local_apic;
	uint32_t flags; /* bit 0: two PICs, which we do not tell of */
} PACKED;

struct madt_cpu {
	uint8_t type, length;
	uint8_t processor, apic;
	uint32_t flags; /* bit 0: enabled */
} PACKED;

struct madt_ioapic {
	uint8_t type, length;
	uint8_t id;
	uint8_t reserved;
	uint32_t address;
	uint32_t first_gsi;
} PACKED;

/* Where the next table goes. */
struct writer {
	const struct guestmem *mem;
	gpa_t next, end;
};

static uint8_t checksum(const void *bytes, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
	return (uint8_t)-sum;
}

static struct header header_of(const char *signature, uint8_t revision)
{
	struct header h = {
		.revision = revision,
		.oem = {'B', 'U', 'L', 'K', 'H', 'D'},
		.oem_table = {'M', 'I', 'C', 'R', 'O', 'V', 'M', ' '},
		.oem_revision = 1,
		.creator = {'B', 'L', 'K', 'H'},
		.creator_revision = 1,
	};

	memcpy(h.signature, signature, sizeof(h.signature));
	return h;
}

/* Places a table, which begins with a header, after completing that. */
static int put_table(struct writer *w, void *table, size_t len, gpa_t *where)
{
	struct header *h = table;
	void *to = len <= w->end - w->next ? guestmem_at(w->mem, w->next, len)
					   : NULL;

	if (!to)
		return fail(ENOSPC, "ACPI table %.4s of %zu bytes",
			    h->signature, len);
	h->length = (uint32_t)len;
	h->checksum = 0;
	h->checksum = checksum(table, len);
	memcpy(to, table, len);
	*where = w->next;
	w->next += (len + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	return 0;
}

/* AML: byte code. Lengths are those of the language, up to 1 MiB. */

static void put_byte(struct buf *out, uint8_t byte)
{
	buf_put(out, &byte, 1);
}

static void put_u32(struct buf *out, uint32_t value)
{
	buf_put(out, &value, sizeof(value));
}

/* A package: its length, which counts itself, and the contents. */
static void put_package(struct buf *out, const struct buf *contents)
{
	size_t len = contents->len + 3;

	put_byte(out, (uint8_t)(0x80 | (len & 0xf)));
	put_byte(out, (uint8_t)(len >> 4));
	put_byte(out, (uint8_t)(len >> 12));
	buf_put(out, contents->data, contents->len);
	out->failed |= contents->failed;
}

static void put_name(struct buf *out, const char *name)
{
	put_byte(out, 0x08); /* NameOp */
	buf_puts(out, name);
}

static void put_integer(struct buf *out, uint8_t value)
{
	put_byte(out, 0x0a); /* BytePrefix */
	put_byte(out, value);
}

/* _CRS: one page of registers, one interrupt line. */
static void put_resources(struct buf *out, const struct x86_device *dev)
{
	_cleanup_(buf_fini)
	struct buf list = {};
	_cleanup_(buf_fini)
	struct buf buffer = {};

	buf_put(&list, "\x86\x09\x00", 3); /* Memory32Fixed, 9 bytes */
	put_byte(&list, 1);                /* read-write */
	put_u32(&list, (uint32_t)dev->base);
	put_u32(&list, LAYOUT_VIRTIO_STRIDE);
	buf_put(&list, "\x89\x06\x00", 3); /* Extended Interrupt, 6 bytes */
	put_byte(&list, 0x03); /* consumer, edge, active high, exclusive */
	put_byte(&list, 1);
	put_u32(&list, dev->gsi);
	buf_put(&list, "\x79\x00", 2); /* end, no checksum */

	put_integer(&buffer, (uint8_t)list.len);
	buf_put(&buffer, list.data, list.len);
	buffer.failed |= list.failed;
	put_name(out, "_CRS");
	put_byte(out, 0x11); /* BufferOp */
	put_package(out, &buffer);
}

static void put_device(struct buf *out, const struct x86_device *dev,
		       unsigned index)
{
	_cleanup_(buf_fini)
	struct buf body = {};

	buf_printf(&body, "VR%02X", index);
	put_name(&body, "_HID");
	put_byte(&body, 0x0d); /* StringPrefix */
	buf_put(&body, "LNRO0005", 9);
	put_name(&body, "_UID");
	put_integer(&body, (uint8_t)index);
	put_name(&body, "_CCA");
	put_integer(&body, 1);
	put_resources(&body, dev);
	buf_put(out, "\x5b\x82", 2); /* DeviceOp */
	put_package(out, &body);
}

static int put_dsdt(struct writer *w, const struct x86_device *devices,
		    size_t n_devices, gpa_t *where)
{
	const struct header header = header_of("DSDT", 2);
	_cleanup_(buf_fini)
	struct buf table = {};
	_cleanup_(buf_fini)
	struct buf scope = {};

	buf_puts(&scope, "_SB_");
	for (size_t i = 0; i < n_devices; i++)
		put_device(&scope, &devices[i], (unsigned)i);
	buf_put(&table, &header, sizeof(header));
	put_byte(&table, 0x10); /* ScopeOp */
	put_package(&table, &scope);
	if (table.failed)
		return fail(ENOMEM, "ACPI table DSDT");
	return put_table(w, table.data, table.len, where);
}

static int put_fadt(struct writer *w, gpa_t dsdt, gpa_t *where)
{
	struct fadt fadt = {
		.header = header_of("FACP", 6),
		.boot_flags = FADT_NO_VGA | FADT_NO_CMOS_RTC,
		.flags = FADT_NO_POWER_BUTTON | FADT_NO_SLEEP_BUTTON |
			 FADT_HW_REDUCED,
		.minor_revision = 4,
		.dsdt = dsdt,
	};

	return put_table(w, &fadt, sizeof(fadt), where);
}

static int put_madt(struct writer *w, unsigned cpus, gpa_t *where)
{
	struct {
		struct madt madt;
		struct madt_ioapic ioapic;
		struct madt_cpu cpus[LAYOUT_CPUS_MAX];
	} PACKED table = {
		.madt = {.header = header_of("APIC", 5),
			 .local_apic = LAYOUT_LAPIC},
		.ioapic = {.type = 1,
			   .length = sizeof(table.ioapic),
			   .address = LAYOUT_IOAPIC},
	};
	size_t unused = LAYOUT_CPUS_MAX - cpus;

	for (uint8_t i = 0; i < cpus; i++)
		table.cpus[i] =
			(struct madt_cpu){0, sizeof(table.cpus[i]), i, i, 1};
	return put_table(w, &table,
			 sizeof(table) - unused * sizeof(table.cpus[0]), where);
}

static int put_tables(struct writer *w, unsigned cpus,
		      const struct x86_device *devices, size_t n_devices,
		      gpa_t *where)
{
	struct xsdt xsdt = {.header = header_of("XSDT", 1)};
	gpa_t dsdt = 0, fadt = 0, madt = 0;
	int r = put_dsdt(w, devices, n_devices, &dsdt);

	if (r == 0)
		r = put_fadt(w, dsdt, &fadt);
	if (r == 0)
		r = put_madt(w, cpus, &madt);
	if (r < 0)
		return r;
	xsdt.tables[0] = fadt;
	xsdt.tables[1] = madt;
	return put_table(w, &xsdt, sizeof(xsdt), where);
}

int x86_acpi_write(const struct guestmem *mem, unsigned cpus,
		   const struct x86_device *devices, size_t n_devices)
{
	struct rsdp rsdp = {
		.signature = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '},
		.oem = {'B', 'U', 'L', 'K', 'H', 'D'},
		.revision = 2,
		.length = sizeof(rsdp),
	};
	struct writer w = {mem, LAYOUT_ACPI + 3 * ALIGNMENT,
			   LAYOUT_ACPI + LAYOUT_ACPI_MAX};
	void *to = guestmem_at(mem, LAYOUT_ACPI, sizeof(rsdp));
	gpa_t xsdt = 0;
	int r = put_tables(&w, cpus, devices, n_devices, &xsdt);

	if (r < 0)
		return r;
	rsdp.xsdt = xsdt;
	rsdp.checksum = checksum(&rsdp, 20);
	rsdp.checksum_all = checksum(&rsdp, sizeof(rsdp));
	memcpy(to, &rsdp, sizeof(rsdp));
	return 0;
}
