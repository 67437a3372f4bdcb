#!/usr/bin/env bats
# process: arguments, environment, working directory, priorities and flags of the program.
# SPDX-License-Identifier: MIT

load helpers

# status_line NAME: one value of /proc/self/status.
status_line() {
	# no shell between: one has its own mind about signals
	set_args sed -n "s/^$1:[[:space:]]*//p" /proc/self/status
	bh run -b "$BUNDLE" "$ID"
}

# bats test_tags=vm
@test "arguments arrive as they are: blanks, empty ones, quotes, newlines, other letters" {
	set_args sh -c 'printf "<%s>" "$@"' name 'a b' '' '"q"' $'n\nl' 'ü' '$HOME' '-x'
	is "$(bh run -b "$BUNDLE" "$ID")" $'<a b><><"q"><n\nl><ü><$HOME><-x>'
}

# bats test_tags=vm
@test "ten thousand arguments arrive" {
	update_config '.process.args = ["sh", "-c", "echo $#", "name"] + [range(10000) | "argument \(.)"]'
	is "$(bh run -b "$BUNDLE" "$ID")" 10000
}

# bats test_tags=vm
@test "the environment is that of the configuration, in its order, and nothing else but HOME" {
	update_config '.process.env = ["PATH=/bin", "B=2", "A=1", "EMPTY=", "EQUALS=a=b", "BH_TEST_ID=\($i)"]' --arg i "$ID"
	set_args env
	is "$(bh run -b "$BUNDLE" "$ID" | grep -v '^HOME=\|^BH_TEST_ID=')" $'PATH=/bin\nB=2\nA=1\nEMPTY=\nEQUALS=a=b'
}

# bats test_tags=vm
@test "the program is looked for in the PATH of the configuration" {
	mkdir "$ROOTFS/tools"
	printf '#!/bin/sh\necho found\n' >"$ROOTFS/tools/tool"
	chmod +x "$ROOTFS/tools/tool"
	set_args tool
	fails 'executable file not found' bh run -b "$BUNDLE" "$ID"
	update_config '.process.env[0] = "PATH=/nowhere:/tools:/bin"'
	is "$(bh run -b "$BUNDLE" "$ID")" found
}

# bats test_tags=vm
@test "a file in PATH that cannot be executed is passed over" {
	mkdir "$ROOTFS/first" "$ROOTFS/second"
	touch "$ROOTFS/first/tool"
	printf '#!/bin/sh\necho second\n' >"$ROOTFS/second/tool"
	chmod +x "$ROOTFS/second/tool"
	update_config '.process.env[0] = "PATH=/first:/second:/bin"'
	set_args tool
	is "$(bh run -b "$BUNDLE" "$ID")" second
}

# bats test_tags=vm
@test "a program with a slash in its name is taken from the working directory" {
	mkdir "$ROOTFS/place"
	printf '#!/bin/sh\necho here\n' >"$ROOTFS/place/tool"
	chmod +x "$ROOTFS/place/tool"
	update_config '.process.cwd = "/place"'
	set_args ./tool
	is "$(bh run -b "$BUNDLE" "$ID")" here
}

# bats test_tags=vm
@test "the working directory is that of the configuration" {
	update_config '.process.cwd = "/etc"'
	is "$(inside 'pwd; readlink /proc/self/cwd')" $'/etc\n/etc'
}

# bats test_tags=vm
@test "a working directory may be in a mount, and behind a link inside the root" {
	update_config '.process.cwd = "/dev/shm"'
	is "$(inside 'pwd -P')" /dev/shm
	ln -s etc "$ROOTFS/link"
	update_config '.process.cwd = "/link"'
	is "$(inside 'pwd -P')" /etc
}

# bats test_tags=vm
@test "a working directory that only the user may enter works" {
	install -d -o 1000 -g 1000 -m 700 "$ROOTFS/own"
	update_config '.process.cwd = "/own" | .process.user = {uid: 1000, gid: 1000}'
	is "$(inside pwd)" /own
}

# bats test_tags=vm
@test "noNewPrivileges is what the configuration says" {
	is "$(status_line NoNewPrivs)" 1
	update_config '.process.noNewPrivileges = false'
	is "$(status_line NoNewPrivs)" 0
	update_config 'del(.process.noNewPrivileges)'
	is "$(status_line NoNewPrivs)" 0
}

# bats test_tags=vm
@test "the OOM score is that of the configuration, and the caller's where it has none" {
	update_config '.process.oomScoreAdj = 321'
	is "$(inside 'cat /proc/self/oom_score_adj')" 321
	update_config 'del(.process.oomScoreAdj)'
	is "$(inside 'cat /proc/self/oom_score_adj')" "$(cat /proc/self/oom_score_adj)"
}

# bats test_tags=vm
@test "the scheduler policy and nice value are those of the configuration" {
	update_config '.process.scheduler = {policy: "SCHED_BATCH", nice: 5}'
	# nice value and policy; SCHED_BATCH is 3
	is "$(inside 'cut -d" " -f19,41 /proc/self/stat')" "5 3"
}

# bats test_tags=vm
@test "the I/O priority is that of the configuration" {
	update_config '.process.ioPriority = {class: "IOPRIO_CLASS_BE", priority: 6}'
	like "$(inside 'ionice -p $$')" 'best-effort: prio 6'
}

# bats test_tags=vm
@test "the personality is that of the configuration" {
	update_config '.linux.personality = {domain: "LINUX32"}'
	is "$(inside 'uname -m')" i686
}

@test "the cpu affinity of exec is that of the configuration" {
	[ "$(nproc)" -gt 1 ] || skip "this machine has one cpu only"
	update_config '.process.execCPUAffinity = {initial: "0-1", final: "1"}'
	up
	is "$(bh exec "$ID" sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)" 1
}

# bats test_tags=vm
@test "no signal is blocked or ignored at start, whatever the caller ignores" {
	trap '' USR1 PIPE HUP
	is "$(status_line SigBlk)" 0000000000000000
	is "$(status_line SigIgn)" 0000000000000000
	trap - USR1 PIPE HUP
}

# bats test_tags=vm
@test "the program is the leader of a session of its own" {
	is "$(inside 'cut -d" " -f5,6 /proc/self/stat' | tr ' ' '\n' | sort -u | wc -l)" 1
	is "$(inside 'read a b c d pgrp session rest </proc/$$/stat; echo $pgrp $session')" "1 1"
}

# bats test_tags=vm
@test "the program has no parent inside its namespace" {
	is "$(inside 'read a b c ppid rest </proc/$$/stat; echo $ppid')" 0
}

# bats test_tags=vm
@test "a script with an interpreter runs" {
	printf '#!/bin/sh\necho script $1\n' >"$ROOTFS/script"
	chmod +x "$ROOTFS/script"
	set_args /script one
	is "$(bh run -b "$BUNDLE" "$ID")" "script one"
}

# bats test_tags=vm
@test "the state directory does not appear in the mounts, links or memory map of the program" {
	is "$(inside 'cat /proc/self/mountinfo /proc/self/maps | grep -c "run/'"$ID"'"; true')" 0
}
