#!/usr/bin/env bats
# capabilities: the five sets of the process are exactly those of the configuration.
# SPDX-License-Identifier: MIT

load helpers

# sets: the five sets of the process as the kernel shows them: inheritable permitted effective bounding ambient
sets() {
	inside "sed -n 's/^Cap...:.0*//p' /proc/self/status | sed 's/^\$/0/' | tr '\\n' ' '"
}

@test "bounding, effective and permitted sets are those of the configuration" {
	is "$(sets)" "0 20000420 20000420 20000420 0 "
}

@test "no capabilities at all where the configuration has none" {
	update_config 'del(.process.capabilities)'
	is "$(sets)" "0 0 0 0 0 "
	update_config '.process.capabilities = {}'
	is "$(sets)" "0 0 0 0 0 "
}

@test "each set is set by itself" {
	update_config '.process.capabilities = {
		bounding: ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"], permitted: ["CAP_CHOWN", "CAP_KILL"],
		inheritable: ["CAP_KILL"], effective: ["CAP_CHOWN"], ambient: ["CAP_KILL"]}'
	# root regains bounding | inheritable at exec, as capabilities(7) says
	is "$(sets | cut -d' ' -f1,4,5)" "20 a1 20"
}

@test "a user who is not root keeps what is ambient, through exec" {
	update_config '.process.user = {uid: 1000, gid: 1000} |
		.process.capabilities = (["CAP_NET_BIND_SERVICE"] | {bounding: ., permitted: ., inheritable: ., effective: ., ambient: .})'
	is "$(sets)" "400 400 400 400 400 "
}

@test "a user who is not root has no capabilities without ambient ones" {
	update_config '.process.user = {uid: 1000, gid: 1000}'
	is "$(sets)" "0 0 0 20000420 0 "
}

@test "what is not in the bounding set fails" {
	code 1 inside 'hostname other'
	like "$(cat "$T/err")" 'not permitted'
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	is "$(inside 'hostname other; hostname')" other
}

@test "all capabilities that this machine gives can be asked for" {
	local bounding names
	bounding=$(sed -n 's/^CapBnd:\t//p' /proc/self/status)
	names=$(setpriv --dump | sed -n 's/^Capability bounding set: //p' | tr ',' '\n' | sed 's/.*/CAP_&/' | tr a-z A-Z |
		jq -R . | jq -cs .)
	update_config '.process.capabilities = {bounding: $n, permitted: $n, effective: $n}' --argjson n "$names"
	is "$(inside "sed -n 's/^CapBnd:.//p' /proc/self/status")" "$bounding"
}

@test "a set-uid program gives nothing with noNewPrivileges" {
	update_config '.process.user = {uid: 1000, gid: 1000} | .process.noNewPrivileges = true'
	install -D -m 4755 "$ROOTFS/bin/busybox" "$ROOTFS/suid/busybox"
	is "$(inside '/suid/busybox id -u')" 1000
}
