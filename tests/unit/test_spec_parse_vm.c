/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_parse_vm.c. */
#include "tests/unit/test.h"

#include "lib/cleanup.h"
#include "tests/unit/spec_text.h"

#define VM(members) \
	SPEC_MORE("\"vm\":{\"kernel\":{\"path\":\"/k\"}" members "}")

static void refused(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{SPEC_MORE("\"vm\":{}"), "c: /vm: \"kernel\" is missing"},
		{SPEC_MORE("\"vm\":{\"kernel\":{}}"),
		 "c: /vm/kernel: \"path\" is missing"},
		{VM(",\"image\":{\"path\":\"/i\"}"),
		 "c: /vm/image: \"format\" is missing"},
		{VM(",\"image\":{\"path\":\"/i\",\"format\":\"iso\"}"),
		 "c: /vm/image/format: unknown word \"iso\""},
		{VM(",\"hwConfig\":{\"irqs\":[1]}"),
		 "c: /vm/hwConfig/irqs: \"irqs\" is not supported"},
		{VM(",\"hwconfig\":{\"vcpus\":-1}"),
		 "c: /vm/hwconfig/vcpus: must not be negative"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec *s = spec_of(cases[i].text);

		CHECK(!s);
		CHECK_STR(fail_text(), cases[i].error);
		spec_free(s);
	}
}

int main(void)
{
	TEST("every field of the vm object arrives")
	{
		struct spec *s = spec_of(SPEC_MORE(
			"\"vm\":{\"hypervisor\":{\"path\":\"/h\","
			"\"parameters\":[\"a\"]},\"kernel\":{\"path\":\"/k\","
			"\"parameters\":[\"b\"],\"initrd\":\"/r\"},"
			"\"image\":{\"path\":\"/i\",\"format\":\"qcow2\"},"
			"\"hwConfig\":{\"deviceTree\":\"/d\",\"vcpus\":4,"
			"\"memory\":5368709120,\"irqs\":[]}}"));

		CHECK(s && s->vm);
		CHECK_STR(s->vm->hypervisor_path, "/h");
		CHECK_STR(s->vm->hypervisor_parameters[0], "a");
		CHECK_STR(s->vm->kernel_path, "/k");
		CHECK_STR(s->vm->kernel_parameters[0], "b");
		CHECK_STR(s->vm->kernel_initrd, "/r");
		CHECK_STR(s->vm->image_path, "/i");
		CHECK_STR(s->vm->image_format, "qcow2");
		CHECK_STR(s->vm->device_tree, "/d");
		CHECK_INT(s->vm->vcpus, 4);
		CHECK_INT(s->vm->memory_bytes, 5368709120);
		spec_free(s);
	}
	TEST("hwconfig is hwConfig, and parameters are never missing")
	{
		struct spec *s = spec_of(VM(",\"hwconfig\":{\"vcpus\":2}"));

		CHECK(s && s->vm->vcpus == 2);
		CHECK(!s->vm->kernel_parameters[0]);
		CHECK(!s->vm->hypervisor_parameters[0]);
		spec_free(s);
	}
	TEST("what cannot be is refused with the JSON pointer", refused);
	return test_done();
}
