/* SPDX-License-Identifier: MIT */
/* A hostile guest in the place of a kernel: it breaks every rule of each virtio device, then switches off. */
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "microvm/layout.h"

/*
 * Theory of operation
 *
 * Started in long mode with the first 4 GiB mapped to themselves, alone, with
 * no interrupts. What it says goes to the serial port. Each device is brought
 * up in the ordinary way, one rule is broken, and the device has to be usable
 * again after a reset. At the end a random number is asked for as by a good
 * guest: the machine still works. The machine is switched off by a triple
 * fault; a rule that the VMM did not survive is an end without the last line.
 */

#define SERIAL	    0x3f8
#define RINGS	    0x400000ULL /* the rings of queue q are at RINGS + q * RING_STRIDE */
#define RING_STRIDE 0x10000ULL
#define BUFFERS	    0x600000ULL
#define MEMORY_END  (16ULL << 20)
#define SIZE	    8
#define QUEUES_MAX  8
#define RNG	    4 /* ids of devices */
#define BALLOON	    5
#define SPINS	    20000 /* reads of a status before we go on */

/* -- Without a library ---------------------------------------------------- */

void *memset(void *to, int byte, size_t n)
{
	char *at = to;

	while (n--)
		*at++ = (char)byte;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	char *at = to;
	const char *source = from;

	while (n--)
		*at++ = *source++;
	return to;
}

