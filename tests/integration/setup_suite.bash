# Made once for a whole run of the integration tests: the programs that they use and a busybox root.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash

# What a hybrid machine hands down in version 2: tests that ask for a limit there add to it.
HANDED_DOWN=/sys/fs/cgroup/unified/cgroup.subtree_control

teardown_suite() {
	local word
	[ -w $HANDED_DOWN ] || return 0
	for word in $(cat $HANDED_DOWN); do
		# still in use by another one: it stays
		[[ " $BEFORE " == *" $word "* ]] || echo "-$word" 2>/dev/null >$HANDED_DOWN || true
	done
}

setup_suite() {
	BEFORE=$(cat $HANDED_DOWN 2>/dev/null) || true
	local here program
	here=$(dirname "${BASH_SOURCE[0]}")
	export BULKHEAD=${BULKHEAD:-$here/../../build/release/bulkhead}
	BULKHEAD=$(realpath "$BULKHEAD")
	export TEMPLATE=$BATS_SUITE_TMPDIR/template
	export HELPERS=${HELPERS:-$BATS_SUITE_TMPDIR}	# the Makefile hands its own in
	export LC_ALL=C
	umask 022
	IFS=$' \t\n'	# bats has changed it, when it is given tags
	mkdir -p "$TEMPLATE/rootfs"

	for program in fscheck recvtty recvnotify onpty pidwait probe; do
		[ -x "$HELPERS/$program" ] ||
			cc -O1 -Wall -static -o "$HELPERS/$program" "$here/$program.c"
	done
	[ "${BULKHEAD_TEST_ISOLATION:-}" != vm ] || put_in_vms || return
	make_rootfs "$TEMPLATE/rootfs"
	make_config >"$TEMPLATE/config.json"
}

# put_in_vms: BULKHEAD becomes a program that makes each container a micro-VM, whoever calls it and how. The tests that
# hold for both walls have the tag vm.
put_in_vms() {
	local kernel=${BULKHEAD_TEST_KERNEL:-}
	[ -n "$kernel" ] || kernel=$("$here/../../.ci/kernel") || return
	# the warning about a weak KVM is not of interest
	cat >"$BATS_SUITE_TMPDIR/bulkhead" <<-EOT
		#!/bin/bash
		args=()
		while [ \$# != 0 ] && [ "\$1" != run ] && [ "\$1" != create ]; do
			args+=("\$1")
			shift
		done
		[ \$# = 0 ] || set -- --log-level error "\${args[@]}" "\$1" --isolation=vm --kernel='$kernel' "\${@:2}"
		[ \$# != 0 ] || set -- "\${args[@]}"
		exec '$BULKHEAD' "\$@"
	EOT
	chmod +x "$BATS_SUITE_TMPDIR/bulkhead"
	BULKHEAD=$BATS_SUITE_TMPDIR/bulkhead
}

make_rootfs() {
	local applet
	mkdir -p "$1"/{bin,dev,proc,sys,tmp,etc,root,run}
	chmod 1777 "$1/tmp"
	cp "$(command -v busybox)" "$1/bin/busybox"
	cp "$HELPERS/probe" "$1/bin/probe"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' >"$1/etc/group"
}

make_config() {
	cat <<-'EOT'
	{
		"ociVersion": "1.0.2",
		"process": {
			"terminal": false,
			"user": { "uid": 0, "gid": 0 },
			"args": ["true"],
			"env": ["PATH=/bin", "BH_TEST_ID=@ID@"],
			"cwd": "/",
			"capabilities": {
				"bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
				"effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
				"permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
			},
			"noNewPrivileges": true
		},
		"root": { "path": "rootfs" },
		"hostname": "box",
		"mounts": [
			{ "destination": "/proc", "type": "proc", "source": "proc" },
			{ "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
			  "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] },
			{ "destination": "/dev/pts", "type": "devpts", "source": "devpts",
			  "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
			{ "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
			  "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
			{ "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
			  "options": ["nosuid", "noexec", "nodev"] },
			{ "destination": "/sys", "type": "sysfs", "source": "sysfs",
			  "options": ["nosuid", "noexec", "nodev", "ro"] }
		],
		"linux": {
			"cgroupsPath": "/@ID@",
			"resources": { "devices": [{ "allow": false, "access": "rwm" }] },
			"namespaces": [
				{ "type": "pid" }, { "type": "network" }, { "type": "ipc" },
				{ "type": "uts" }, { "type": "mount" }
			]
		}
	}
	EOT
}
