/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_parse_resources.c. */
#include "tests/unit/test.h"

#include "lib/cleanup.h"
#include "tests/unit/spec_text.h"

#define RESOURCES(members) SPEC_LINUX("\"resources\":{" members "}")

static struct spec_resources *resources_of(struct spec **s, const char *text)
{
	*s = spec_of(text);
	if (!*s)
		printf("# %s\n", fail_text());
	CHECK(*s && (*s)->linux_.has_resources);
	return &(*s)->linux_.resources;
}

static void device_rules(void)
{
	struct spec *s;
	struct spec_resources *r = resources_of(
		&s, RESOURCES("\"devices\":[{\"allow\":false},"
			      "{\"allow\":true,\"type\":\"c\",\"major\":1,"
			      "\"minor\":-1,\"access\":\"rm\"},"
			      "{\"allow\":true,\"type\":\"b\",\"major\":null,"
			      "\"minor\":0,\"access\":\"w\"}]"));

	CHECK_INT(r->n_devices, 3);
	CHECK(!r->devices[0].allow);
	CHECK_INT(r->devices[0].type, 'a');
	CHECK_INT(r->devices[0].major, -1);
	CHECK_INT(r->devices[0].access, 7);
	CHECK(r->devices[1].allow);
	CHECK_INT(r->devices[1].type, 'c');
	CHECK_INT(r->devices[1].major, 1);
	CHECK_INT(r->devices[1].minor, -1);
	CHECK_INT(r->devices[1].access, SPEC_DEVICE_READ | SPEC_DEVICE_MKNOD);
	CHECK_INT(r->devices[2].major, -1);
	CHECK_INT(r->devices[2].minor, 0);
	CHECK_INT(r->devices[2].access, SPEC_DEVICE_WRITE);
	spec_free(s);
}

static void limits(void)
{
	struct spec *s;
	struct spec_resources *r = resources_of(
		&s,
		RESOURCES("\"memory\":{\"limit\":1,\"reservation\":2,"
			  "\"swap\":-1,\"kernel\":4,\"kernelTCP\":5,"
			  "\"swappiness\":0,\"disableOOMKiller\":true,"
			  "\"useHierarchy\":false,\"checkBeforeUpdate\":true},"
			  "\"cpu\":{\"shares\":1,\"quota\":-1,\"burst\":3,"
			  "\"period\":4,\"realtimeRuntime\":5,"
			  "\"realtimePeriod\":6,\"idle\":1,\"cpus\":\"0-1\","
			  "\"mems\":\"\"},\"pids\":{\"limit\":0}"));
	const struct spec_memory *m = &r->memory;
	const struct spec_cpu *c = &r->cpu;

	CHECK(m->has_limit && m->limit == 1);
	CHECK(m->has_reservation && m->reservation == 2);
	CHECK(m->has_swap && m->swap == -1);
	CHECK(m->has_kernel && m->kernel == 4);
	CHECK(m->has_kernel_tcp && m->kernel_tcp == 5);
	CHECK(m->has_swappiness && m->swappiness == 0);
	CHECK(m->has_disable_oom_killer && m->disable_oom_killer);
	CHECK(m->has_use_hierarchy && !m->use_hierarchy);
	CHECK(m->check_before_update);
	CHECK(c->has_shares && c->shares == 1);
	CHECK(c->has_quota && c->quota_us == -1);
	CHECK(c->has_burst && c->burst_us == 3);
	CHECK(c->has_period && c->period_us == 4);
	CHECK(c->has_rt_runtime && c->rt_runtime_us == 5);
	CHECK(c->has_rt_period && c->rt_period_us == 6);
	CHECK(c->has_idle && c->idle == 1);
	CHECK_STR(c->cpus, "0-1");
	CHECK(!c->mems);
	CHECK(r->has_pids_limit && r->pids_limit == 0);
	spec_free(s);
}

