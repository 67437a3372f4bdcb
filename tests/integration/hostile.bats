#!/usr/bin/env bats
# Malformed and hostile bundles: one clear error each, or no effect on the host; and nothing left behind.
# SPDX-License-Identifier: MIT

load helpers

# refused JQ WORDS: the config so changed gives one error line that says WORDS, and leaves nothing.
refused() {
	update_config "$1"
	fails "$2" bh run -b "$BUNDLE" "$ID"
	nothing_left
}

# refused_text WORDS: the same for what stdin has as config.json.
refused_text() {
	cat >"$BUNDLE/config.json"
	fails "$1" bh run -b "$BUNDLE" "$ID"
	nothing_left
}

# bait DIR: a directory of the host that must stay as it is; unharmed asks.
bait() {
	BAIT=$T/bait
	mkdir "$BAIT"
	echo host >"$BAIT/null"
	BEFORE=$(cd "$BAIT" && find . -printf '%p %y %m %s\n' | sort)
}
unharmed() { is "$(cd "$BAIT" && find . -printf '%p %y %m %s\n' | sort)" "$BEFORE"; }

# attempt: runs the bundle, which may fail, with one line then.
attempt() {
	bh run -b "$BUNDLE" "$ID" >"$T/out" 2>"$T/err" || is "$(grep -c '^bulkhead: ' "$T/err")" 1
	nothing_left
}

@test "a uid that is a string is refused" {
	refused '.process.user.uid = "0"' 'config.json: /process/user/uid: '
}

@test "a negative uid is refused" {
	refused '.process.user.uid = -1' 'config.json: /process/user/uid: '
}

@test "a uid beyond 32 bits is refused" {
	refused '.process.user.uid = 4294967296' 'config.json: /process/user/uid: '
}

@test "a fraction for a gid is refused" {
	refused '.process.user.gid = 1.5' 'config.json: /process/user/gid: '
}

@test "args that are a string is refused" {
	refused '.process.args = "true"' 'config.json: /process/args: '
}

@test "an empty list of args is refused" {
	refused '.process.args = []' 'config.json: /process/args'
}

@test "a process without args is refused" {
	refused 'del(.process.args)' 'config.json: /process/args'
}

@test "a config without a process is refused" {
	refused 'del(.process)' 'config.json: /process'
}

@test "a config without a root is refused" {
	refused 'del(.root)' 'config.json: "root"'
}

@test "a root without a path is refused" {
	refused 'del(.root.path)' 'config.json: /root: "path"'
}

@test "a relative working directory is refused" {
	refused '.process.cwd = "tmp"' 'config.json: /process/cwd: '
}

@test "mounts that are an object is refused" {
	refused '.mounts = {}' 'config.json: /mounts: '
}

@test "a mount without a destination is refused" {
	refused '.mounts[0] |= del(.destination)' 'config.json: /mounts/0'
}

@test "a mount option that is a number is refused" {
	refused '.mounts[1].options = [1]' 'config.json: /mounts/1/options/0: '
}

@test "an unknown file system is refused" {
	refused '.mounts += [{destination: "/mnt", type: "nofs", source: "x"}]' 'nofs'
}

@test "an unknown option of a file system is refused" {
	refused '.mounts += [{destination: "/mnt", type: "tmpfs", source: "x", options: ["nonsense=1"]}]' 'nonsense'
}

@test "a bind mount whose source is missing is refused" {
	refused '.mounts += [{destination: "/mnt", type: "bind", source: "/no/such/thing", options: ["bind"]}]' '/no/such/thing'
}

@test "an unknown capability is refused" {
	refused '.process.capabilities.bounding += ["CAP_NONSENSE"]' 'config.json: /process/capabilities/bounding/[0-9]*: .*CAP_NONSENSE'
}

@test "an unknown limit is refused" {
	refused '.process.rlimits = [{type: "RLIMIT_NONSENSE", soft: 1, hard: 1}]' 'config.json: /process/rlimits/0/type: .*RLIMIT_NONSENSE'
}

@test "a limit that is given twice is refused" {
	refused '.process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 0}, {type: "RLIMIT_CORE", soft: 0, hard: 0}]' 'config.json: /process/rlimits.*RLIMIT_CORE'
}

