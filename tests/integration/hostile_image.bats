#!/usr/bin/env bats
# Hostile images: what a root file system holds, and what it says is to be run and where, does not reach the host.
# SPDX-License-Identifier: MIT

load helpers

# witness: a process of the host whose root anyone with its /proc could walk; WITNESS is its pid.
witness() {
	background sleep 1000
	WITNESS=$BG
	BAIT=$T/bait
	mkdir "$BAIT"
}

# descriptors: the numbers that a command's own descriptors may have
descriptors() { seq 3 24; }

@test "a working directory through a descriptor of the runtime makes no directory on the host" {
	witness
	local fd command
	for fd in $(descriptors); do
		update_config ".process.cwd = \"/proc/self/fd/$fd/$WITNESS/root$BAIT/made/deep\""
		for command in run create; do
			fails 'working directory' bh "$command" -b "$BUNDLE" "$ID"
		done
	done
	is "$(ls -A "$BAIT")" ""
	nothing_left
}

@test "a working directory through a descriptor of the runtime makes nothing in the state directory or a cgroup" {
	local fd
	for fd in $(descriptors); do
		update_config ".process.cwd = \"/proc/self/fd/$fd/planted/deep\""
		code 1 bh run -b "$BUNDLE" "$ID"
	done
	is "$(find "$ROOT" /sys/fs/cgroup -name planted 2>/dev/null)" ""
	nothing_left
}

@test "a working directory through another process's root makes no directory on the host" {
	witness
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	update_config ".process.cwd = \"/proc/$WITNESS/root$BAIT/made\""
	fails 'outside of the container.s root' bh run -b "$BUNDLE" "$ID"
	is "$(ls -A "$BAIT")" ""
	nothing_left
}

@test "a program through a descriptor of the runtime is not one of the host" {
	witness
	cp "$ROOTFS/bin/probe" "$BAIT/probe"
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	local fd
	for fd in $(descriptors); do
		set_args "/proc/self/fd/$fd/$WITNESS/root$BAIT/probe" fds
		fails 'program: exec' bh run -b "$BUNDLE" "$ID"
	done
	nothing_left
}

@test "a script's interpreter through a descriptor of the runtime is not one of the host" {
	witness
	cp "$ROOTFS/bin/probe" "$BAIT/probe"
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	set_args /script
	local fd
	for fd in $(descriptors); do
		printf '#!/proc/self/fd/%s/%s/root%s/probe fds\n' "$fd" "$WITNESS" "$BAIT" >"$ROOTFS/script"
		chmod 755 "$ROOTFS/script"
		fails 'program: exec /script' bh run -b "$BUNDLE" "$ID"
	done
	nothing_left
}