static void block_io(void)
{
	struct spec *s;
	struct spec_resources *r = resources_of(
		&s, RESOURCES("\"blockIO\":{\"weight\":10,\"leafWeight\":20,"
			      "\"weightDevice\":[{\"major\":8,\"minor\":1,"
			      "\"leafWeight\":30}],"
			      "\"throttleReadBpsDevice\":[{\"major\":1,"
			      "\"minor\":0,\"rate\":100}],"
			      "\"throttleWriteBpsDevice\":[{\"major\":2,"
			      "\"minor\":0,\"rate\":200}],"
			      "\"throttleReadIOPSDevice\":[{\"major\":3,"
			      "\"minor\":0,\"rate\":300}],"
			      "\"throttleWriteIOPSDevice\":[{\"major\":4,"
			      "\"minor\":0,\"rate\":400},{\"major\":5,"
			      "\"minor\":0,\"rate\":500}]}"));
	const struct spec_block_io *io = &r->block_io;

	CHECK(io->has_weight && io->weight == 10);
	CHECK(io->has_leaf_weight && io->leaf_weight == 20);
	CHECK(!io->weight_devices[0].has_weight);
	CHECK_INT(io->weight_devices[0].leaf_weight, 30);
	for (size_t i = 0; i < SPEC_THROTTLE_KINDS; i++) {
		CHECK_INT(io->n_throttle[i],
			  i == SPEC_THROTTLE_WRITE_IOPS ? 2 : 1);
		CHECK_INT(io->throttle[i][0].major, i + 1);
		CHECK_INT(io->throttle[i][0].rate, (i + 1) * 100);
	}
	spec_free(s);
}

static void the_rest(void)
{
	struct spec *s;
	struct spec_resources *r = resources_of(
		&s, RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"2MB\","
			      "\"limit\":18446744073709551615}],"
			      "\"network\":{\"classID\":1,\"priorities\":["
			      "{\"name\":\"eth0\",\"priority\":2}]},"
			      "\"rdma\":{\"mlx\":{\"hcaHandles\":3},"
			      "\"//\":\"x\"},"
			      "\"unified\":{\"memory.high\":\"4\"}"));

	CHECK_STR(r->hugepage_limits[0].page_size, "2MB");
	CHECK(r->hugepage_limits[0].limit_bytes == UINT64_MAX);
	CHECK(r->has_net_class_id && r->net_class_id == 1);
	CHECK_STR(r->net_priorities[0].interface, "eth0");
	CHECK_INT(r->net_priorities[0].priority, 2);
	CHECK_INT(r->n_rdma, 1);
	CHECK_STR(r->rdma[0].device, "mlx");
	CHECK(r->rdma[0].has_hca_handles && !r->rdma[0].has_hca_objects);
	CHECK_STR(r->unified[0].key, "memory.high");
	CHECK_STR(r->unified[0].value, "4");
	spec_free(s);
}

static void refused(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{RESOURCES("\"devices\":[{}]"),
		 "c: /linux/resources/devices/0: \"allow\" is missing"},
		{RESOURCES("\"devices\":[{\"allow\":true,\"type\":\"p\"}]"),
		 "c: /linux/resources/devices/0/type: unknown type of device "
		 "\"p\""},
		{RESOURCES("\"devices\":[{\"allow\":true,"
			   "\"access\":\"rx\"}]"),
		 "c: /linux/resources/devices/0/access: access \"rx\" is not "
		 "of r, w, m"},
		{RESOURCES("\"devices\":[{\"allow\":true,\"major\":-2}]"),
		 "c: /linux/resources/devices/0/major: -2 is less than -1"},
		{RESOURCES("\"devices\":[{\"allow\":1}]"),
		 "c: /linux/resources/devices/0/allow: must be a boolean, not "
		 "a number"},
		{RESOURCES("\"pids\":{\"limit\":\"5\"}"),
		 "c: /linux/resources/pids/limit: must be a number, not a "
		 "string"},
		{RESOURCES("\"cpu\":{\"shares\":-1}"),
		 "c: /linux/resources/cpu/shares: must not be negative"},
		{RESOURCES("\"blockIO\":{\"weight\":65536}"),
		 "c: /linux/resources/blockIO/weight: 65536 is more than "
		 "65535"},
		{RESOURCES("\"blockIO\":{\"throttleReadBpsDevice\":["
			   "{\"major\":1,\"minor\":2}]}"),
		 "c: /linux/resources/blockIO/throttleReadBpsDevice/0: "
		 "\"rate\" is missing"},
		{RESOURCES("\"rdma\":{\"x\":1}"),
		 "c: /linux/resources/rdma/x: must be an object, not a "
		 "number"},
		{RESOURCES("\"unified\":{\"x\":1}"),
		 "c: /linux/resources/unified/x: must be a string, not a "
		 "number"},
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
	TEST("device rules mean all devices and all access unless they say so",
	     device_rules);
	TEST("limits of memory, CPU and pids arrive, 0 told from absent",
	     limits);
	TEST("weights and rates of block devices arrive", block_io);
	TEST("huge pages, network, RDMA and cgroup v2 files arrive", the_rest);
	TEST("what cannot be is refused with the JSON pointer", refused);
	return test_done();
}
