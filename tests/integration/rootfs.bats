#!/usr/bin/env bats
# root: where it is, read-only or not, how it is left behind the pivot.
# SPDX-License-Identifier: MIT

load helpers

@test "root.path is taken from the bundle, and may be absolute or deeper" {
	echo mark >"$ROOTFS/mark"
	is "$(inside 'cat /mark')" mark
	update_config '.root.path = $r' --arg r "$ROOTFS"
	is "$(cd / && inside 'cat /mark')" mark
	update_config '.root.path = "./../bundle/rootfs/"'
	is "$(inside 'cat /mark')" mark
}

@test "a read-only root cannot be written, mounts in it can" {
	update_config '.root.readonly = true'
	is "$(inside 'touch /x 2>/dev/null || echo no; touch /dev/shm/x && echo yes')" "no"$'\n'"yes"
	[ ! -e "$ROOTFS/x" ]
}

@test "a read-only root stays so: its flag cannot be taken away from inside" {
	update_config '.root.readonly = true'
	code 0 inside 'mount -o remount,rw / 2>/dev/null; touch /x 2>/dev/null || echo no'
	is "$(cat "$T/out")" no
}

@test "a writable root can be written" {
	inside 'echo text >/new'
	is "$(cat "$ROOTFS/new")" text
}

@test "the root of the host cannot be reached with any number of dot-dots" {
	echo mark >"$ROOTFS/mark"
	is "$(inside 'cd /; cd ../../../../..; cat mark; cat /../../../mark; ls /proc/1/root/mark')" \
		"mark"$'\n'"mark"$'\n'"/proc/1/root/mark"
}

@test "the root may be a mount point, and stays mounted on the host" {
	mount --bind "$ROOTFS" "$ROOTFS"
	echo mark >"$ROOTFS/mark"
	local seen
	seen=$(inside 'cat /mark') || true
	grep -q " $ROOTFS " /proc/self/mountinfo
	umount "$ROOTFS"
	is "$seen" mark
}

@test "rootfsPropagation decides whether the root is shared inside" {
	local kind line
	for kind in private slave rprivate rslave shared rshared; do
		update_config '.linux.rootfsPropagation = $p' --arg p "$kind"
		mount --bind "$ROOTFS" "$ROOTFS"
		mount --make-shared "$ROOTFS"
		line=$(inside "grep ' / / ' /proc/self/mountinfo || grep '/rootfs / ' /proc/self/mountinfo") || true
		umount "$ROOTFS"
		isnt "$line" ""
		case $kind in
		*shared) like "$line" 'shared:' ;;
		*) unlike "$line" 'shared:' ;;
		esac
	done
}

@test "two containers can share one root" {
	up
	local first=$ID
	ID=${first}two
	cp -a "$BUNDLE/config.json" "$T/config.json"
	update_config '.linux.cgroupsPath = $c | .process.args = ["cat", "/etc/passwd"]' --arg c "/$ID"
	like "$(bh run -b "$BUNDLE" "$ID")" root
	ID=$first
	is "$(status_of)" running
}

@test "the root of the bundle has no new files but the mount points after a run" {
	(cd "$ROOTFS" && find . | sort) >"$T/before"
	inside true
	(cd "$ROOTFS" && find . | sort) >"$T/after"
	is "$(diff "$T/before" "$T/after")" ""
}

@test "a root that is a link of the bundle to a directory is that directory" {
	mv "$ROOTFS" "$BUNDLE/elsewhere"
	ln -s elsewhere "$ROOTFS"
	is "$(inside 'echo here')" here
}
