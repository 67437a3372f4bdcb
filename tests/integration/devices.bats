#!/usr/bin/env bats
# devices: the default nodes and links, those of the configuration, and who may open what.
# SPDX-License-Identifier: MIT

load helpers

# kernel_log: a node for the kernel's log, which only the device policy keeps the container from opening.
kernel_log() {
	[ -e /dev/kmsg ] || skip "this machine has no /dev/kmsg"
	update_config '.linux.devices = [{path: "/dev/kernel-log", type: "c", major: 1, minor: 11, fileMode: 438}] |
		.process.capabilities |= map_values(. + ["CAP_SYSLOG"])'
}

@test "the default device nodes are there with their numbers and modes" {
	is "$(inside 'cd /dev; stat -c "%n %t:%T %a %u:%g %F" null zero full random urandom tty')" \
"null 1:3 666 0:0 character special file
zero 1:5 666 0:0 character special file
full 1:7 666 0:0 character special file
random 1:8 666 0:0 character special file
urandom 1:9 666 0:0 character special file
tty 5:0 666 0:0 character special file"
}

@test "the default links are there" {
	is "$(inside 'cd /dev; for l in fd stdin stdout stderr ptmx; do readlink $l; done | tr "\n" " "')" \
		"/proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 pts/ptmx "
}

@test "the default devices work under a policy that denies everything" {
	is "$(inside 'echo x >/dev/null && head -c 3 /dev/zero | wc -c && head -c 3 /dev/urandom | wc -c; echo x 2>/dev/null >/dev/full || echo full' |
		tr '\n' ' ')" "3 3 full "
}

@test "a device of the configuration is made with its mode and owner" {
	update_config '.linux.devices = [
		{path: "/dev/deep/er/node", type: "c", major: 1, minor: 5, fileMode: 416, uid: 11, gid: 22},
		{path: "/dev/disk", type: "b", major: 7, minor: 200, fileMode: 384},
		{path: "/dev/pipe", type: "p", fileMode: 432}]'
	is "$(inside 'cd /dev; stat -c "%n %t:%T %a %u:%g %F" deep/er/node disk; stat -c "%n %a %F" pipe')" \
"deep/er/node 1:5 640 11:22 character special file
disk 7:c8 600 0:0 block special file
pipe 660 fifo"
}

@test "the umask of the caller does not change device modes" {
	umask 077
	is "$(inside 'stat -c %a /dev/null /dev/tty' | tr '\n' ' ')" "666 666 "
}

@test "a device outside the allow list cannot be opened" {
	kernel_log
	code 1 inside 'head -c 0 /dev/kernel-log'
	like "$(cat "$T/err")" 'Operation not permitted'
}

@test "a device on the allow list can be opened, in the ways that are allowed" {
	kernel_log
	update_config '.linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 11, access: "r"}]'
	inside 'head -c 0 /dev/kernel-log'
	code 1 inside ': >>/dev/kernel-log'
}

@test "a node that the container makes itself is of no use outside the allow list" {
	update_config '.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	code 1 inside 'mknod /mine b 7 0 && head -c 1 /mine'
	like "$(cat "$T/err")" 'Operation not permitted'
}

@test "a later device rule wins over an earlier one" {
	kernel_log
	update_config '.linux.resources.devices += [{allow: true, type: "c", access: "rwm"}, {allow: false, type: "c", major: 1, minor: 11, access: "rwm"}]'
	code 1 inside 'head -c 0 /dev/kernel-log'
}

@test "exec is under the same device policy" {
	kernel_log
	up
	code 1 bh exec "$ID" head -c 0 /dev/kernel-log
	like "$(cat "$T/err")" 'Operation not permitted'
}

@test "a device may be listed that is a default one too" {
	update_config '.linux.devices = [{path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 438, uid: 0, gid: 0}]'
	is "$(inside 'stat -c %t:%T /dev/null')" 1:3
}

@test "pseudo-terminals can be opened inside" {
	is "$(inside 'exec 5<>/dev/ptmx && ls /dev/pts | sort | tr "\n" " "')" "0 ptmx "
}

@test "a bind mount of the host's /dev is left as it is" {
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not)) |
		.mounts += [{destination: "/dev", type: "bind", source: "/dev", options: ["rbind", "rslave"]}]'
	ls /dev >"$T/before"
	is "$(inside 'stat -c %t:%T /dev/null')" 1:3
	ls /dev | diff "$T/before" -
}
