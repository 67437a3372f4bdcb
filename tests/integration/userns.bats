#!/usr/bin/env bats
# user namespaces: id maps, devices, groups, and a caller who is not root.
# SPDX-License-Identifier: MIT

load helpers

# in_userns: root of the container is 100000 on the host, and owns the bundle's files.
in_userns() {
	update_config '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'
	chown -R 100000:200000 "$ROOTFS"
}

# everybody may walk to the bundle: the id maps leave root nothing to override modes with
open_path() {
	local dir=$T
	while [ "$dir" != / ]; do
		chmod o+x "$dir"
		dir=$(dirname "$dir")
	done
}

@test "ids are mapped as the configuration says" {
	in_userns
	open_path
	is "$(inside 'tr -s " " </proc/self/uid_map; tr -s " " </proc/self/gid_map; id -u; id -g' | tr '\n' ' ')" \
		" 0 100000 65536  0 200000 65536 0 0 "
}

@test "the process is the mapped user on the host" {
	in_userns
	open_path
	update_config '.process.user = {uid: 5, gid: 6}'
	chmod 777 "$ROOTFS"
	up
	is "$(stat -c %u:%g "/proc/$INIT")" 100005:200006
}

@test "several ranges can be mapped" {
	in_userns
	open_path
	update_config '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 10}, {containerID: 1000, hostID: 300000, size: 5}]'
	is "$(inside 'wc -l </proc/self/uid_map')" 2
}

@test "the default devices are there and work" {
	in_userns
	open_path
	is "$(inside 'echo x >/dev/null; head -c 3 /dev/zero | wc -c; stat -c %t:%T /dev/null /dev/urandom' | tr '\n' ' ')" \
		"3 1:3 1:9 "
}

@test "supplementary groups work" {
	in_userns
	open_path
	update_config '.process.user = {uid: 1, gid: 1, additionalGids: [7, 8]}'
	is "$(inside 'id -G')" "1 7 8"
}

@test "proc and sysfs are mounted, and belong to the namespace" {
	in_userns
	open_path
	is "$(inside 'hostname; ls /sys/class >/dev/null && echo sys; read name </proc/1/comm; echo $name' | tr '\n' ' ')" "box sys sh "
}

@test "root inside is nobody outside: it cannot read a file of the host's root" {
	in_userns
	open_path
	echo secret >"$T/secret"
	chmod 600 "$T/secret"
	update_config '.mounts += [{type: "bind", source: $s, destination: "/secret", options: ["bind"]}]' --arg s "$T/secret"
	code 1 inside 'cat /secret'
	like "$(cat "$T/err")" 'Permission denied'
}

@test "files made inside belong to the mapped user" {
	in_userns
	open_path
	inside 'touch /new'
	is "$(stat -c %u:%g "$ROOTFS/new")" 100000:200000
}

@test "a user namespace can be joined by its path" {
	in_userns
	open_path
	up
	local first=$ID ns
	ns=$(ns_of "$INIT" user)
	ID=${first}two
	cp -a "$BUNDLE" "$T/two"
	BUNDLE=$T/two ROOTFS=$T/two/rootfs
	update_config '(.linux.namespaces[] | select(.type == "user")) += {path: $p} |
		del(.linux.uidMappings, .linux.gidMappings) | .linux.cgroupsPath = $c' \
		--arg p "/proc/$INIT/ns/user" --arg c "/$ID"
	is "$(inside 'readlink /proc/self/ns/user')" "$ns"
	ID=$first
}

@test "delete --force ends a container in a user namespace and leaves nothing" {
	in_userns
	open_path
	up
	bh delete --force "$ID"
	nothing_left
}

# unprivileged: makes the bundle one of an ordinary user's; as_user ARGS runs the program as that one.
unprivileged() {
	open_path
	update_config 'del(.linux.cgroupsPath, .linux.resources) | .linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 4321, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: 4321, size: 1}] |
		.mounts |= map(if .type == "devpts" then .options -= ["gid=5"] else . end)'
	mkdir "$ROOT"
	chown -R 4321:4321 "$BUNDLE" "$ROOT"
	cp "$BULKHEAD" "$T/bulkhead" # the tree may be out of that user's reach
}

as_user() {
	setpriv --reuid 4321 --regid 4321 --clear-groups env -i BH_TEST_ID="$ID" XDG_RUNTIME_DIR="$ROOT" PATH="$PATH" \
		"$T/bulkhead" --root "$ROOT" "$@"
}

@test "a caller who is not root runs a container in a user namespace" {
	set_args sh -c 'id -u; cat /proc/self/uid_map | tr -s " "'
	unprivileged
	is "$(as_user run -b "$BUNDLE" "$ID" | tr '\n' ' ')" "0  0 4321 1 "
}

@test "ps without a cgroup lists the processes of the pid namespace" {
	set_args sleep 1000
	unprivileged
	as_user run -d --pid-file "$ROOT/pid" -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1
	as_user exec -d --pid-file "$ROOT/second" "$ID" sleep 1000 </dev/null >"$T/out" 2>&1
	is "$(as_user ps -f json "$ID" | jq -c sort)" \
		"$(jq -nc '$ARGS.positional | map(tonumber) | sort' --args "$(cat "$ROOT/pid")" "$(cat "$ROOT/second")")"
	as_user delete --force "$ID"
}
