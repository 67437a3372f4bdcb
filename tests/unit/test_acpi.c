/* SPDX-License-Identifier: MIT */
/* Tests of microvm/arch/x86/acpi.c. */
#include <fcntl.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"
#include "microvm/arch/x86/x86.h"
#include "microvm/layout.h"
#include "tests/unit/test.h"

static const struct x86_device devices[] = {
	{LAYOUT_VIRTIO, 5},
	{LAYOUT_VIRTIO + LAYOUT_VIRTIO_STRIDE, 6},
};

static uint8_t *at(const struct guestmem *mem, gpa_t gpa, uint64_t len)
{
	uint8_t *host = guestmem_at(mem, gpa, len);

	CHECK(host);
	return host;
}

static uint64_t number(const uint8_t *bytes, unsigned len)
{
	uint64_t value = 0;

	memcpy(&value, bytes, len);
	return value;
}

static uint8_t sum(const uint8_t *bytes, size_t len)
{
	uint8_t total = 0;

	while (len-- > 0)
		total = (uint8_t)(total + bytes[len]);
	return total;
}

/* The table at gpa, after a look at its signature, length and checksum. */
static const uint8_t *table(const struct guestmem *mem, gpa_t gpa,
			    const char *signature, uint32_t *len)
{
	const uint8_t *t = at(mem, gpa, 36);

	CHECK(memcmp(t, signature, 4) == 0);
	*len = (uint32_t)number(t + 4, 4);
	CHECK_INT(sum(at(mem, gpa, *len), *len), 0);
	return t;
}

/* The tables as a kernel finds them. */
struct tables {
	const uint8_t *fadt, *madt, *dsdt;
	uint32_t fadt_len, madt_len, dsdt_len;
};

static struct tables find_tables(const struct guestmem *mem)
{
	struct tables t = {};
	const uint8_t *rsdp = at(mem, LAYOUT_ACPI, 36);
	uint32_t len;

	CHECK(memcmp(rsdp, "RSD PTR ", 8) == 0);
	CHECK_INT(sum(rsdp, 20), 0);
	CHECK_INT(sum(rsdp, 36), 0);

	const uint8_t *xsdt = table(mem, number(rsdp + 24, 8), "XSDT", &len);

	CHECK_INT(len, 36 + 2 * 8);
	t.fadt = table(mem, number(xsdt + 36, 8), "FACP", &t.fadt_len);
	t.madt = table(mem, number(xsdt + 44, 8), "APIC", &t.madt_len);
	t.dsdt = table(mem, number(t.fadt + 140, 8), "DSDT", &t.dsdt_len);
	return t;
}

/* Runs iasl on a table in a directory; out gets its text. */
static void disassemble(const char *dir, const uint8_t *bytes, uint32_t len,
			struct buf *out)
{
	_cleanup_fd_ int fd = open(dir, O_DIRECTORY | O_CLOEXEC);
	int status = -1;

	CHECK_INT(fd_replace_file(fd, "table", bytes, len), 0);

	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		if (null >= 0 && fchdir(fd) == 0 && dup2(null, 1) == 1 &&
		    dup2(null, 2) == 2)
			execlp("iasl", "iasl", "-d", "table", NULL);
		_exit(127);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	CHECK_INT(fd_read_file(fd, "table.dsl", out, 1 << 20), 0);
	unlinkat(fd, "table.dsl", 0);
	unlinkat(fd, "table", 0);
}

