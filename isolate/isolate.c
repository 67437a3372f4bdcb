/* SPDX-License-Identifier: MIT */
/* One struct spec becomes one confined process: the table of steps. */
#include "isolate/isolate.h"

#include <sys/stat.h>
#include <unistd.h>

#include "isolate/step.h"
#include "isolate/sync.h"
#include "lib/cleanup.h"
#include "lib/fail.h"

struct step {
	const char *name;
	int (*run)(struct child *c);
};

/* -- The tables ----------------------------------------------------------- */

/* From a fresh clone in new namespaces to "/" of the container. */
static const struct step build_steps[] = {
	{"cgroup", step_cgroup},
	{"cgroup namespace", step_cgroup_namespace},
	{"session", step_session},
	{"user namespace", step_user_namespace},
	{"namespaces", step_namespaces},
	{"root file system", step_root},
	{"mounts", step_mounts},
	{"devices", step_devices},
	{"terminal", step_terminal},
	{"pid namespace", step_join_pid},
	{"hooks", step_hooks},
	{"sysctl", step_sysctl},
	{"masked paths", step_masks},
	{"root file system", step_pivot},
	{"signals", step_signals},
	{"oom score", step_oom_score},
	{"label", step_label},
};

/* From a fresh clone on the host into a container that runs. */
static const struct step enter_steps[] = {
	{"cgroup", step_cgroup},
	{"signals", step_signals},
	{"oom score", step_oom_score},
	{"label", step_label},
	{"enter", step_enter},
	{"terminal", step_terminal},
};

/*
 * From "/" of the container to the program. The paths that are walked here
 * are the image's and the config's: nothing of the host is open by then.
 */
static const struct step process_steps[] = {
	{"environment", step_environment},
	{"descriptors", step_descriptors},
	{"pid namespace", step_enter_unsealed},
	{"resource limits", step_limits},
	{"scheduling", step_scheduling},
	{"working directory", step_cwd},
	{"program", step_program},
	{"terminal", step_stdio},
	{"seccomp", step_receive_seccomp},
	{"pid namespace", step_enter_sealed},
	{"terminal", step_control},
	{"start", step_wait_for_start},
	{"hooks", step_start_hooks},
	{"seccomp", step_seccomp_privileged},
	{"credentials", step_credentials},
	{"seccomp", step_seccomp_unprivileged},
	{"program", step_exec},
};

/* The same ways for a VMM: nothing in its root is for a program to use. */
static const struct step jail_steps[] = {
	{"cgroup", step_cgroup},
	{"cgroup namespace", step_cgroup_namespace},
	{"session", step_session},
	{"user namespace", step_user_namespace},
	{"namespaces", step_namespaces},
	{"machine", step_before_root},
	{"root file system", step_root},
	{"mounts", step_mounts},
	{"terminal", step_terminal},
	{"hooks", step_hooks},
	{"root file system", step_pivot},
};

static const struct step vmm_steps[] = {
	{"signals", step_signals},
	{"oom score", step_oom_score},
	{"scheduling", step_scheduling},
	{"label", step_label},
	{"seccomp", step_receive_seccomp},
	{"terminal", step_stdio},
	{"terminal", step_control},
	{"credentials", step_credentials},
	{"machine", step_inside},
};

static void run_steps(struct child *c, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = steps[i].run(c);

		if (r < 0) {
			if (!*fail_text())
				fail(-r, "failed");
			fail_in(r, "%s", steps[i].name);
			sync_send_error(c->sync, r);
			_exit(1);
		}
	}
}

_Noreturn void isolate_run(const struct isolate *iso, int sync)
{
	struct child c = {
		.iso = iso,
		.linux_ = &iso->spec->linux_,
		.sync = sync,
		.root = -1,
		.slave = -1,
	};

	/* Modes are meant as they are written, until the program's turn. */
	umask(0);
	if (iso->inside) {
		run_steps(&c, jail_steps, ARRAY_SIZE(jail_steps));
		run_steps(&c, vmm_steps, ARRAY_SIZE(vmm_steps));
	}
	if (iso->join_only)
		run_steps(&c, enter_steps, ARRAY_SIZE(enter_steps));
	else
		run_steps(&c, build_steps, ARRAY_SIZE(build_steps));
	run_steps(&c, process_steps, ARRAY_SIZE(process_steps));
	_exit(1); /* not reached: the last step execs or fails */
}
