#!/usr/bin/env bats
# signals: run and exec in the foreground hand them on to the process.
# SPDX-License-Identifier: MIT

load helpers

# foreground CMD...: starts run or exec in the background of the test and waits until its process is ready.
foreground() {
	mkfifo "$T/said"
	exec {SAID}<>"$T/said"
	rm "$T/said"
	background env BH_TEST_ID="$ID" "$BULKHEAD" --root "$ROOT" "$@" </dev/null >&"$SAID"
	is "$(said)" up
}

WAITER='echo up; while :; do sleep 1000 & wait $!; done'

ends_with() {
	local rc=0
	wait "$BG" || rc=$?
	is "$rc" "$1"
}

# bats test_tags=vm
@test "run hands signals on to the process" {
	local signal
	for signal in HUP INT QUIT TERM USR1 USR2 WINCH CONT; do
		set_args sh -c "trap 'exit 33' $signal; $WAITER"
		foreground run -b "$BUNDLE" "$ID"
		kill -"$signal" "$BG"
		ends_with 33
	done
}

@test "exec hands signals on to its process, not to the first one" {
	up "trap 'touch /first' USR1"
	foreground exec "$ID" sh -c "trap 'exit 44' USR1; $WAITER"
	kill -USR1 "$BG"
	ends_with 44
	[ ! -e "$ROOTFS/first" ]
	is "$(status_of)" running
}

# bats test_tags=vm
@test "a signal without a handler that ends the process ends run with 128 + S" {
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	set_args sh -c "$WAITER"
	foreground run -b "$BUNDLE" "$ID"
	kill -TERM "$BG"
	ends_with 143
	nothing_left
}

# bats test_tags=vm
@test "run does not take the end of another child for the end of the container" {
	set_args sh -c "trap 'exit 12' TERM; (exit 99) & wait; $WAITER"
	foreground run -b "$BUNDLE" "$ID"
	kill -TERM "$BG"
	ends_with 12
}

# bats test_tags=vm
@test "stop and continue of the process do not end run" {
	set_args sh -c "trap 'exit 21' TERM; $WAITER"
	foreground run --pid-file "$T/pid" -b "$BUNDLE" "$ID"
	kill -STOP "$(cat "$T/pid")"
	kill -CONT "$(cat "$T/pid")"
	kill -TERM "$BG"
	ends_with 21
}

# bats test_tags=vm
@test "a hundred signals in a row do no harm" {
	set_args sh -c "trap : USR1; trap 'exit 22' TERM; $WAITER"
	foreground run -b "$BUNDLE" "$ID"
	for _ in $(seq 100); do
		kill -USR1 "$BG"
	done
	kill -TERM "$BG"
	ends_with 22
}
