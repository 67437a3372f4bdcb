#!/usr/bin/env bats
# cgroups: where the container is and what limits it has, in version 1 and 2, as the machine has it.
# SPDX-License-Identifier: MIT

load helpers

resources() {	# JSON
	update_config '.linux.resources += $r' --argjson r "$1"
}

# page-sized memory limits come back rounded down to pages
MB=1048576
UNIFIED=/sys/fs/cgroup/unified	# version 2 on a hybrid machine

@test "the processes of the container are in the cgroup of cgroupsPath" {
	requires pids
	up
	like "$(cat "$(cgroup_dir pids)/cgroup.procs")" "(^|[^0-9])$INIT([^0-9]|$)"
	like "$(cat "/proc/$INIT/cgroup")" ":/$ID$"
}

@test "cgroupsPath may be several levels deep, and delete removes the last" {
	requires pids
	update_config '.linux.cgroupsPath = "/\($i)/deep/er"' --arg i "$ID"
	up
	like "$(cat "/proc/$INIT/cgroup")" ":/$ID/deep/er"
	bh delete --force "$ID"
	[ ! -e "$(cgroup_dir pids "$ID/deep/er")" ]
	find /sys/fs/cgroup -depth -type d -path "*/$ID*" -exec rmdir {} +
}

@test "without cgroupsPath the container has a cgroup with its id in the name" {
	requires pids
	update_config 'del(.linux.cgroupsPath)'
	up
	like "$(cat "/proc/$INIT/cgroup")" "$ID"
	bh delete --force "$ID"
	nothing_left
}

@test "a relative cgroupsPath works" {
	requires pids
	update_config '.linux.cgroupsPath = $i' --arg i "$ID"
	up
	like "$(cat "/proc/$INIT/cgroup")" "/$ID"
	bh delete --force "$ID"
	nothing_left
}

@test "the memory limit is set" {
	requires memory
	resources "{\"memory\": {\"limit\": $((64 * MB))}}"
	up
	is "$(cgroup_value memory memory.limit_in_bytes memory.max)" $((64 * MB))
}

@test "the memory reservation and the swap limit are set" {
	requires memory
	resources "{\"memory\": {\"limit\": $((64 * MB)), \"reservation\": $((32 * MB))}}"
	can_swap_accounting && resources "{\"memory\": {\"limit\": $((64 * MB)), \"reservation\": $((32 * MB)), \"swap\": $((96 * MB))}}"
	up
	is "$(cgroup_value memory memory.soft_limit_in_bytes memory.low)" $((32 * MB))
	can_swap_accounting || return 0
	[ ! -e "$(cgroup_dir memory)/memory.swap.max" ] || is "$(cat "$(cgroup_dir memory)/memory.swap.max")" $((32 * MB))
	can_cgroup_v2 || is "$(cat "$(cgroup_dir memory)/memory.memsw.limit_in_bytes")" $((96 * MB))
}

@test "a limit of -1 is no limit" {
	requires memory pids
	resources '{"memory": {"limit": -1}, "pids": {"limit": -1}}'
	up
	like "$(cgroup_value memory memory.limit_in_bytes memory.max)" '^(max|9223372036854771712)$'
	is "$(cgroup_value pids pids.max pids.max)" max
}

@test "a process that needs more memory than the limit is killed" {
	requires memory
	resources "{\"memory\": {\"limit\": $((16 * MB)), \"swap\": $((16 * MB))}}"
	code 137 inside 'exec tail -c 100m /dev/zero'
}

@test "swappiness and the OOM killer are set on version 1" {
	requires memory cgroup_v1
	resources '{"memory": {"swappiness": 33, "disableOOMKiller": true}}'
	up
	is "$(cat "$(cgroup_dir memory)/memory.swappiness")" 33
	like "$(cat "$(cgroup_dir memory)/memory.oom_control")" 'oom_kill_disable 1'
}

@test "cpu shares are set, or the weight that they stand for" {
	requires cpu
	resources '{"cpu": {"shares": 1024}}'
	up
	is "$(cgroup_value cpu cpu.shares cpu.weight)" "$(by_version 1024 100)"
}

@test "cpu shares at both ends of the range are taken" {
	requires cpu
	resources '{"cpu": {"shares": 2}}'
	is "$(up; cgroup_value cpu cpu.shares cpu.weight)" "$(by_version 2 1)"
	bh delete --force "$ID"
	resources '{"cpu": {"shares": 262144}}'
	up
	is "$(cgroup_value cpu cpu.shares cpu.weight)" "$(by_version 262144 10000)"
}

@test "cpu quota and period are set" {
	requires cpu
	resources '{"cpu": {"quota": 20000, "period": 50000}}'
	up
	if can_cgroup_v2; then
		is "$(cat "$(cgroup_dir cpu)/cpu.max")" "20000 50000"
	else
		is "$(cat "$(cgroup_dir cpu)/cpu.cfs_quota_us")" 20000
		is "$(cat "$(cgroup_dir cpu)/cpu.cfs_period_us")" 50000
	fi
}

@test "cpu burst and idle are set" {
	requires cpu
	[ -e /sys/fs/cgroup/cpu/cpu.cfs_burst_us ] || can_cgroup_v2 || skip "this kernel has no cpu burst"
	resources '{"cpu": {"quota": 20000, "period": 50000, "burst": 10000, "idle": 1}}'
	up
	is "$(cgroup_value cpu cpu.cfs_burst_us cpu.max.burst)" 10000
	is "$(cgroup_value cpu cpu.idle cpu.idle)" 1
}