@test "a soft limit above the hard one is refused" {
	refused '.process.rlimits = [{type: "RLIMIT_CORE", soft: 2, hard: 1}]' 'config.json: /process/rlimits'
}

@test "an unknown namespace is refused" {
	refused '.linux.namespaces += [{type: "nonsense"}]' 'config.json: /linux/namespaces/[0-9]*/type: .*nonsense'
}

@test "a namespace that is given twice is refused" {
	refused '.linux.namespaces += [{type: "pid"}]' 'config.json: /linux/namespaces'
}

@test "a namespace path of another kind is refused" {
	refused '(.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/uts"' '/proc/self/ns/uts.*network'
}

@test "a namespace path that is no namespace is refused" {
	refused '(.linux.namespaces[] | select(.type == "network")).path = "/etc/passwd"' '/etc/passwd'
}

@test "a container without a mount namespace is refused" {
	refused 'del(.linux.namespaces[] | select(.type == "mount"))' 'mount'
}

@test "a hostname without a uts namespace is refused" {
	refused 'del(.linux.namespaces[] | select(.type == "uts"))' 'config.json: /hostname: '
}

@test "an unknown seccomp action is refused" {
	refused '.linux.seccomp = {defaultAction: "SCMP_ACT_NONSENSE"}' 'config.json: /linux/seccomp/defaultAction: '
}

@test "an unknown seccomp architecture is refused" {
	refused '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_NONSENSE"]}' 'config.json: /linux/seccomp/architectures/0: '
}

@test "an unknown seccomp operator is refused" {
	refused '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chmod"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 0, op: "SCMP_CMP_NONSENSE"}]}]}' 'config.json: /linux/seccomp/syscalls/0/args/0/op: '
}

@test "a seccomp argument that no call has is refused" {
	refused '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["chmod"], action: "SCMP_ACT_ERRNO", args: [{index: 6, value: 0, op: "SCMP_CMP_EQ"}]}]}' 'config.json: /linux/seccomp/syscalls/0/args/0'
}

@test "a later major version of the specification is refused" {
	refused '.ociVersion = "2.0.0"' 'config.json: /ociVersion: '
}

@test "a version that is none is refused" {
	refused '.ociVersion = "newest"' 'config.json: /ociVersion: '
}

@test "a sysctl of the host is refused" {
	refused '.linux.sysctl = {"kernel.panic": "1"}' 'config.json: /linux/sysctl.*kernel.panic'
}

@test "a sysctl that climbs is refused" {
	refused '.linux.sysctl = {"net/../kernel/panic": "1"}' 'config.json: /linux/sysctl'
}

@test "an id map of size 0 is refused" {
	refused '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 0}] | .linux.gidMappings = [{containerID: 0, hostID: 0, size: 1}]' 'config.json: /linux/uidMappings'
}

@test "id maps that overlap is refused" {
	refused '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 9}, {containerID: 5, hostID: 100, size: 9}] | .linux.gidMappings = [{containerID: 0, hostID: 0, size: 1}]' 'config.json: /linux/uidMappings'
}

@test "id maps without a user namespace is refused" {
	refused '.linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}]' 'config.json: /linux/uidMappings'
}

@test "a device of an unknown type is refused" {
	refused '.linux.devices = [{path: "/dev/x", type: "z", major: 1, minor: 3}]' 'config.json: /linux/devices/0/type: '
}

@test "a relative device path is refused" {
	refused '.linux.devices = [{path: "dev/x", type: "c", major: 1, minor: 3}]' 'config.json: /linux/devices/0'
}

@test "a relative hook path is refused" {
	refused '.hooks = {createRuntime: [{path: "bin/true"}]}' 'config.json: /hooks/createRuntime/0'
}

@test "a hook that is missing is refused" {
	refused '.hooks = {createRuntime: [{path: "/no/such/hook"}]}' 'createRuntime.*/no/such/hook'
}

@test "a cgroup path that climbs is refused" {
	refused '.linux.cgroupsPath = "/a/../../b"' '[Cc]group.*a/../../b'
}

