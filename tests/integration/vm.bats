#!/usr/bin/env bats
# --isolation=vm: the same bundle behind the other wall, with the same commands, exit codes and stdio.
# SPDX-License-Identifier: MIT

load helpers
load terminal

setup_file() {
	KERNEL=${BULKHEAD_TEST_KERNEL:-}
	[ -n "$KERNEL" ] || KERNEL=$("$BATS_TEST_DIRNAME/../../.ci/kernel" 2>"$BATS_FILE_TMPDIR/kernel") || KERNEL=
	export KERNEL
}

# What uname -r says in the guest: an unpacked kernel has it inside, Debian's in its name.
release_of() {
	local release
	release=$(grep -aom 1 'Linux version [^ ]*' "$1") || release=${1##*/vmlinuz-}
	echo "${release##* }"
}

# vm COMMAND ARG...: create or run with this isolation. The warning about a weak KVM is not of interest here.
vm() {
	[ -n "$KERNEL" ] || skip "no kernel for a guest: $(tail -n 1 "$BATS_FILE_TMPDIR/kernel")"
	[ -e /usr/bin/qemu-system-x86_64 ] || [ -w /dev/kvm ] || skip "neither KVM nor QEMU"
	bh --log-level error "$1" --isolation=vm --kernel="$KERNEL" -b "$BUNDLE" "${@:2}" "$ID"
}

# vm_inside SCRIPT: runs a shell script in a VM in the foreground.
vm_inside() {
	set_args sh -c "$1"
	vm run
}

@test "run boots a kernel of its own, and gives the program's output and exit code" {
	set_args sh -c 'uname -r; echo to stderr >&2; exit 42'
	code 42 vm run
	is "$(cat "$T/out")" "$(release_of "$KERNEL")"
	is "$(cat "$T/err")" 'to stderr'
	nothing_left
}

@test "a program that ends by a signal gives 128 and its number" {
	set_args sh -c 'kill -USR1 $$'
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	code 138 vm run
}

@test "standard input is the caller's, to its end" {
	set_args sh -c 'wc -c; cat'
	head -c 300000 /dev/zero >"$T/input"
	is "$(vm run <"$T/input")" 300000
	ID=${ID}2
	set_args cat
	is "$(printf 'one\ntwo\n' | vm run)" "$(printf 'one\ntwo')"
}

@test "a megabyte of output arrives whole" {
	set_args sh -c 'yes 0123456789abcde | head -c 1048576'
	is "$(vm run | md5sum)" "$(yes 0123456789abcde | head -c 1048576 | md5sum)"
}

@test "config.json is applied in the guest: user, capabilities, limits, no new privileges, hostname" {
	update_config '.process.user = {uid: 1000, gid: 1000, additionalGids: [2000]} | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 88}]
		| .process.capabilities |= map_values(["CAP_KILL"]) | .hostname = "boxed"'
	is "$(vm_inside 'id -u; id -G; ulimit -n; hostname; grep -E "CapBnd|NoNewPrivs" /proc/self/status | tr -s "\t" " "')" \
		"$(printf '1000\n1000 2000\n77\nboxed\nCapBnd: 0000000000000020\nNoNewPrivs: 1')"
}

@test "seccomp is applied in the guest" {
	update_config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO"}]}'
	is "$(vm_inside 'mkdir /tmp/x 2>&1')" "mkdir: can't create directory '/tmp/x': Operation not permitted"
}

@test "the mounts are there in their order: binds of a directory and of a file, tmpfs, read-only" {
	mkdir "$T/dir"
	echo below >"$T/dir/file"
	echo single >"$T/single"
	update_config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs"},
		{destination: "/mnt/dir", type: "bind", source: ($t + "/dir"), options: ["rbind"]},
		{destination: "/etc/single", type: "bind", source: ($t + "/single"), options: ["bind", "ro"]}]' --arg t "$T"
	is "$(vm_inside 'cat /mnt/dir/file /etc/single; echo new >/mnt/dir/new; echo x 2>&1 >/etc/single; ls /etc | grep -c bulkhead')" \
		"$(printf 'below\nsingle\nsh: can'\''t create /etc/single: Read-only file system\n0')"
	is "$(cat "$T/dir/new")" new
}