/* The reference compiler reads back what was meant. */
static void iasl(void)
{
	struct guestmem mem;
	char dir[] = "/tmp/test_acpi.XXXXXX";
	_cleanup_(buf_fini)
	struct buf text = {};

	if (access("/usr/bin/iasl", X_OK) < 0)
		SKIP("iasl (package acpica-tools)");
	CHECK_INT(guestmem_create(&mem, 2 << 20, false), 0);
	CHECK_INT(x86_acpi_write(&mem, 2, devices, 2), 0);
	CHECK(mkdtemp(dir));

	struct tables t = find_tables(&mem);

	disassemble(dir, t.dsdt, t.dsdt_len, &text);
	disassemble(dir, t.fadt, t.fadt_len, &text);
	disassemble(dir, t.madt, t.madt_len, &text);
	rmdir(dir);
	CHECK_HAS(buf_str(&text), "Device (VR00)");
	CHECK_HAS(buf_str(&text), "Device (VR01)");
	CHECK_HAS(buf_str(&text), "Name (_HID, \"LNRO0005\")");
	CHECK_HAS(buf_str(&text), "Name (_CCA, 0x01)");
	CHECK_HAS(buf_str(&text), "Memory32Fixed (ReadWrite,");
	CHECK_HAS(buf_str(&text), "0xD0001000,");
	CHECK_HAS(buf_str(&text),
		  "Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive");
	CHECK_HAS(buf_str(&text), "0x00000006,");
	CHECK_HAS(buf_str(&text), "8042 Present on ports 60/64 (V2) : 0");
	CHECK_HAS(buf_str(&text), "VGA Not Present (V4) : 1");
	CHECK_HAS(buf_str(&text), "CMOS RTC Not Present (V5) : 1");
	CHECK_HAS(buf_str(&text), "Hardware Reduced (V5) : 1");
	CHECK_HAS(buf_str(&text), "Local Apic Address : FEE00000");
}

int main(void)
{
	TEST("tables are linked, and their checksums are right")
	{
		struct guestmem mem;

		CHECK_INT(guestmem_create(&mem, 2 << 20, false), 0);
		CHECK_INT(x86_acpi_write(&mem, 1, devices, 2), 0);

		struct tables t = find_tables(&mem);

		CHECK_INT(t.fadt_len, 276);
		CHECK_INT(t.fadt[8], 6);
		CHECK_INT(number(t.fadt + 109, 2), 0x24);
		CHECK_INT(number(t.fadt + 112, 4), 0x100030);
		guestmem_destroy(&mem);
	}
	TEST("each CPU has its local APIC in the MADT")
	{
		struct guestmem mem;

		CHECK_INT(guestmem_create(&mem, 2 << 20, false), 0);
		for (unsigned cpus = 1; cpus <= LAYOUT_CPUS_MAX; cpus++) {
			CHECK_INT(x86_acpi_write(&mem, cpus, devices, 2), 0);

			struct tables t = find_tables(&mem);

			CHECK_INT(t.madt_len, 44 + 12 + 8 * cpus);
			CHECK_INT(t.madt[44], 1);
			CHECK_INT(number(t.madt + 48, 4), LAYOUT_IOAPIC);

			const uint8_t *last = t.madt + 56 + 8 * (cpus - 1);

			CHECK_INT(last[0], 0);
			CHECK_INT(last[1], 8);
			CHECK_INT(last[2], cpus - 1);
			CHECK_INT(last[3], cpus - 1);
			CHECK_INT(number(last + 4, 4), 1);
		}
		guestmem_destroy(&mem);
	}
	TEST("all slots fit, and so does none")
	{
		struct guestmem mem;
		struct x86_device all[LAYOUT_VIRTIO_SLOTS];

		for (unsigned i = 0; i < LAYOUT_VIRTIO_SLOTS; i++)
			all[i] = (struct x86_device){LAYOUT_VIRTIO + i * 4096,
						     5 + i};
		CHECK_INT(guestmem_create(&mem, 2 << 20, false), 0);
		CHECK_INT(x86_acpi_write(&mem, LAYOUT_CPUS_MAX, all,
					 LAYOUT_VIRTIO_SLOTS),
			  0);

		struct tables t = find_tables(&mem);
		uint32_t with = t.dsdt_len;

		CHECK_INT(x86_acpi_write(&mem, 1, NULL, 0), 0);
		t = find_tables(&mem);
		CHECK(t.dsdt_len < with);
		guestmem_destroy(&mem);
	}
	TEST("the reference disassembler understands all tables", iasl);
	return test_done();
}
