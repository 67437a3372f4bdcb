#!/usr/bin/env bats
# namespaces: new ones, those of the host, those of somebody else, and what can be set in them.
# SPDX-License-Identifier: MIT

load helpers

declare -gA KIND=([pid]=pid [net]=network [ipc]=ipc [uts]=uts [mnt]=mount [cgroup]=cgroup [time]=time)

@test "each namespace that is listed is new" {
	requires time_namespace
	update_config '.linux.namespaces += [{type: "cgroup"}, {type: "time"}]'
	local ns seen
	seen=$(inside 'cd /proc/self/ns; for n in pid net ipc uts mnt cgroup time; do readlink $n; done')
	for ns in pid net ipc uts mnt cgroup time; do
		like "$seen" "$ns:\[[0-9]+\]"
		unlike "$seen" "${ns}:\\[$(readlink /proc/self/ns/$ns | tr -dc 0-9)\\]"
	done
}

@test "each namespace that is not listed is the host's" {
	local ns
	for ns in pid net ipc uts; do
		cp "$BUNDLE/config.json" "$T/full.json"
		update_config 'del(.hostname) | .linux.namespaces |= map(select(.type != $t)) |
			if $t == "network" then .mounts |= map(select(.type != "sysfs")) else . end |
			if $t == "ipc" then .mounts |= map(select(.type != "mqueue")) else . end' --arg t "${KIND[$ns]}"
		is "$(inside "readlink /proc/self/ns/$ns")" "$(readlink /proc/self/ns/$ns)"
		cp "$T/full.json" "$BUNDLE/config.json"
	done
}

@test "each namespace can be joined by its path" {
	requires time_namespace
	local ns holder
	background unshare --kill-child --pid --fork --net --ipc --uts --cgroup --time --mount-proc sleep 1000
	holder=$BG
	local child=
	until child=$(pgrep -P "$holder" -x sleep); do :; done
	for ns in pid net ipc uts cgroup time; do
		cp "$BUNDLE/config.json" "$T/full.json"
		update_config '.linux.namespaces |= map(select(.type != $t)) + [{type: $t, path: $p}] | del(.hostname)' \
			--arg t "${KIND[$ns]}" --arg p "/proc/$child/ns/$ns"
		is "$(inside "readlink /proc/self/ns/$ns")" "$(readlink "/proc/$child/ns/$ns")"
		cp "$T/full.json" "$BUNDLE/config.json"
	done
}

@test "the process is pid 1 in a pid namespace of its own" {
	is "$(inside 'echo $$')" 1
}

@test "hostname and domainname are set inside and not outside" {
	update_config '.hostname = "the-box" | .domainname = "the-domain"'
	local before
	before=$(uname -n)
	is "$(inside 'hostname; cat /proc/sys/kernel/domainname' | tr '\n' ' ')" "the-box the-domain "
	is "$(uname -n)" "$before"
}

@test "a hostname of 64 letters works" {
	local name
	name=$(printf 'h%.0s' $(seq 64))
	update_config '.hostname = $n' --arg n "$name"
	is "$(inside hostname)" "$name"
}

@test "the loopback interface is up in a network namespace of its own" {
	like "$(inside 'ip -o link show lo')" '<LOOPBACK,UP'
	is "$(inside 'ping -c 1 -W 5 127.0.0.1 >/dev/null 2>&1; nc -z -w 1 127.0.0.1 1 2>&1; ls /sys/class/net' | tail -n 1)" lo
}

@test "clocks are moved by timeOffsets" {
	requires time_namespace
	update_config '.linux.namespaces += [{type: "time"}] |
		.linux.timeOffsets = {boottime: {secs: 1000000, nanosecs: 0}, monotonic: {secs: 7, nanosecs: 5}}'
	[ "$(inside 'cut -d. -f1 /proc/uptime')" -ge 1000000 ]
	is "$(inside 'tr -s " " </proc/self/timens_offsets')" "monotonic 7 5"$'\n'"boottime 1000000 0"
}

@test "a cgroup namespace hides where the container's cgroup is" {
	update_config '.linux.namespaces += [{type: "cgroup"}]'
	local seen
	seen=$(inside 'cat /proc/self/cgroup')
	unlike "$seen" "$ID"
	like "$seen" ':/$'
}

@test "a container joins the pid namespace of another and dies with it" {
	up
	local first=$ID init=$INIT
	ID=${first}two
	cp -a "$BUNDLE" "$T/two"
	BUNDLE=$T/two ROOTFS=$T/two/rootfs
	update_config '(.linux.namespaces[] | select(.type == "pid")) += {path: $p} | .linux.cgroupsPath = $c' \
		--arg p "/proc/$init/ns/pid" --arg c "/$ID"
	up
	is "$(ns_of "$INIT" pid)" "$(ns_of "$init" pid)"
	kill -9 "$init"
	"$HELPERS/pidwait" "$INIT" "$init"
	is "$(status_of "$ID")" stopped
	bh delete "$ID"
	ID=$first
}

@test "System V shared memory of the host is not seen inside" {
	local key
	key=$(ipcmk -M 1000 | grep -o '[0-9]*$')
	local seen
	seen=$(inside 'wc -l </proc/sysvipc/shm') || true
	ipcrm -m "$key"
	is "$seen" 1
}