@test "a read-only root is read-only, and masked paths are masked" {
	update_config '.root.readonly = true | .linux.maskedPaths = ["/proc/keys"] | .linux.readonlyPaths = ["/proc/sys"]'
	is "$(vm_inside 'touch /new 2>&1; wc -c </proc/keys; echo 1 2>&1 >/proc/sys/vm/swappiness')" \
		"$(printf 'touch: /new: Read-only file system\n0\nsh: can'\''t create /proc/sys/vm/swappiness: Read-only file system')"
}

@test "create, state, start, kill and delete work across separate processes" {
	mkfifo "$T/fifo"
	set_args sh -c 'trap "exit 15" TERM; echo up; while :; do sleep 1000 & wait $!; done'
	exec {OUT}<>"$T/fifo"
	vm create --pid-file "$T/pid" </dev/null >&$OUT
	is "$(status_of)" created
	is "$(bh state "$ID" | jq .pid)" "$(cat "$T/pid")"
	bh start "$ID"
	read -r -t 20 -u "$OUT" line
	is "$line" up
	is "$(status_of)" running
	is "$(bh list -q)" "$ID"
	bh kill "$ID" TERM
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(status_of)" stopped
	bh delete "$ID"
	exec {OUT}>&-
	nothing_left
}

@test "delete --force ends a VM that runs, and leaves nothing of it" {
	set_args sleep 1000
	vm run -d </dev/null >/dev/null 2>&1
	is "$(status_of)" running
	bh delete --force "$ID"
	nothing_left
}

@test "a program that is not there is one clear error, and nothing is left" {
	set_args /no/such/program
	fails 'exec "/no/such/program": no such file or directory' vm run
	nothing_left
}

@test "a kernel that is none is one clear error" {
	KERNEL=/etc/passwd
	set_args true
	fails '/etc/passwd' vm run
	nothing_left
}

@test "a terminal: size, what is typed, a change of size, Ctrl-C, exit code" {
	update_config '.process.terminal = true | .process.env += ["TERM=xterm"]'
	set_args sh -c 'stty size; read line; echo "read:$line:"; trap "stty size" WINCH; trap "echo interrupted; exit 9" INT; echo ready
		while :; do sleep 1000 & wait $!; done'
	[ -n "$KERNEL" ] || skip "no kernel for a guest"
	on_terminal "$BULKHEAD" --log-level error --root "$ROOT" run --isolation=vm --kernel="$KERNEL" -b "$BUNDLE" "$ID"
	shown '24 80'
	type_keys 'hello\n'
	shown 'read:hello:'
	shown 'ready'
	stty -F "$TTY" rows 40 cols 132
	shown '40 132'
	type_keys '\003'
	shown 'interrupted'
	ends_with 9
}

@test "the root over virtio-fs behaves as the host's file system" {
	local caps='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETUID", "CAP_SETGID", "CAP_MKNOD", "CAP_SETFCAP"]'
	cp "$HELPERS/fscheck" "$ROOTFS/bin/"
	mkdir "$ROOTFS/here" "$T/host"
	update_config '.process.capabilities |= map_values($caps) | .process.user.umask = 18' --argjson caps "$caps"
	set_args fscheck /here 7
	# the same program on the same file system, without a VM in between
	"$HELPERS/fscheck" "$T/host" 7 >"$T/wanted"
	code 0 vm run
	diff "$T/wanted" "$T/out"
	grep -q 'at random: ok' "$T/out"
}

@test "a guest that never comes up can be interrupted, and nothing is left of it" {
	# the first program of this kernel is none: it stops and says nothing
	update_config '.vm = {kernel: {path: $k, parameters: ["rdinit=/none", "panic=0"]}, hypervisor: {path: "/none"}}' --arg k "$KERNEL"
	vm_booting() { bh --log-level error run --isolation=vm -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1; }
	[ -n "$KERNEL" ] || skip "no kernel for a guest"
	mkfifo "$T/begun"
	update_config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "echo up >\($t)/begun"]}]' --arg t "$T"
	background vm_booting
	is "$(line_of "$T/begun")" up
	pkill -TERM -f -- "--root $ROOT --log-level error run" # the shell in between forwards nothing
	wait "$BG" && return 1
	like "$(cat "$T/out")" 'interrupted'
	nothing_left
}