@test "a relative masked path is refused" {
	refused '.linux.maskedPaths = ["proc/kcore"]' 'config.json: /linux/maskedPaths/0'
}

@test "an oom score beyond its range is refused" {
	refused '.process.oomScoreAdj = 1001' 'config.json: /process/oomScoreAdj: '
}

@test "a program that is a directory is refused" {
	refused '.process.args = ["/bin"]' '/bin.*is a directory'
}

@test "a program that is missing is refused" {
	refused '.process.args = ["/no/such/program"]' '/no/such/program.*no such file or directory'
}

@test "a NUL in an argument is refused" {
	refused '.process.args = ["a\u0000b"]' 'config.json: /process/args/0: '
}

@test "network devices, which are not supported yet is refused" {
	refused '.linux.netDevices = {"eth0": {}}' 'config.json: /linux/netDevices: '
}

@test "a config.json that is empty is refused" {
	refused_text 'config.json: ' </dev/null
}

@test "a config.json that ends too early is refused" {
	refused_text 'config.json: ' <<<'{"ociVersion": "1.0.0", "process": {'
}

@test "a config.json with something behind its end is refused" {
	refused_text 'config.json: ' < <(cat "$BUNDLE/config.json"; echo '{}')
}

@test "a key that is given twice is refused" {
	refused_text 'config.json: .*ociVersion' <<<'{"ociVersion": "1.0.0", "ociVersion": "1.0.0"}'
}

@test "100000 nested arrays are refused" {
	refused_text 'config.json: ' < <(head -c 100000 /dev/zero | tr '\0' '[')
}

@test "a config.json of 20 MiB is refused" {
	refused_text 'config.json' < <(head -c 20971520 /dev/zero | tr '\0' ' ')
}

@test "a config.json that is a directory is refused" {
	rm "$BUNDLE/config.json"
	mkdir "$BUNDLE/config.json"
	fails 'config.json' bh run -b "$BUNDLE" "$ID"
	nothing_left
}

@test "a root file system that is missing is refused" {
	refused '.root.path = "no-such-root"' 'no-such-root'
}

@test "a root file system that is a file is refused" {
	refused '.root.path = "config.json"' 'config.json'
}

@test "/dev as a link to a directory of the host makes nothing there" {
	bait
	rm -rf "$ROOTFS/dev"
	ln -s "$BAIT" "$ROOTFS/dev"
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	attempt
	unharmed
}

@test "/dev as a link is not followed by the mount on it either" {
	bait
	rm -rf "$ROOTFS/dev"
	ln -s "$BAIT" "$ROOTFS/dev"
	attempt
	unharmed
}

@test "/dev/console as a link to a file of the host leaves that file alone" {
	bait
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not)) | .mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance"]}] | .process.terminal = true'
	mkdir -p "$ROOTFS/dev/pts"
	ln -s "$BAIT/null" "$ROOTFS/dev/console"
	script -qefc "'$BULKHEAD' --root '$ROOT' run -b '$BUNDLE' '$ID'" /dev/null </dev/null >"$T/out" 2>&1 3>&- 4>&- || true
	nothing_left
	unharmed
}

@test "/proc as a link is refused" {
	rmdir "$ROOTFS/proc"
	ln -s /tmp "$ROOTFS/proc"
	fails 'mount proc on /proc: .*link' bh run -b "$BUNDLE" "$ID"
	nothing_left
}

@test "/sys as a link is refused" {
	rmdir "$ROOTFS/sys"
	ln -s /tmp "$ROOTFS/sys"
	update_config '.mounts += [{destination: "/sys", type: "sysfs", source: "sysfs"}]'
	fails 'mount sysfs on /sys: .*link' bh run -b "$BUNDLE" "$ID"
	nothing_left
}

@test "a device node that is a file of the image is not taken for the device" {
	update_config '.mounts |= map(select(.destination | startswith("/dev") | not))'
	echo fake >"$ROOTFS/dev/null"
	fails '/dev/null' bh run -b "$BUNDLE" "$ID"
	nothing_left
}

