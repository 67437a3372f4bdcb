/* SPDX-License-Identifier: MIT */
/* A bundle's config.json: from the file to a checked spec, and its end. */
#include "oci/spec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cleanup.h"
#include "lib/fail.h"
#include "lib/fd.h"

void spec_free(struct spec *spec)
{
	if (!spec)
		return;
	arena_fini(&spec->arena);
	free(spec);
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->n_annotations; i++)
		if (strcmp(spec->annotations[i].key, key) == 0)
			return spec->annotations[i].value;
	return NULL;
}

static int make_sources_absolute(struct spec *spec, const char *bundle)
{
	for (size_t i = 0; i < spec->n_mounts; i++) {
		struct spec_mount *m = &spec->mounts[i];

		if (m->kind != SPEC_MOUNT_BIND || *m->source == '/')
			continue;
		m->source =
			arena_printf(&spec->arena, "%s/%s", bundle, m->source);
		if (!m->source)
			return fail_plain(ENOMEM, "out of memory");
	}
	return 0;
}

static int read_bundle(const char *bundle, const char *file, struct buf *text)
{
	_cleanup_fd_ int dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return fail(errno, "open bundle %s", bundle);

	int r = fd_read_file(dir, file, text, SPEC_MAX_BYTES);

	return r < 0 ? fail_in(r, "bundle %s", bundle) : 0;
}

int spec_load(const char *bundle, const char *file, struct spec **out)
{
	_cleanup_(buf_fini)
	struct buf text = {};
	struct spec *spec;

	if (!file)
		file = "config.json";

	int r = read_bundle(bundle, file, &text);

	if (r == 0)
		r = spec_parse(buf_str(&text), text.len, file, &spec);
	if (r < 0)
		return r;
	r = spec_check(spec);
	if (r < 0)
		fail_in(r, "%s", file);
	else
		r = make_sources_absolute(spec, bundle);
	if (r < 0) {
		spec_free(spec);
		return r;
	}
	spec->text = arena_strndup(&spec->arena, text.data, text.len);
	spec->text_bytes = text.len;
	if (!spec->text) {
		spec_free(spec);
		return fail(ENOMEM, "%s", file);
	}
	*out = spec;
	return 0;
}
