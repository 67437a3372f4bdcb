/* SPDX-License-Identifier: MIT */
/* Fuzz target: state records of any shape into record_read(). */
#include <endian.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/fail.h"
#include "lib/wire.h"
#include "runtime/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static char path[] = "/tmp/bulkhead-fuzz-record-XXXXXX";
static volatile size_t sum; /* what is read is not left out */

static void remove_directory(void)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY);

	unlinkat(dir, "record", 0);
	rmdir(path);
}

/* A directory whose file "record" is the memory file at fd. */
static int make_directory(int fd)
{
	char target[64];
	int dir = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;

	snprintf(target, sizeof(target), "/proc/%d/fd/%d", getpid(), fd);
	if (dir < 0 || symlinkat(target, dir, "record") < 0 ||
	    atexit(remove_directory) != 0)
		abort();
	return dir;
}

static void read_list(char *const *list)
{
	for (; list && *list; list++)
		sum += strlen(*list);
}

static void read_hooks(const struct spec_hooks *h)
{
	for (size_t i = 0; i < h->n_hooks; i++) {
		sum += strlen(h->hooks[i].path);
		read_list(h->hooks[i].args);
		read_list(h->hooks[i].env);
	}
}

static void read_process(const struct spec_process *p)
{
	sum += strlen(p->cwd);
	read_list(p->env);
	for (size_t i = 0; i < p->user.n_additional_gids; i++)
		sum += p->user.additional_gids[i];
	for (size_t i = 0; i < p->n_rlimits; i++)
		sum += p->rlimits[i].hard;
	for (size_t i = 0; i < p->exec_cpu_initial.n_cpus; i++)
		sum += p->exec_cpu_initial.cpus[i];
	for (size_t i = 0; i < p->exec_cpu_final.n_cpus; i++)
		sum += p->exec_cpu_final.cpus[i];
}

/* All that a command would read. */
static void read_all(const struct record *rec)
{
	sum += strlen(rec->id) + strlen(rec->bundle) + strlen(rec->rootfs) +
	       strlen(rec->created);
	for (size_t i = 0; i < rec->n_annotations; i++)
		sum += strlen(rec->annotations[i].key) +
		       strlen(rec->annotations[i].value);
	read_hooks(&rec->poststart);
	read_hooks(&rec->poststop);
	read_process(&rec->process);
}

/* Head of the record: two fields of 16 bytes, the second one's is the hash. */
#define HASH_AT	 24
#define HASHED_AT 32

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static int file, dir;
	struct record *rec = NULL;
	uint64_t hash;

	if (!file) {
		file = memfd_create("record", 0);
		dir = make_directory(file);
	}
	if (ftruncate(file, 0) < 0 ||
	    pwrite(file, bytes, len, 0) != (ssize_t)len)
		abort();
	/* A right hash, or nothing behind it would ever be read. */
	if (len >= HASHED_AT) {
		hash = htole64(wire_hash(bytes + HASHED_AT, len - HASHED_AT));
		if (pwrite(file, &hash, sizeof(hash), HASH_AT) < 0)
			abort();
	}
	fail_clear();
	if (record_read(dir, &rec) < 0) {
		if (rec || !*fail_text())
			abort();
		return 0;
	}
	read_all(rec);
	record_free(rec);
	return 0;
}
