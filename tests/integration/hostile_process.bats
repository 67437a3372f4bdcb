#!/usr/bin/env bats
# Hostile processes: what runs in a container does not reach the host through the commands that work on it.
# SPDX-License-Identifier: MIT

load helpers

descriptors() { seq 3 24; }

@test "exec: a program through a descriptor of the runtime is not one of the host" {
	background sleep 1000
	cp "$HELPERS/probe" "$T/probe"
	up
	local fd
	for fd in $(descriptors); do
		code 255 bh exec --cap CAP_SYS_PTRACE "$ID" "/proc/self/fd/$fd/$BG/root$T/probe" fds
		like "$(cat "$T/err")" 'program: exec'
	done
}

@test "exec: a working directory through a descriptor of the runtime is refused" {
	up
	local fd
	for fd in $(descriptors); do
		code 255 bh exec --cwd "/proc/self/fd/$fd" "$ID" true
		like "$(cat "$T/err")" 'working directory'
	done
}

@test "a file on stdin stays whose it is, and cannot be opened again for writing" {
	echo host >"$T/file"
	update_config '.process.user = {uid: 1000, gid: 1000}'
	set_args sh -c 'cat; echo tampered 2>/dev/null >/proc/self/fd/0 || echo refused'
	is "$(bh run -b "$BUNDLE" "$ID" <"$T/file")" "host
refused"
	is "$(cat "$T/file")" host
	is "$(stat -c %u "$T/file")" 0
}

# hunted: execs into a container where somebody stops and searches what comes in, until he saw three; FOUND is what lay open.
hunted() {
	mkfifo -m 666 "$ROOTFS/ready"
	set_args sh -c "probe hunt '$BULKHEAD' >/tmp/found & echo up >/ready; wait"
	bh run -d -b "$BUNDLE" "$ID" </dev/null >"$T/up" 2>&1
	is "$(line_of "$ROOTFS/ready")" up
	local _ seen=0
	for _ in {1..200}; do
		bh exec "$ID" true </dev/null
		seen=$(grep -c '^saw' "$ROOTFS/tmp/found") || true
		[ "$seen" -lt 3 ] || break
	done
	[ "$seen" -ge 3 ] || { echo "too quick to be seen: $seen"; return 1; }
	FOUND=$(grep -v '^saw\|^hunting' "$ROOTFS/tmp/found" || true)
}

@test "a process that comes in by exec lies open to nobody in the container" {
	hunted
	is "$FOUND" ""
}

# taken: what of FOUND a tracer gains; he does look, and finds a process that is worth no more than he is.
taken() {
	like "$FOUND" 'fd socket:'
	grep -v '^fd socket:\|^memory\|^fd /dev/pts/\|^fd /dev/console' <<<"$FOUND" || true
}

@test "a process that comes in by exec has nothing for a tracer to take, neither of the host nor capabilities" {
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	hunted
	is "$(taken)" ""
}

@test "a process that comes in by exec has nothing to take where a filter has to be loaded with privilege" {
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"]) | .process.noNewPrivileges = false
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
			syscalls: [{names: ["clone3", "mount"], action: "SCMP_ACT_ERRNO"}]}'
	hunted
	is "$(taken)" ""
}

@test "exec works under a filter that would not allow what we do last" {
	update_config '.process.noNewPrivileges = false
		| .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
			syscalls: [{names: ["clone", "clone3", "fork", "vfork", "setsid"], action: "SCMP_ACT_KILL_PROCESS"}]}'
	set_args sleep 1000
	bh run -d -b "$BUNDLE" "$ID" </dev/null >"$T/up" 2>&1
	is "$(bh exec "$ID" echo inside </dev/null)" inside
}

@test "a process that comes in by exec lies open to no root of a user namespace" {
	local dir=$T
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])
		| .linux.namespaces += [{type: "user"}]
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$ROOTFS"
	while [ "$dir" != / ]; do	# the mapped root must reach its root
		chmod a+x "$dir"
		dir=$(dirname "$dir")
	done
	hunted
	is "$FOUND" ""
}

