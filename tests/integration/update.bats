#!/usr/bin/env bats
# update: other limits for a container that exists, and nothing else changed.
# SPDX-License-Identifier: MIT

load helpers

MB=1048576

memory_limit() { cgroup_value memory memory.limit_in_bytes memory.max; }
pids_limit() { cgroup_value pids pids.max pids.max; }

@test "sizes have units, and only what is named changes" {
	requires memory pids
	update_config '.linux.resources += {"pids": {"limit": 77}}'
	up
	bh update --memory 64M --memory-reservation 32MiB "$ID"
	is "$(memory_limit)" $((64 * MB))
	is "$(cgroup_value memory memory.soft_limit_in_bytes memory.low)" $((32 * MB))
	is "$(pids_limit)" 77
	bh update --pids-limit 50 "$ID"
	is "$(pids_limit)" 50
	is "$(memory_limit)" $((64 * MB))
}

@test "memory and swap are raised and lowered together, and taken away by -1" {
	requires memory swap_accounting
	update_config '.linux.resources += {"memory": {"limit": 67108864, "swap": 134217728}}'
	up
	bh update --memory 256M --memory-swap 512M "$ID"
	is "$(memory_limit)" $((256 * MB))
	bh update --memory 32M --memory-swap 64M "$ID"
	is "$(memory_limit)" $((32 * MB))
	bh update --memory -1 "$ID"
	like "$(memory_limit)" '^(max|9223372036854771712)$'
}

@test "CPU time: quota, period, weight and the CPUs" {
	requires cpu cpuset
	up
	bh update --cpu-quota 20000 --cpu-period 50000 --cpu-share 512 --cpuset-cpus 0 "$ID"
	can_cgroup_v2 && is "$(cat "$(cgroup_dir cpu)/cpu.max")" "20000 50000"
	can_cgroup_v2 || is "$(cat "$(cgroup_dir cpu)"/cpu.cfs_{quota,period}_us | xargs)" "20000 50000"
	can_cgroup_v2 || is "$(cat "$(cgroup_dir cpu)/cpu.shares")" 512
	is "$(cat "$(cgroup_dir cpuset)/cpuset.cpus")" 0
	bh update --cpu-quota -1 "$ID"
	can_cgroup_v2 && is "$(cat "$(cgroup_dir cpu)/cpu.max")" "max 50000"
	can_cgroup_v2 || is "$(cat "$(cgroup_dir cpu)/cpu.cfs_quota_us")" -1
}

@test "resources come as JSON from standard input and from a file, where 0 changes nothing" {
	requires memory pids cpu
	up
	bh update --memory 64M "$ID"
	bh update --resources - "$ID" <<<'{"memory": {"limit": 0}, "cpu": {"shares": 0, "quota": 0}, "pids": {"limit": 33}}'
	is "$(pids_limit)" 33
	is "$(memory_limit)" $((64 * MB))
	echo '{"memory": {"limit": 100663296}}' >"$T/resources"
	bh update -r "$T/resources" --pids-limit 44 "$ID"
	is "$(memory_limit)" $((96 * MB))
	is "$(pids_limit)" 44
}

@test "a device is taken away and given back" {
	mknod -m 666 "$ROOTFS/f" c 10 229	# fuse
	up
	bh exec "$ID" sh -c '! head -c 0 /f'
	bh update -r - "$ID" <<<'{"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rwm"}]}'
	bh exec "$ID" head -c 0 /f
	bh update -r - "$ID" <<<'{"devices": [{"allow": false, "access": "rwm"}]}'
	bh exec "$ID" sh -c '! head -c 0 /f'
}

@test "a created and a paused container can be updated" {
	requires pids
	bh create -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1
	bh update --pids-limit 21 "$ID"
	is "$(pids_limit)" 21
	bh delete --force "$ID"
	up
	bh pause "$ID"
	bh update --pids-limit 22 "$ID"
	is "$(pids_limit)" 22
	is "$(status_of)" paused
	bh resume "$ID"
}

@test "an impossible value fails, names the option and changes nothing" {
	requires memory pids
	up
	bh update --memory 64M --pids-limit 30 "$ID"
	fails "--memory 12X:" bh update --memory 12X --pids-limit 5 "$ID"
	fails "--cpu-idle 2:" bh update --cpu-idle 2 --pids-limit 5 "$ID"
	fails "memory/swap: less than the limit" bh update --memory 128M --memory-swap 64M --pids-limit 5 "$ID"
	fails "Intel RDT" bh update --l3-cache-schema L3:0=f --pids-limit 5 "$ID"
	fails "standard input" bh update -r - --pids-limit 5 "$ID"
	is "$(pids_limit)" 30
	is "$(memory_limit)" $((64 * MB))
}

@test "a limit without a file here is refused before another one is changed" {
	requires pids cgroup_v1
	up
	bh update --pids-limit 30 "$ID"
	echo '{"pids": {"limit": 5}, "network": {"classID": 1}}' >"$T/resources"
	[ ! -d /sys/fs/cgroup/net_cls ]
	fails "network.classID needs the net_cls controller" bh update -r "$T/resources" "$ID"
	is "$(pids_limit)" 30
}

@test "a stopped and an unknown container are refused" {
	up
	bh kill "$ID" KILL
	"$HELPERS/pidwait" "$INIT"
	fails "is stopped, not running" bh update --pids-limit 5 "$ID"
	fails "does not exist" bh update --pids-limit 5 "nobody-$ID"
}
