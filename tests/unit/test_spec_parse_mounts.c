/* SPDX-License-Identifier: MIT */
/* Tests of oci/spec_parse_mounts.c. */
#include "tests/unit/test.h"

#include <linux/mount.h>

#include "tests/unit/spec_text.h"

static struct spec *spec;

/* The one mount of the text, which stays valid until the next call. */
static const struct spec_mount *mount_of(const char *text)
{
	static const struct spec_mount none;

	spec_free(spec);
	spec = spec_of(text);
	if (!spec)
		printf("# %s\n", fail_text());
	CHECK(spec && spec->n_mounts == 1);
	return spec ? spec->mounts : &none;
}

static void kinds(void)
{
	static const struct {
		const char *text;
		enum spec_mount_kind kind;
	} cases[] = {
		{SPEC_MOUNT("\"type\":\"tmpfs\""), SPEC_MOUNT_FS},
		{SPEC_MOUNT("\"source\":\"/y\",\"options\":[\"bind\"]"),
		 SPEC_MOUNT_BIND},
		{SPEC_MOUNT("\"type\":\"bind\",\"source\":\"y\""),
		 SPEC_MOUNT_BIND},
		{SPEC_MOUNT("\"type\":\"none\",\"source\":\"y\","
			    "\"options\":[\"rbind\"]"),
		 SPEC_MOUNT_BIND},
		{SPEC_MOUNT("\"type\":\"cgroup\""), SPEC_MOUNT_CGROUP},
		{SPEC_MOUNT("\"type\":\"cgroup2\""), SPEC_MOUNT_CGROUP},
		{SPEC_MOUNT("\"type\":\"cgroup\",\"source\":\"/y\","
			    "\"options\":[\"rbind\"]"),
		 SPEC_MOUNT_BIND},
		{SPEC_MOUNT("\"options\":[\"rslave\"]"), SPEC_MOUNT_ATTRS},
		{SPEC_MOUNT("\"type\":\"tmpfs\",\"options\":[\"remount\"]"),
		 SPEC_MOUNT_ATTRS},
		{SPEC_MOUNT("\"options\":[\"bind\",\"remount\",\"ro\"]"),
		 SPEC_MOUNT_ATTRS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_INT(mount_of(cases[i].text)->kind, cases[i].kind);
}

static void words(void)
{
	const struct spec_mount *m = mount_of(SPEC_MOUNT(
		"\"type\":\"tmpfs\",\"options\":[\"nosuid\",\"nodev\",\"exec\","
		"\"size=64m\",\"rro\",\"rsuid\",\"sync\",\"lazytime\","
		"\"private\",\"rshared\",\"tmpcopyup\",\"context=a:b,c=d\","
		"\"noswap\",\"defaults\",\"\"]"));

	CHECK_INT(m->attr_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	CHECK_INT(m->attr_clear, MOUNT_ATTR_NOEXEC);
	CHECK_INT(m->rec_attr_set, MOUNT_ATTR_RDONLY);
	CHECK_INT(m->rec_attr_clear, MOUNT_ATTR_NOSUID);
	CHECK_INT(m->sb_flags, MS_SYNCHRONOUS | MS_LAZYTIME);
	CHECK_INT(m->n_propagation, 2);
	CHECK_INT(m->propagation[0], MS_PRIVATE);
	CHECK_INT(m->propagation[1], MS_SHARED | MS_REC);
	CHECK(m->copy_up);
	CHECK_INT(m->n_options, 3);
	CHECK_STR(m->options[0].key, "size");
	CHECK_STR(m->options[0].value, "64m");
	CHECK_STR(m->options[1].key, "context");
	CHECK_STR(m->options[1].value, "a:b,c=d");
	CHECK_STR(m->options[2].key, "noswap");
	CHECK(!m->options[2].value);
}

static void read_only(void)
{
	static const struct {
		const char *text;
		bool super_block;
	} cases[] = {
		{SPEC_MOUNT("\"type\":\"tmpfs\",\"options\":[\"ro\"]"), true},
		{SPEC_MOUNT("\"type\":\"ext4\",\"options\":[\"rw\",\"ro\"]"),
		 true},
		{SPEC_MOUNT("\"type\":\"proc\",\"options\":[\"ro\"]"), false},
		{SPEC_MOUNT("\"type\":\"sysfs\",\"options\":[\"ro\"]"), false},
		{SPEC_MOUNT("\"type\":\"mqueue\",\"options\":[\"ro\"]"), false},
		{SPEC_MOUNT("\"type\":\"cgroup2\",\"options\":[\"ro\"]"),
		 false},
		{SPEC_MOUNT("\"source\":\"/y\",\"options\":[\"bind\",\"ro\"]"),
		 false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct spec_mount *m = mount_of(cases[i].text);

		CHECK_INT(m->attr_set, MOUNT_ATTR_RDONLY);
		CHECK_INT(m->sb_flags, cases[i].super_block ? MS_RDONLY : 0);
	}
}

static void last_word(void)
{
	const struct spec_mount *m =
		mount_of(SPEC_MOUNT("\"type\":\"tmpfs\",\"options\":[\"ro\","
				    "\"nosuid\",\"suid\",\"rw\",\"noatime\","
				    "\"strictatime\",\"rnoatime\","
				    "\"ratime\",\"sync\",\"async\"]"));

	CHECK_INT(m->attr_set, MOUNT_ATTR_STRICTATIME);
	CHECK_INT(m->attr_clear,
		  MOUNT_ATTR__ATIME | MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY);
	CHECK_INT(m->rec_attr_set, 0);
	CHECK_INT(m->rec_attr_clear, MOUNT_ATTR__ATIME);
	CHECK_INT(m->sb_flags, 0);
}

static void id_maps(void)
{
	const struct spec_mount *m = mount_of(
		SPEC_MOUNT("\"source\":\"/y\",\"options\":[\"bind\"],"
			   "\"uidMappings\":[{\"containerID\":1,\"hostID\":2,"
			   "\"size\":3}],\"gidMappings\":[{\"containerID\":4,"
			   "\"hostID\":5,\"size\":6}]"));

	CHECK(m->id_mapped && !m->id_mapped_recursive);
	CHECK_INT(m->uid_mappings[0].container_id, 1);
	CHECK_INT(m->uid_mappings[0].host_id, 2);
	CHECK_INT(m->gid_mappings[0].size, 6);
	m = mount_of(SPEC_MOUNT("\"source\":\"/y\",\"options\":[\"rbind\","
				"\"ridmap\"]"));
	CHECK(m->recursive && m->id_mapped && m->id_mapped_recursive);
}

static void refused(void)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{SPEC_MOUNT("\"source\":\"/y\""),
		 "c: /mounts/0: neither a type nor the option bind"},
		{SPEC_MOUNT("\"options\":[\"bind\"]"),
		 "c: /mounts/0: \"source\" is missing"},
		{SPEC_MOUNT("\"type\":\"tmpfs\",\"options\":[\"=x\"]"),
		 "c: /mounts/0/options/0: option \"=x\" has no name"},
		{SPEC_MOUNT("\"type\":\"tmpfs\",\"options\":\"ro\""),
		 "c: /mounts/0/options: must be an array, not a string"},
		{SPEC_MOUNT("\"type\":\"tmpfs\",\"options\":[1]"),
		 "c: /mounts/0/options/0: must be a string, not a number"},
		{SPEC_MOUNT("\"type\":\"tmpfs\",\"options\":[\"private\","
			    "\"slave\",\"shared\",\"slave\",\"private\"]"),
		 "c: /mounts/0/options/4: more than 4 propagation words"},
		{SPEC_MOUNT("\"source\":\"/y\",\"options\":[\"bind\","
			    "\"z\",\"nocopy\",\"size=1\",\"rdonly\"]"),
		 "c: /mounts/0/options/4: a bind mount knows no option "
		 "\"rdonly\""},
		{SPEC_MOUNT("\"type\":\"bind\",\"source\":\"/y\","
			    "\"options\":[\"size\"]"),
		 "c: /mounts/0/options/0: a bind mount knows no option "
		 "\"size\""},
		{SPEC_MORE("\"mounts\":[{\"destination\":\"\","
			   "\"type\":\"proc\"}]"),
		 "c: /mounts/0: the destination is empty"},
		{SPEC_MORE("\"mounts\":[{\"type\":\"proc\"}]"),
		 "c: /mounts/0: \"destination\" is missing"},
		{SPEC_MOUNT("\"type\":\"x\",\"uidMappings\":[{\"hostID\":1,"
			    "\"size\":1}]"),
		 "c: /mounts/0/uidMappings/0: \"containerID\" is missing"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec *s = spec_of(cases[i].text);

		CHECK(!s);
		CHECK_STR(fail_text(), cases[i].error);
		spec_free(s);
	}
}

int main(void)
{
	TEST("type and options decide what a mount is", kinds);
	TEST("each word of the options goes where it belongs", words);
	TEST("ro makes only a file system of its own read-only as a whole",
	     read_only);
	TEST("of words that contradict each other the last one wins",
	     last_word);
	TEST("mappings make a mount id-mapped, as does idmap", id_maps);
	TEST("a source that is not given is the type's name")
	{
		CHECK_STR(mount_of(SPEC_MOUNT("\"type\":\"tmpfs\""))->source,
			  "tmpfs");
		CHECK_STR(
			mount_of(SPEC_MOUNT("\"options\":[\"slave\"]"))->source,
			"none");
		CHECK_STR(mount_of(SPEC_MOUNT("\"options\":[\"slave\"]"))->type,
			  "");
	}
	TEST("a mount that cannot be is refused with the JSON pointer",
	     refused);
	spec_free(spec);
	return test_done();
}