@test "a working directory through a leaked descriptor of the host is refused" {
	set_args pwd
	for fd in 3 4 5 6 7 8 9 10 11 12; do
		update_config ".process.cwd = \"/proc/self/fd/$fd\""
		# one may be the container's own root
		bh run -b "$BUNDLE" "$ID" >"$T/out" 2>"$T/err" && is "$(cat "$T/out")" /
	done
	like "$(cat "$T/err")" 'outside|No such file|Not a directory'
	nothing_left
}

@test "a mount target that climbs out of the root stays inside" {
	bait
	update_config ".mounts += [{destination: \"/../../../../../../../../..$BAIT\", type: \"tmpfs\", source: \"x\"}]"
	attempt
	unharmed
	is "$(grep -c "$BAIT" /proc/self/mountinfo)" 0
}

@test "a mount target through a link out of the root stays inside" {
	bait
	ln -s "$BAIT" "$ROOTFS/out"
	update_config '.mounts += [{destination: "/out/made", type: "tmpfs", source: "x"}]'
	attempt
	unharmed
}

@test "a masked path that is a link is refused, not followed" {
	update_config '.linux.maskedPaths = ["/link"]'
	ln -s /etc/passwd "$ROOTFS/link"
	fails '/link' bh run -b "$BUNDLE" "$ID"
	nothing_left
}

@test "an id of 5000 letters, with a slash, or that is empty is refused" {
	for id in "$(head -c 5000 /dev/zero | tr '\0' a)" . .. ''; do
		fails 'id' bh create -b "$BUNDLE" "$id"
	done
	nothing_left
}

@test "a unified key does not take a process of the host into the container's cgroup" {
	background sleep 1000
	local before
	before=$(cat "/proc/$BG/cgroup")
	refused ".linux.resources.unified = {\"cgroup.procs\": \"$BG\"}" 'config.json: /linux/resources/unified: "cgroup.procs"'
	is "$(cat "/proc/$BG/cgroup")" "$before"
	kill -0 "$BG"
}

# joins KIND FILE: the container joins the namespace of this kind that the runtime is in.
joins() {
	update_config '(.linux.namespaces[] | select(.type == $k)).path = "/proc/self/ns/" + $f' --arg k "$1" --arg f "$2"
}

# on_own_host LOOK: runs the bundle on a host whose network, ipc and names are the test's own; T/before and T/after are
# what LOOK says there. Nothing that succeeds here changes the machine.
on_own_host() {
	unshare --net --ipc --uts sh -c '
		eval "$1" >"$2/before"
		BH_TEST_ID=$3 "$4" --root "$5" run -b "$6" "$3" >"$2/out" 2>"$2/err" </dev/null
		echo $? >"$2/code"
		eval "$1" >"$2/after"' sh "$1" "$T" "$ID" "$BULKHEAD" "$ROOT" "$BUNDLE" 3>&- 4>&-
}

# kept LOOK WORDS: it is refused in these words, and the host is as before.
kept() {
	on_own_host "$1"
	is "$(cat "$T/after")" "$(cat "$T/before")"
	is "$(cat "$T/code")" 1
	like "$(cat "$T/err")" "^bulkhead: .*$2"
	nothing_left
}

@test "a sysctl of a network namespace that is the host's own is refused" {
	joins network net
	update_config '.linux.sysctl = {"net.ipv4.ip_forward": "1"}'
	kept 'cat /proc/sys/net/ipv4/ip_forward' 'ip_forward would change the host'
}

@test "a sysctl of an ipc namespace that is the host's own is refused" {
	joins ipc ipc
	update_config '.linux.sysctl = {"kernel.msgmax": "4321"}'
	kept 'cat /proc/sys/kernel/msgmax' 'msgmax would change the host'
}

@test "a hostname in a uts namespace that is the host's own is refused" {
	joins uts uts
	update_config '.hostname = "taken"'
	kept hostname 'hostname would change the host'
}

@test "the host's own namespaces are joined when nothing of them is changed" {
	joins uts uts
	joins ipc ipc
	update_config 'del(.hostname) | .process.args = ["readlink", "/proc/self/ns/uts"]'
	on_own_host 'readlink /proc/self/ns/uts'
	is "$(cat "$T/code")" 0
	is "$(cat "$T/out")" "$(cat "$T/before")"
}