static void outb(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void outw(uint16_t port, uint16_t value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static void outl(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint32_t inl(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void say(const char *text)
{
	while (*text)
		outb(SERIAL, (uint8_t)*text++);
}

static void say_number(uint32_t n)
{
	if (n > 9)
		say_number(n / 10);
	outb(SERIAL, (uint8_t)('0' + n % 10));
}

/* The same numbers in each run: what is found can be found again. */
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

_Noreturn static void switch_off(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = {};

	for (;;)
		asm volatile("lidt %0\n\tud2" : : "m"(none));
}

/* -- The driver's side ---------------------------------------------------- */

struct device {
	unsigned slot;
	uint32_t id;
	unsigned n_queues;
};

static volatile uint32_t *reg(const struct device *d, unsigned offset)
{
	return (volatile uint32_t *)(LAYOUT_VIRTIO +
				     (uint64_t)d->slot * LAYOUT_VIRTIO_STRIDE +
				     offset);
}

static void set(const struct device *d, unsigned offset, uint32_t value)
{
	*reg(d, offset) = value;
}

static uint32_t get(const struct device *d, unsigned offset)
{
	return *reg(d, offset);
}

static struct vring_desc *desc(unsigned q)
{
	return (struct vring_desc *)(RINGS + q * RING_STRIDE);
}

static volatile struct vring_avail *avail(unsigned q)
{
	return (volatile struct vring_avail *)(RINGS + q * RING_STRIDE + 0x4000);
}

static volatile struct vring_used *used(unsigned q)
{
	return (volatile struct vring_used *)(RINGS + q * RING_STRIDE + 0x8000);
}

static void reset(const struct device *d)
{
	set(d, VIRTIO_MMIO_STATUS, 0);
	while (get(d, VIRTIO_MMIO_STATUS) != 0)
		;
}

static void negotiate(const struct device *d)
{
	set(d, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	set(d, VIRTIO_MMIO_STATUS,
	    VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	for (unsigned half = 0; half < 2; half++) {
		set(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, half);
		set(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
		set(d, VIRTIO_MMIO_DRIVER_FEATURES,
		    get(d, VIRTIO_MMIO_DEVICE_FEATURES));
	}
	set(d, VIRTIO_MMIO_STATUS,
	    VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		    VIRTIO_CONFIG_S_FEATURES_OK);
}

static void place(const struct device *d, unsigned offset, uint64_t address)
{
	set(d, offset, (uint32_t)address);
	set(d, offset + 4, (uint32_t)(address >> 32));
}

static void add_queue(const struct device *d, unsigned q)
{
	memset(desc(q), 0, SIZE * sizeof(struct vring_desc));
	memset((void *)avail(q), 0, 4 + SIZE * 2);
	memset((void *)used(q), 0, 4 + SIZE * 8);
	set(d, VIRTIO_MMIO_QUEUE_SEL, q);
	set(d, VIRTIO_MMIO_QUEUE_NUM, SIZE);
	place(d, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint64_t)desc(q));
	place(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint64_t)avail(q));
	place(d, VIRTIO_MMIO_QUEUE_USED_LOW, (uint64_t)used(q));
	set(d, VIRTIO_MMIO_QUEUE_READY, 1);
}

static void go(const struct device *d)
{
	set(d, VIRTIO_MMIO_STATUS,
	    VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
		    VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void bring_up(const struct device *d)
{
	reset(d);
	negotiate(d);
	for (unsigned q = 0; q < d->n_queues; q++)
		add_queue(d, q);
	go(d);
}

static void offer(unsigned q, uint16_t head)
{
	volatile struct vring_avail *a = avail(q);

	a->ring[a->idx % SIZE] = head;
	asm volatile("" : : : "memory");
	a->idx++;
}

static void kick(const struct device *d, unsigned q)
{
	set(d, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

static bool is_broken(const struct device *d)
{
	return get(d, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* Until the device has noticed, or clearly takes it. */
static bool breaks(const struct device *d, unsigned q)
{
	for (unsigned i = 0; i < SPINS / 100; i++) {
		if (is_broken(d))
			return true;
		if (used(q)->idx == avail(q)->idx)
			return false;
	}
	return false;
}

/* -- Broken rules of rings ------------------------------------------------ */

static void offer_one(unsigned q, uint64_t addr, uint32_t len, uint16_t flags,
		      uint16_t next)
{
	desc(q)[0] = (struct vring_desc){addr, len, flags, next};
	offer(q, 0);
}

enum { NEXT = VRING_DESC_F_NEXT, WRITE = VRING_DESC_F_WRITE, INDIRECT = VRING_DESC_F_INDIRECT };

static void index_ahead(unsigned q)
{
	avail(q)->idx += SIZE + 1;
}

static void index_back(unsigned q)
{
	avail(q)->idx = UINT16_MAX;
}

static void head_out_of_range(unsigned q)
{
	offer(q, SIZE);
}

static void circle(unsigned q)
{
	offer_one(q, BUFFERS, 8, NEXT, 0);
}

static void long_circle(unsigned q)
{
	for (uint16_t i = 0; i < SIZE; i++)
		desc(q)[i] = (struct vring_desc){BUFFERS, 8, NEXT, (uint16_t)((i + 1) % SIZE)};
	offer(q, 3);
}

static void next_out_of_range(unsigned q)
{
	offer_one(q, BUFFERS, 8, NEXT, 0xffff);
}

static void behind_memory(unsigned q)
{
	offer_one(q, MEMORY_END - 4, 4096, WRITE, 0);
}

static void in_the_hole(unsigned q)
{
	offer_one(q, LAYOUT_VIRTIO, 64, WRITE, 0);
}

static void around_the_end(unsigned q)
{
	offer_one(q, UINT64_MAX - 7, 64, 0, 0);
}

static void huge(unsigned q)
{
	offer_one(q, BUFFERS, UINT32_MAX, WRITE, 0);
}

static void empty(unsigned q)
{
	offer_one(q, BUFFERS, 0, 0, 0);
}

static void rings_as_buffer(unsigned q)
{
	desc(q)[1] = (struct vring_desc){(uint64_t)used(q), 0x1000, WRITE, 0};
	offer_one(q, (uint64_t)desc(q), 0x4000, NEXT, 1);
}

static void overlapping(unsigned q)
{
	desc(q)[1] = (struct vring_desc){BUFFERS + 4, 4096, WRITE, 2};
	desc(q)[2] = (struct vring_desc){BUFFERS + 2, 4096, WRITE, 0};
	desc(q)[1].flags |= NEXT;
	offer_one(q, BUFFERS, 4096, NEXT, 1);
}

static void wrong_order(unsigned q)
{
	desc(q)[1] = (struct vring_desc){BUFFERS, 64, 0, 0};
	offer_one(q, BUFFERS, 64, WRITE | NEXT, 1);
}

static void indirect_nested(unsigned q)
{
	struct vring_desc *table = (struct vring_desc *)BUFFERS;

	table[0] = (struct vring_desc){BUFFERS, 16, INDIRECT, 0};
	offer_one(q, BUFFERS, 16, INDIRECT, 0);
}

static void indirect_odd(unsigned q)
{
	offer_one(q, BUFFERS, 17, INDIRECT, 0);
}

static void indirect_huge(unsigned q)
{
	offer_one(q, BUFFERS, 0xfffffff0, INDIRECT, 0);
}

static void indirect_nowhere(unsigned q)
{
	offer_one(q, MEMORY_END, 16, INDIRECT, 0);
}

static void indirect_circle(unsigned q)
{
	struct vring_desc *table = (struct vring_desc *)BUFFERS;

	for (uint16_t i = 0; i < SIZE; i++)
		table[i] = (struct vring_desc){BUFFERS + 0x1000, 8, NEXT, (uint16_t)((i + 1) % SIZE)};
	offer_one(q, BUFFERS, SIZE * 16, INDIRECT, 0);
}

static void (*const mistakes[])(unsigned q) = {
	index_ahead,	  index_back,	   head_out_of_range, circle,
	long_circle,	  next_out_of_range, behind_memory,   in_the_hole,
	around_the_end,	  huge,		   empty,	      rings_as_buffer,
	overlapping,	  wrong_order,	   indirect_nested,   indirect_odd,
	indirect_huge,	  indirect_nowhere, indirect_circle,
};

static unsigned break_rings(const struct device *d)
{
	unsigned broken = 0;

	for (unsigned q = 0; q < d->n_queues; q++)
		for (unsigned i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
			bring_up(d);
			mistakes[i](q);
			kick(d, q);
			broken += breaks(d, q);
		}
	return broken;
}

/* -- Places of queues ----------------------------------------------------- */

static void misplace_queues(const struct device *d)
{
	static const uint64_t places[] = {MEMORY_END - 8, UINT64_MAX, UINT64_MAX - 15, LAYOUT_VIRTIO, 1, 3, LAYOUT_LAPIC};
	static const uint32_t sizes[] = {0, 3, 7, 0x8000, 0xffff, 0x10008, UINT32_MAX};
	static const unsigned parts[] = {VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_USED_LOW};

	for (unsigned i = 0; i < 7; i++) {
		for (unsigned part = 0; part < 3; part++) {
			reset(d);
			negotiate(d);
			add_queue(d, 0);
			set(d, VIRTIO_MMIO_QUEUE_READY, 0);
			place(d, parts[part], places[i]);
			set(d, VIRTIO_MMIO_QUEUE_READY, 1);
			go(d);
			offer_one(0, BUFFERS, 64, WRITE, 0);
			kick(d, 0);
			is_broken(d);
		}
		reset(d);
		negotiate(d);
		set(d, VIRTIO_MMIO_QUEUE_SEL, 0);
		set(d, VIRTIO_MMIO_QUEUE_READY, 1);
		set(d, VIRTIO_MMIO_QUEUE_NUM, sizes[i]);
		set(d, VIRTIO_MMIO_QUEUE_READY, 1);
		go(d);
		kick(d, 0);
		/* Moved while it is in use. */
		bring_up(d);
		set(d, VIRTIO_MMIO_QUEUE_SEL, 0);
		place(d, parts[i % 3], places[i]);
		set(d, VIRTIO_MMIO_QUEUE_NUM, sizes[i]);
		offer_one(0, BUFFERS, 64, WRITE, 0);
		kick(d, 0);
		set(d, VIRTIO_MMIO_QUEUE_READY, 0);
		kick(d, 0);
	}
	for (unsigned q = d->n_queues; q < 300; q += 17) {
		set(d, VIRTIO_MMIO_QUEUE_SEL, q);
		set(d, VIRTIO_MMIO_QUEUE_NUM, SIZE);
		set(d, VIRTIO_MMIO_QUEUE_READY, 1);
		kick(d, q);
	}
}

/* -- Registers and configuration ------------------------------------------ */

static void read_all(const struct device *d)
{
	uint64_t base = (uint64_t)reg(d, 0);

	for (unsigned at = 0; at < 0x180; at += 3) {
		(void)*(volatile uint8_t *)(base + at);
		(void)*(volatile uint16_t *)(base + at);
		(void)*(volatile uint32_t *)(base + at);
		(void)*(volatile uint64_t *)(base + at);
	}
	/* Over the end of the page, into the next device or into nothing. */
	(void)*(volatile uint64_t *)(base + LAYOUT_VIRTIO_STRIDE - 3);
}

static void write_anything(const struct device *d, unsigned times)
{
	uint64_t base = (uint64_t)reg(d, 0);

	bring_up(d);
	while (times--) {
		uint64_t value = any();
		/* Mostly where there is something. */
		unsigned at = any() % (times % 4 ? 0x140 : 0xffc);

		/* A ring may be anywhere but over our own code. */
		if (at > VIRTIO_MMIO_QUEUE_DESC_LOW - 8 &&
		    at < VIRTIO_MMIO_QUEUE_USED_HIGH + 4)
			value = (value & 0xff) | (value & 0x7fffff) << 8 | 0x80000000;
		switch (value % 4) {
		case 0: *(volatile uint8_t *)(base + at) = (uint8_t)(value >> 8); break;
		case 1: *(volatile uint16_t *)(base + at) = (uint16_t)(value >> 8); break;
		case 2: *(volatile uint32_t *)(base + at) = (uint32_t)(value >> 8); break;
		default: *(volatile uint64_t *)(base + at) = value >> 8; break;
		}
	}
}

static void reset_in_flight(const struct device *d)
{
	for (unsigned i = 0; i < 8; i++) {
		bring_up(d);
		for (unsigned q = 0; q < d->n_queues; q++) {
			offer_one(q, BUFFERS, 4096, i % 2 ? WRITE : 0, 0);
			kick(d, q);
		}
		set(d, VIRTIO_MMIO_STATUS, i < 4 ? 0 : (uint32_t)any());
	}
}

/* -- Contents ------------------------------------------------------------- */

static void fill(uint64_t at, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 8)
		*(uint64_t *)(at + i) = any();
}

/* A request that looks as if it were one: small numbers where types are. */
static void forge(uint64_t at)
{
	uint32_t *words = (uint32_t *)at;

	fill(at, 128);
	words[0] = any() % 3 ? (uint32_t)any() % 160 : words[0]; /* a FUSE length, a block type */
	words[1] = any() % 3 ? (uint32_t)any() % 52 : words[1]; /* a FUSE opcode, a console event */
	if (any() % 2)
		words[2] = words[3] = 0;
	words[4] = any() % 2; /* a FUSE node: the root */
	words[5] = 0;
}

/* Good rings with bad contents, changed while the device looks at them. */
static void say_anything(const struct device *d, unsigned times)
{
	while (times--) {
		unsigned q = (unsigned)(any() % d->n_queues);

		if (times % 8 == 7)
			bring_up(d);
		forge(BUFFERS);
		desc(q)[0] = (struct vring_desc){BUFFERS, (uint32_t)(any() % 160), NEXT, 1};
		desc(q)[1] = (struct vring_desc){BUFFERS + 0x1000, (uint32_t)(any() % 8192), WRITE, 0};
		if (any() % 4 == 0)
			desc(q)[0] = (struct vring_desc){BUFFERS + 0x1000, 4096, WRITE, 0};
		offer(q, 0);
		kick(d, q);
		for (unsigned i = 0; i < 60; i++) {
			desc(q)[i % 2].addr = any() % 2 ? any() : BUFFERS;
			desc(q)[i % 2].len = (uint32_t)any();
			desc(q)[i % 2].flags = (uint16_t)(any() % 8);
			*(volatile uint32_t *)(BUFFERS + i % 8 * 4) = (uint32_t)any();
		}
	}
	reset(d);
}

static void make_noise(void)
{
	for (unsigned i = 0; i < 400; i++) {
		uint16_t port = (uint16_t)any();

		if (port >= SERIAL - 4 && port < SERIAL + 8)
			continue;
		inl(port);
		outb(port, (uint8_t)any());
		outw(port, (uint16_t)any());
		outl(port, (uint32_t)any());
	}
	for (uint64_t at = LAYOUT_LOW_RAM_END; at < LAYOUT_IOAPIC; at += 0x1fff003) {
		if (at >= LAYOUT_VIRTIO && at < LAYOUT_VIRTIO + 0x20000)
			continue;
		*(volatile uint64_t *)at = any();
		(void)*(volatile uint16_t *)(at + 1);
	}
}

/* -- The whole ------------------------------------------------------------ */

static bool find(struct device *d, unsigned slot)
{
	*d = (struct device){.slot = slot};
	if (get(d, VIRTIO_MMIO_MAGIC_VALUE) != 0x74726976)
		return false;
	d->id = get(d, VIRTIO_MMIO_DEVICE_ID);
	for (unsigned q = 0; d->id && q < QUEUES_MAX; q++) {
		set(d, VIRTIO_MMIO_QUEUE_SEL, q);
		if (get(d, VIRTIO_MMIO_QUEUE_NUM_MAX))
			d->n_queues = q + 1;
	}
	return d->id != 0;
}

static void attack(const struct device *d)
{
	say("device ");
	say_number(d->id);
	say(": ");
	say_number(break_rings(d));
	say(" broken");
	misplace_queues(d);
	say(", places");
	read_all(d);
	write_anything(d, 300);
	reset(d);
	say(", registers");
	reset_in_flight(d);
	say(", resets");
	if (d->id != BALLOON)
		say_anything(d, 200);
	say(", contents\n");
}

/* The rng answers as if nothing had been. */
static bool still_works(const struct device *rng)
{
	bring_up(rng);
	offer_one(0, BUFFERS, 64, WRITE, 0);
	kick(rng, 0);
	for (unsigned i = 0; i < SPINS; i++)
		if (used(0)->idx == 1)
			return used(0)->ring[0].len == 64;
	return false;
}

_Noreturn void hostile(void)
{
	struct device d, rng = {}, balloon = {};

	for (unsigned slot = 0; slot < LAYOUT_VIRTIO_SLOTS; slot++) {
		if (!find(&d, slot))
			continue;
		attack(&d);
		if (d.id == RNG)
			rng = d;
		if (d.id == BALLOON)
			balloon = d;
	}
	make_noise();
	say("noise\n");
	say(rng.id && still_works(&rng) ? "alive\n" : "dead\n");
	/* Last: what it gives away is its own code, too. */
	say_anything(&balloon, 200);
	switch_off();
}

/* The entry of the 64-bit boot protocol; a stack of our own. */
asm(".globl _start\n"
    "_start:\n"
    "	mov $0x3ffff0, %rsp\n"
    "	call hostile\n");
