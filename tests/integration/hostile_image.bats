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

# bait: a directory of the host that must stay as it is; unharmed asks.
bait() {
	BAIT=$T/bait
	mkdir "$BAIT"
	echo host >"$BAIT/null"
	BEFORE=$(looks)
}
looks() { cd "$BAIT" && find . -printf '%p %y %m %U %s\n' | sort; }
unharmed() { is "$(looks)" "$BEFORE"; }

# instead KIND PATH: something that is no directory at this path of the image
instead() {
	rm -rf "$2"
	case $1 in
	file) echo image >"$2" ;;
	fifo) mkfifo "$2" ;;
	device) mknod "$2" c 1 5 ;;
	out) ln -s "$BAIT" "$2" ;;
	dangling) ln -s "../../../../../../../..$BAIT/new" "$2" ;;
	magic) ln -s /proc/self/root "$2" ;;
	circle) ln -s "/${2#"$ROOTFS"/}" "$2" ;;
	esac
}

@test "whatever is in the place of a mount's target, nothing hangs and nothing lands on the host" {
	bait
	update_config '.mounts += [
		{destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro"]},
		{destination: "/etc/resolv.conf", type: "bind", source: "/etc/hosts", options: ["bind", "ro"]},
		{destination: "/tmp", type: "tmpfs", source: "t", options: ["tmpcopyup"]},
		{destination: "/run/x", type: "tmpfs", source: "t"}]'
	local at kind
	for at in proc dev sys etc tmp run; do
		for kind in file fifo device out dangling magic circle; do
			instead "$kind" "$ROOTFS/$at"
			bh run -b "$BUNDLE" "$ID" >"$T/out" 2>"$T/err" </dev/null ||
				is "$(grep -c '^bulkhead: ' "$T/err")" 1
			unharmed
			rm -rf "${ROOTFS:?}/$at"
			mkdir "$ROOTFS/$at"
		done
	done
	nothing_left
}

@test "/proc as a file, a fifo or a device is refused" {
	local kind
	for kind in file fifo device; do
		instead "$kind" "$ROOTFS/proc"
		fails 'mount proc on /proc: .*Not a directory' bh run -b "$BUNDLE" "$ID"
	done
	nothing_left
}

# racer A B: somebody who shares a volume with the container swaps two names in it all the time.
racer() { background "$HELPERS/probe" swap "$1" "$2"; }

@test "a shared volume whose directory and link change places lets no mount, mask or device out" {
	bait
	local mounts _
	mkdir -p "$T/volume/inner"
	ln -s "$BAIT" "$T/volume/link"
	racer "$T/volume/inner" "$T/volume/link"
	update_config '.mounts += [
		{destination: "/v", type: "bind", source: $v, options: ["rbind"]},
		{destination: "/v/inner/a/b", type: "tmpfs", source: "t"},
		{destination: "/v/inner/file", type: "bind", source: "/etc/hosts", options: ["bind"]}]
		| .linux.maskedPaths = ["/v/inner/a", "/v/inner/null"]
		| .linux.readonlyPaths = ["/v/inner"]
		| .linux.devices = [{path: "/v/inner/node", type: "c", major: 1, minor: 3}]
		| .process.cwd = "/v/inner/made/here"' --arg v "$T/volume"
	mounts=$(wc -l </proc/self/mountinfo)
	for _ in {1..40}; do
		bh run -b "$BUNDLE" "$ID" >"$T/out" 2>"$T/err" </dev/null || true
		unharmed
	done
	is "$(wc -l </proc/self/mountinfo)" "$mounts"
	kill "$BG"
	nothing_left
}

@test "a root file system whose /dev and /proc change places with links lets nothing out" {
	bait
	local _
	ln -s "$BAIT" "$ROOTFS/link"
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not))
		| .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance"]}]
		| .process.terminal = true'
	racer "$ROOTFS/dev" "$ROOTFS/link"
	for _ in {1..40}; do
		script -qec "'$BULKHEAD' --root '$ROOT' run -b '$BUNDLE' '$ID'" /dev/null >"$T/out" 2>&1 </dev/null 3>&- 4>&- || true
		unharmed
	done
	kill "$BG"
	nothing_left
}
