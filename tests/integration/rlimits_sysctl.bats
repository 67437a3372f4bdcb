#!/usr/bin/env bats
# rlimits and sysctl: what the process may use, and kernel values of its namespaces.
# SPDX-License-Identifier: MIT

load helpers

# limit NAME: the line of /proc/self/limits, soft and hard.
limit() {
	inside "grep '^$1  ' /proc/self/limits | tr -s ' ' | sed 's/^$1 //' | cut -d' ' -f1,2"
}

@test "soft and hard limits are those of the configuration" {
	update_config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 4096}]'
	is "$(limit 'Max open files')" "100 200"
	is "$(limit 'Max core file size')" "0 4096"
}

@test "every limit of the kernel can be set" {
	update_config '.process.rlimits = ([["AS", 4294967296], ["CORE", 0], ["CPU", 1000], ["DATA", 4294967296], ["FSIZE", 1048576],
		["LOCKS", 10], ["MEMLOCK", 4096], ["MSGQUEUE", 1000], ["NICE", 0], ["NOFILE", 64], ["NPROC", 500], ["RSS", 4294967296],
		["RTPRIO", 0], ["RTTIME", 1000000], ["SIGPENDING", 50], ["STACK", 1048576]] |
		map({type: "RLIMIT_\(.[0])", soft: .[1], hard: .[1]}))'
	is "$(limit 'Max pending signals')" "50 50"
	is "$(limit 'Max stack size')" "1048576 1048576"
	is "$(limit 'Max realtime timeout')" "1000000 1000000"
}

@test "an unlimited value is the largest number" {
	update_config '.process.rlimits = [{type: "RLIMIT_FSIZE", soft: 18446744073709551615, hard: 18446744073709551615}]'
	set_args grep 'Max file size' /proc/self/limits
	# after jq, which rounds numbers of this size
	sed -i 's/1844674407370955[0-9]*/18446744073709551615/g' "$BUNDLE/config.json"
	like "$(bh run -b "$BUNDLE" "$ID")" 'unlimited +unlimited'
}

@test "a soft limit above the hard one is refused" {
	update_config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 100}]'
	fails '/process/rlimits/0|RLIMIT_NOFILE' inside true
}

@test "a hard limit can be raised above the caller's" {
	requires cap_sys_resource
	update_config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 300}]'
	ulimit -n 250
	is "$(limit 'Max open files')" "200 300"
}

@test "a limit that may not be raised fails and names it" {
	can_cap_sys_resource && skip "this machine lets root raise every limit"
	update_config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 200, hard: 300}]'
	ulimit -n 250
	fails 'RLIMIT_NOFILE.*not permitted' inside true
	nothing_left
}

@test "exec has the limits of the container" {
	update_config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}]'
	up
	is "$(bh exec "$ID" sh -c 'ulimit -Sn; ulimit -Hn' | tr '\n' ' ')" "100 200 "
}

@test "kernel values of the container's namespaces are set, and the host's are not" {
	update_config '.linux.sysctl = {"kernel.msgmax": "9999", "net.ipv4.ip_forward": "1", "fs.mqueue.msg_max": "17", "kernel.shm_rmid_forced": "1"}'
	local before
	before=$(cat /proc/sys/kernel/msgmax)
	is "$(inside 'cd /proc/sys; cat kernel/msgmax net/ipv4/ip_forward fs/mqueue/msg_max kernel/shm_rmid_forced' | tr '\n' ' ')" \
		"9999 1 17 1 "
	is "$(cat /proc/sys/kernel/msgmax)" "$before"
}

@test "a value may have blanks, and a name slashes" {
	update_config '.linux.sysctl = {"net.ipv4.ip_local_port_range": "2000 3000", "net/ipv4/ping_group_range": "0 7"}'
	is "$(inside 'cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/net/ipv4/ping_group_range' | tr -s '\t\n' '  ')" "2000 3000 0 7 "
}

@test "sysctl works with a read-only /proc/sys" {
	update_config '.linux.sysctl = {"kernel.msgmax": "9999"} | .linux.readonlyPaths = ["/proc/sys"]'
	is "$(inside 'cat /proc/sys/kernel/msgmax; echo 1 2>/dev/null >/proc/sys/kernel/msgmax || echo no')" "9999"$'\n'"no"
}

@test "a kernel value that is not of a namespace is refused" {
	local name
	for name in kernel.panic vm.swappiness fs.file-max kernel.core_pattern net kernel ../kernel.msgmax; do
		update_config '.linux.sysctl = {($n): "1"}' --arg n "$name"
		fails "/linux/sysctl/|sysctl" inside true
	done
	nothing_left
}

@test "a kernel value of a namespace that the container does not have for itself is refused" {
	update_config '.linux.sysctl = {"net.ipv4.ip_forward": "1"} |
		.linux.namespaces |= map(select(.type != "network")) | .mounts |= map(select(.type != "sysfs"))'
	fails "net.ipv4.ip_forward" inside true
	update_config '.linux.sysctl = {"kernel.msgmax": "1"} |
		.linux.namespaces |= map(select(.type != "ipc")) | .mounts |= map(select(.type != "mqueue"))'
	fails "kernel.msgmax" inside true
}

@test "a kernel value that is not there or not valid fails and names it" {
	update_config '.linux.sysctl = {"net.no.such.value": "1"}'
	fails "net.no.such.value" inside true
	update_config '.linux.sysctl = {"kernel.msgmax": "many"}'
	fails "kernel.msgmax" inside true
}
