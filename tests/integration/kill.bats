#!/usr/bin/env bats
# kill: signals by name and number, to the first process or to all.
# SPDX-License-Identifier: MIT

load helpers

# traps NAME...: a container that says the name of each of these signals when it comes, and keeps it in /log.
traps() {
	local script='exec 8>&9; ' name
	for name; do
		script+="trap 'echo $name >>/log; echo $name >&8' $name; "
	done
	up "$script"
}

# bats test_tags=vm
@test "kill sends SIGTERM when no signal is named" {
	traps HUP
	bh kill "$ID"
	"$HELPERS/pidwait" "$INIT"
	is "$(status_of)" stopped
}

# bats test_tags=vm
@test "kill takes a name with SIG, without SIG, in either case, and a number" {
	traps USR1
	for name in SIGUSR1 USR1 sigusr1 usr1 10; do
		bh kill "$ID" "$name"
		is "$(said)" USR1
	done
	is "$(wc -l <"$ROOTFS/log")" 5
}

# bats test_tags=vm
@test "kill sends real-time signals" {
	traps 40
	bh kill "$ID" 40
	is "$(said)" 40
}

# bats test_tags=vm
@test "kill sends what the kernel sends a program that errs, and what it sends about children and pipes" {
	local name
	traps SEGV BUS FPE ILL ABRT TRAP SYS CHLD PIPE
	for name in SEGV BUS FPE ILL ABRT TRAP SYS CHLD PIPE; do
		bh kill "$ID" "$name"
		is "$(said)" "$name"
	done
}

# bats test_tags=vm
@test "kill refuses a signal that does not exist" {
	up
	for name in SIGNOTHING NOTHING 65 -1 9x '' 99999999999999999999; do
		fails "signal" bh kill "$ID" "$name"
	done
	kill -0 "$INIT"
}

# bats test_tags=vm
@test "kill KILL ends a process that ignores everything" {
	up 'trap "" TERM INT HUP'
	bh kill "$ID" KILL
	"$HELPERS/pidwait" "$INIT"
	is "$(status_of)" stopped
}

# bats test_tags=vm
@test "kill of a stopped container says that it is not running" {
	set_args true
	bh run --keep -b "$BUNDLE" "$ID"
	fails "not running" bh kill "$ID" TERM
}

# bats test_tags=vm
@test "kill --all of a stopped container is no error" {
	set_args true
	bh run --keep -b "$BUNDLE" "$ID"
	bh kill --all "$ID" KILL
}

# bats test_tags=vm
@test "kill of an unknown container says that it does not exist" {
	fails "does not exist" bh kill "nobody-$ID" KILL
}

# bats test_tags=vm
@test "a created container can be killed" {
	set_args true
	bh create --pid-file "$T/pid" -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1
	bh kill "$ID" KILL
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(status_of)" stopped
}

@test "kill --all reaches every process of the container" {
	up 'mkfifo /begun; trap : USR1
		for i in 1 2 3; do
			sh -c "trap \"echo got >>/log; exit\" USR1; echo >/begun; while :; do sleep 1000 & wait; done" &
			read x </begun
		done'
	local children
	children=$(pgrep -P "$INIT" -f trap)
	bh kill --all "$ID" USR1
	"$HELPERS/pidwait" $children	# one word each
	is "$(wc -l <"$ROOTFS/log")" 3
}

@test "kill KILL without a pid namespace ends every process of the container" {
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	up 'sleep 1000 & echo $! >/child'
	local child
	child=$(cat "$ROOTFS/child")
	bh kill "$ID" KILL
	"$HELPERS/pidwait" "$INIT" "$child"
	bh delete "$ID"
	nothing_left
}

# bats test_tags=vm
@test "kill --regex reaches the containers whose id matches, and no other" {
	local first=$ID pids=()
	up
	pids+=("$INIT")
	ID=${first}other make_bundle "$T/two"
	ID=${first}other up
	bh kill --regex "^${first}oth" KILL
	"$HELPERS/pidwait" "$INIT"
	is "$(status_of "${first}other")" stopped
	is "$(status_of "$first")" running
	kill -0 "${pids[0]}"
}

# bats test_tags=vm
@test "kill after the process is gone never hits a stranger: the state says stopped" {
	up
	kill -9 "$INIT"
	"$HELPERS/pidwait" "$INIT"
	is "$(status_of)" stopped
	fails "not running" bh kill "$ID" KILL
}
