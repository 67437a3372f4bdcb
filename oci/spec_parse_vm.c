/* SPDX-License-Identifier: MIT */
/* The vm object: hypervisor, kernel, image and hardware. */
#include "oci/spec_parse.h"

#include "oci/spec.h"

static const struct name image_formats[] = {
	{"raw", 0}, {"qcow2", 0}, {"vdi", 0}, {"vmdk", 0}, {"vhd", 0}, {},
};

static const struct field hypervisor_fields[] = {
	{"path", field_string, FIELD_MEMBER(struct spec_vm, hypervisor_path),
	 .required = true},
	{"parameters", field_strings,
	 FIELD_MEMBER(struct spec_vm, hypervisor_parameters)},
	{},
};

static const struct field kernel_fields[] = {
	{"path", field_string, FIELD_MEMBER(struct spec_vm, kernel_path),
	 .required = true},
	{"parameters", field_strings,
	 FIELD_MEMBER(struct spec_vm, kernel_parameters)},
	{"initrd", field_word_or_null,
	 FIELD_MEMBER(struct spec_vm, kernel_initrd)},
	{},
};

/* Stays a word: its reader is the disk's, which knows the formats too. */
static int read_format(struct field_context *c, const struct json *v,
		       const struct field *f, void *object)
{
	uint64_t known;
	int r = field_lookup(v, image_formats, &known);

	return r < 0 ? r : field_string(c, v, f, object);
}

static const struct field image_fields[] = {
	{"path", field_string, FIELD_MEMBER(struct spec_vm, image_path),
	 .required = true},
	{"format", read_format, FIELD_MEMBER(struct spec_vm, image_format),
	 .required = true},
	{},
};

/* Xen's passing on of host hardware, which no VMM of ours can do. */
static int refuse_passthrough(struct field_context *c, const struct json *v,
			      const struct field *f, void *object)
{
	int r = field_is(v, JSON_ARRAY);

	(void)c, (void)object;
	if (r == 0 && v->count)
		return json_fail(v, "\"%s\" is not supported", f->name);
	return r;
}

static const struct field hardware_fields[] = {
	{"deviceTree", field_word_or_null,
	 FIELD_MEMBER(struct spec_vm, device_tree)},
	{"vcpus", field_unsigned, FIELD_MEMBER(struct spec_vm, vcpus)},
	{"memory", field_unsigned, FIELD_MEMBER(struct spec_vm, memory_bytes)},
	{"dtdevs", .read = refuse_passthrough},
	{"iomems", .read = refuse_passthrough},
	{"irqs", .read = refuse_passthrough},
	{},
};

const struct field spec_vm_fields[] = {
	{"hypervisor", field_inline, .of = hypervisor_fields},
	{"kernel", field_inline, .of = kernel_fields, .required = true},
	{"image", field_inline, .of = image_fields},
	/* The text of the specification says one, its Go types the other. */
	{"hwConfig", field_inline, .of = hardware_fields},
	{"hwconfig", field_inline, .of = hardware_fields},
	{},
};
