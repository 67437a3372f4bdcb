#!/usr/bin/env bats
# create, start, stop and delete as separate commands, and the status between them.
# SPDX-License-Identifier: MIT

load helpers

create() {
	bh create --pid-file "$T/pid" -b "$BUNDLE" "$ID" </dev/null >"$T/create.out" 2>&1
}

# bats test_tags=vm
@test "create sets everything up and does not start the program" {
	set_args touch /started
	create
	is "$(status_of)" created
	kill -0 "$(cat "$T/pid")"
	is "$(bh state "$ID" | jq .pid)" "$(cat "$T/pid")"
	[ ! -e "$ROOTFS/started" ]
}

# bats test_tags=vm
@test "start runs the program of a created container" {
	set_args sh -c 'echo started'
	create
	bh start "$ID"
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(cat "$T/create.out")" started
	is "$(status_of)" stopped
	is "$(bh state "$ID" | jq .pid)" 0
	bh delete "$ID"
	nothing_left
}

# bats test_tags=vm
@test "the streams of create are those of the container" {
	set_args sh -c 'read line; echo "out $line"; echo "err $line" >&2'
	echo hello >"$T/in"
	bh create -b "$BUNDLE" "$ID" <"$T/in" >"$T/out" 2>"$T/err"
	local pid
	pid=$(bh state "$ID" | jq .pid)
	bh start "$ID" >"$T/start.out" 2>&1
	"$HELPERS/pidwait" "$pid"
	is "$(cat "$T/out" "$T/err" "$T/start.out")" "out hello"$'\n'"err hello"
}

# bats test_tags=vm
@test "a created container can be started long after its creator is gone, from elsewhere" {
	set_args pwd
	(create)
	cd /
	setsid "$BULKHEAD" --root "$ROOT" start "$ID"
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(cat "$T/create.out")" /
}

# bats test_tags=vm
@test "start fails for a running, a stopped and an unknown container" {
	up
	fails "$ID" bh start "$ID"
	bh kill "$ID"
	"$HELPERS/pidwait" "$INIT"
	fails "$ID" bh start "$ID"
	fails "does not exist" bh start "nobody-$ID"
}

# bats test_tags=vm
@test "create of an id that exists fails and leaves it alone" {
	set_args true
	create
	fails "$ID.*exists" bh create -b "$BUNDLE" "$ID"
	is "$(status_of)" created
}

# bats test_tags=vm
@test "two creates of one id at once: one wins, and the winner can be started" {
	set_args true
	background bh create -b "$BUNDLE" "$ID" </dev/null >"$T/one" 2>&1
	local one=$BG two won=0
	background bh create -b "$BUNDLE" "$ID" </dev/null >"$T/two" 2>&1
	two=$BG
	wait "$one" && won=$((won + 1))
	wait "$two" && won=$((won + 1))
	is "$won" 1
	bh start "$ID"
}

# bats test_tags=vm
@test "config.json is read at create; later changes do not matter" {
	set_args echo first
	create
	echo '{' >"$BUNDLE/config.json"
	bh start "$ID"
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(cat "$T/create.out")" first
	is "$(status_of)" stopped
	bh delete "$ID"
}

# bats test_tags=vm
@test "the container ends when it was never started and is deleted" {
	set_args true
	create
	bh delete "$ID"
	! kill -0 "$(cat "$T/pid")" 2>/dev/null
	nothing_left
}

# bats test_tags=vm
@test "a created process looks like init: no descriptor of the runtime is visible after start" {
	set_args probe fds
	create
	bh start "$ID"
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(cut -d' ' -f1 "$T/create.out" | tr '\n' ' ')" "0 1 2 "
}

# bats test_tags=vm
@test "create --pid-file, --config and --no-pivot do what they do for run" {
	jq '.process.args = ["echo", "other"]' "$BUNDLE/config.json" >"$BUNDLE/other.json"
	bh create --no-pivot --no-new-keyring -f "$BUNDLE/other.json" -b "$BUNDLE" --pid-file "$T/pid" "$ID" \
		</dev/null >"$T/out" 2>&1
	bh start "$ID"
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(cat "$T/out")" other
}

# bats test_tags=vm
@test "containers of two state directories do not see each other" {
	up
	is "$("$BULKHEAD" --root "$T/other" list -q)" ""
	fails "does not exist" "$BULKHEAD" --root "$T/other" state "$ID"
}

# bats test_tags=vm
@test "the state directory is made when it is missing, for root alone" {
	ROOT=$T/deep/er/run
	up
	is "$(stat -c %a "$ROOT")" 700
}
