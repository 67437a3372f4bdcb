#!/usr/bin/env bats
# Hostile processes: what runs in a container does not reach the host through the commands that work on it.
# SPDX-License-Identifier: MIT

load helpers

descriptors() { seq 3 24; }

@test "exec: a program through a descriptor of the runtime is not one of the host" {
	background sleep 1000
	cp "$HELPERS/probe" "$T/probe"
	up
	local fd
	for fd in $(descriptors); do
		code 255 bh exec --cap CAP_SYS_PTRACE "$ID" "/proc/self/fd/$fd/$BG/root$T/probe" fds
		like "$(cat "$T/err")" 'program: exec'
	done
}

@test "exec: a working directory through a descriptor of the runtime is refused" {
	up
	local fd
	for fd in $(descriptors); do
		code 255 bh exec --cwd "/proc/self/fd/$fd" "$ID" true
		like "$(cat "$T/err")" 'working directory'
	done
}

@test "a file on stdin stays whose it is, and cannot be opened again for writing" {
	echo host >"$T/file"
	update_config '.process.user = {uid: 1000, gid: 1000}'
	set_args sh -c 'cat; echo tampered 2>/dev/null >/proc/self/fd/0 || echo refused'
	is "$(bh run -b "$BUNDLE" "$ID" <"$T/file")" "host
refused"
	is "$(cat "$T/file")" host
	is "$(stat -c %u "$T/file")" 0
}