# pod: containers that join the pid namespace of one in which somebody hunts; FOUND as above.
pod() {
	mkfifo -m 666 "$ROOTFS/ready"
	set_args sh -c "probe hunt '$BULKHEAD' >/tmp/found & echo up >/ready; wait"
	bh run -d --pid-file "$T/pid" -b "$BUNDLE" "$ID" </dev/null >"$T/up" 2>&1
	is "$(line_of "$ROOTFS/ready")" up
	local _ seen=0 found=$ROOTFS/tmp/found
	make_bundle "$T/second"
	update_config '(.linux.namespaces[] | select(.type == "pid")).path = $p | .linux.cgroupsPath = $c' \
		--arg p "/proc/$(cat "$T/pid")/ns/pid" --arg c "/${ID}second"
	for _ in {1..100}; do
		bh run -b "$BUNDLE" "${ID}second" </dev/null
		seen=$(grep -c '^saw' "$found") || true
		[ "$seen" -lt 3 ] || break
	done
	[ "$seen" -ge 3 ] || { echo "too quick to be seen: $seen"; return 1; }
	FOUND=$(grep -v '^saw\|^hunting' "$found" || true)
}

@test "a container that joins the pid namespace of another lies open to nobody there while it is made" {
	pod
	is "$FOUND" ""
}

@test "a container that joins the pid namespace of another has nothing for a tracer to take while it is made" {
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_PTRACE"])'
	pod
	is "$(taken)" ""
}

@test "the start of processes in a fork bomb's container, and its deletion, come to an end" {
	update_config '.linux.resources.pids.limit = 64'
	up 'sh -c "while :; do sh -c \"sleep 100 & sleep 100 &\" 2>/dev/null; done" &'
	bh kill "$ID" KILL
	bh delete --force "$ID"
	nothing_left
}

@test "a container whose processes are all stopped is killed and deleted" {
	up
	bh ps --format json "$ID" | jq '.[]' | xargs kill -STOP
	is "$(status_of)" running
	bh kill "$ID" KILL
	"$HELPERS/pidwait" "$INIT"
	bh delete "$ID"
	nothing_left
}

@test "exec finds its home without reading a passwd of 2 GiB, a fifo or a device" {
	up
	truncate -s 2G "$ROOTFS/etc/passwd"
	is "$(bh exec "$ID" sh -c 'echo $HOME')" /
	rm "$ROOTFS/etc/passwd"
	mkfifo "$ROOTFS/etc/passwd"
	is "$(bh exec "$ID" sh -c 'echo $HOME')" /
	rm "$ROOTFS/etc/passwd"
	mknod "$ROOTFS/etc/passwd" c 1 5
	is "$(bh exec "$ID" sh -c 'echo $HOME')" /
	rm "$ROOTFS/etc/passwd"
	ln -s /proc/self/fd/0 "$ROOTFS/etc/passwd"
	is "$(bh exec "$ID" sh -c 'echo $HOME')" /
}

@test "exec -t refuses a /dev/pts that is something else by now" {
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	up 'mount -t tmpfs t /dev/pts; ln -s /dev/ptmx /dev/pts/ptmx'
	code 255 script -qec "'$BULKHEAD' --root '$ROOT' exec -t '$ID' true" /dev/null
	like "$(cat "$T/out")" '/dev/pts is not a devpts'
}

@test "exec -t refuses a pty master that something is mounted on" {
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	up 'mount --bind /dev/zero /dev/pts/ptmx'
	code 255 script -qec "'$BULKHEAD' --root '$ROOT' exec -t '$ID' true" /dev/null
	like "$(cat "$T/out")" '/dev/pts/ptmx is not a pty master'
}

@test "what is set through /proc goes to the kernel, also where the container has mounted on its own" {
	update_config '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN"])'
	up 'mount -t tmpfs t /proc; mkdir -p /proc/self; touch /proc/self/oom_score_adj'
	jq '.process | .oomScoreAdj = 77 | .args = ["sleep", "1000"]' "$BUNDLE/config.json" >"$T/process.json"
	bh exec -d --pid-file "$T/exec.pid" --process "$T/process.json" "$ID" </dev/null >"$T/out" 2>&1
	is "$(cat "/proc/$(cat "$T/exec.pid")/oom_score_adj")" 77
	is "$(bh exec "$ID" cat /proc/self/oom_score_adj)" ""
}

@test "the program of exec cannot be overwritten by the container" {
	local before
	before=$(sha256sum <"$BULKHEAD")
	printf '#!/proc/self/exe\n' >"$ROOTFS/bin/again"
	chmod 755 "$ROOTFS/bin/again"
	up 'while :; do for e in /proc/[0-9]*/exe; do echo x 2>/dev/null >>$e; done; done &'
	local _
	for _ in {1..10}; do
		bh exec "$ID" again </dev/null >"$T/out" 2>&1 || true
		bh exec "$ID" true </dev/null
	done
	is "$(sha256sum <"$BULKHEAD")" "$before"
}
