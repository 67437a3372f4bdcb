#!/usr/bin/env bats
# kill -9 of the runtime at each step of create, run and delete: what is left can be cleaned up.
# SPDX-License-Identifier: MIT

BATS_TEST_TIMEOUT=300
load helpers

# traced OUT ARGS: runs bulkhead under strace, which writes to OUT; more options of strace in INJECT.
traced() {
	BH_TEST_ID=$ID strace -qq -o "$1" -e trace=all $INJECT "$BULKHEAD" --root "$ROOT" "${@:2}" \
		</dev/null >/dev/null 2>&1 3>&- 4>&-
}

# steps OUT: each system call of a trace as NAME N, the Nth of its name: how strace counts them.
steps() {
	sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' "$1" | awk '$1 != "exit_group" { print $1, ++n[$1] }'
}

# Whoever was being set up notices the end of its parent by itself: that is waited for, by pid.
settle() {
	marked | xargs -r "$HELPERS/pidwait"
}

# walk PREPARE ARGS: kills `bulkhead ARGS` at each of its system calls in turn, after PREPARE each time.
walk() {
	local name n kills=0
	$1
	INJECT='' traced "$T/trace" "${@:2}"
	bh delete --force "$ID"
	while read -r name n; do
		$1
		# A call more or less than the last time may be made: not killed is fine, if it is not the rule.
		! INJECT="-e inject=$name:signal=SIGKILL:when=$n" traced /dev/null "${@:2}" 2>/dev/null && kills=$((kills + 1))
		bh delete --force "$ID"
		settle
		nothing_left || {
			echo "killed at $name, number $n"
			return 1
		}
	done < <(steps "$T/trace")
	echo "killed $kills times"
	[ "$kills" -gt 40 ]
}

nothing() { true; }
created() { bh create -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1; }
running() { bh run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1; }

@test "create killed at any system call leaves nothing that delete --force does not remove" {
	requires strace
	set_args sleep 1000
	walk nothing create -b "$BUNDLE" "$ID"
}

@test "run killed at any system call leaves nothing that delete --force does not remove" {
	requires strace
	set_args true
	walk nothing run -b "$BUNDLE" "$ID"
}

@test "start killed at any system call leaves nothing that delete --force does not remove" {
	requires strace
	set_args sleep 1000
	walk created start "$ID"
}

@test "delete killed at any system call can be done again" {
	requires strace
	set_args sleep 1000
	walk running delete --force "$ID"
}