@test "the cpu set is that of the configuration, and the process sees it" {
	requires cpuset
	resources '{"cpu": {"cpus": "0", "mems": "0"}}'
	is "$(inside 'sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status')" 0
	up
	is "$(cgroup_value cpuset cpuset.cpus cpuset.cpus)" 0
	is "$(cgroup_value cpuset cpuset.mems cpuset.mems)" 0
}

@test "a container without a cpu set starts, with all the cpus of its parent" {
	requires cpuset
	is "$(inside 'sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status')" \
		"$(sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)"
}

@test "the pids limit is set and holds" {
	requires pids
	resources '{"pids": {"limit": 5}}'
	up
	is "$(cgroup_value pids pids.max pids.max)" 5
	local forked
	forked=$(bh exec "$ID" sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1000 >/dev/null 2>&1 & done' 2>&1) || true
	like "$forked" "can't fork|Resource temporarily unavailable"
}

@test "the weight of block I/O is set" {
	requires io
	local file weight
	for file in $(by_version "blkio.bfq.weight blkio.weight" "io.bfq.weight io.weight"); do
		[ ! -e "$(cgroup_dir "$(by_version blkio io)" .)/$file" ] || weight=$file
	done
	[ -n "$weight" ] || skip "this machine lacks I/O weights"
	resources '{"blockIO": {"weight": 100}}'
	up
	like "$(cat "$(cgroup_dir "$(by_version blkio io)")/$weight")" '(^| )(100|910)$'
}

@test "throttling of a block device is set" {
	requires io
	local device=
	device=$(lsblk -dno MAJ:MIN 2>/dev/null | grep -v '^1:' | head -n 1 | tr -d ' ')
	[ -n "$device" ] || skip "this machine lacks a block device"
	[ -e "/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device" ] || can_cgroup_v2 || skip "this machine lacks throttling"
	resources "{\"blockIO\": {\"throttleReadBpsDevice\": [{\"major\": ${device%:*}, \"minor\": ${device#*:}, \"rate\": 1048576}]}}"
	up
	like "$(cgroup_value "$(by_version blkio io)" blkio.throttle.read_bps_device io.max)" "$device (rbps=)?1048576"
}

@test "the limit of huge pages is set" {
	requires hugetlb
	resources '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
	up
	is "$(cgroup_value hugetlb hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)" 4194304
}

@test "a controller that a hybrid machine has in version 2 alone holds its limits there" {
	requires cgroup_v1
	grep -qsw hugetlb "$UNIFIED/cgroup.controllers" || skip "this machine lacks hugetlb in version 2"
	local held
	resources '{"hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
	up
	held=$(cat "$UNIFIED/$ID/hugetlb.2MB.max") || true
	bh delete --force "$ID"
	is "$held" 4194304
}

@test "a machine that shows no cgroup2 gets one for the runtime alone" {
	requires cgroup_v1
	[ -d "$UNIFIED" ] || skip "there is no $UNIFIED to hide"
	set_args echo fine
	# In a cgroup namespace of its own, where a mount changes none of the machine's flags.
	is "$(unshare -Cm sh -c 'umount "$0" && exec "$@"' "$UNIFIED" \
		"$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID")" fine
}

@test "unified writes any file of version 2" {
	requires cgroup_v2 pids memory
	resources '{"unified": {"pids.max": "17", "memory.high": "33554432"}}'
	up
	is "$(cat "$(cgroup_dir pids)/pids.max")" 17
	is "$(cat "$(cgroup_dir memory)/memory.high")" 33554432
}

@test "unified refuses a name with a slash and a file that is not there" {
	requires cgroup_v2
	resources '{"unified": {"../pids.max": "17"}}'
	fails "unified" inside true
	update_config '.linux.resources.unified = {"no.such.file": "1"}'
	fails "no.such.file" inside true
	nothing_left
}

@test "a limit for a controller that the machine lacks is refused by name" {
	[ ! -d /sys/fs/cgroup/net_cls ] || skip "this machine has net_cls"
	resources '{"network": {"classID": 1}}'
	fails "network.classID" inside true
	nothing_left
}

@test "a mount of type cgroup shows the container's cgroup, read-only" {
	requires pids
	update_config '.linux.namespaces += [{type: "cgroup"}] |
		.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "ro"]}]'
	up
	local dir
	dir=/sys/fs/cgroup/$(by_version pids/ "")
	like "$(bh exec "$ID" cat "${dir}cgroup.procs")" '(^|[^0-9])1([^0-9]|$)'
	code 1 bh exec "$ID" mkdir "${dir}mine"
}

@test "a mount of type cgroup without a cgroup namespace shows no cgroup of others" {
	requires pids
	update_config '.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}]'
	mkdir "$(cgroup_dir pids "${ID}stranger")"
	local seen
	seen=$(inside 'find /sys/fs/cgroup -name "*stranger"') || true
	rmdir "$(cgroup_dir pids "${ID}stranger")"
	is "$seen" ""
}

@test "limits hold for exec, whose processes are in the same cgroup" {
	requires memory
	resources "{\"memory\": {\"limit\": $((16 * MB)), \"swap\": $((16 * MB))}}"
	up
	code 137 bh exec "$ID" tail -c 100m /dev/zero
}
