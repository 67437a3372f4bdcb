#!/usr/bin/env bats
# list, state and ps: what they tell, as tables and as JSON.
# SPDX-License-Identifier: MIT

load helpers

# bats test_tags=vm
@test "state holds every member that the specification and engines ask for" {
	update_config '.annotations = {"org.example.key": "value", "empty": ""}'
	up
	bh state "$ID" >"$T/state"
	is "$(jq -r .id "$T/state")" "$ID"
	is "$(jq -r .status "$T/state")" running
	is "$(jq .pid "$T/state")" "$INIT"
	is "$(jq -r .bundle "$T/state")" "$(realpath "$BUNDLE")"
	is "$(jq -r .rootfs "$T/state")" "$(realpath "$ROOTFS")"
	is "$(jq -cS .annotations "$T/state")" '{"empty":"","org.example.key":"value"}'
	is "$(jq -r '.owner | type' "$T/state")" string
	like "$(jq -r .ociVersion "$T/state")" '^1\.[0-9]+\.[0-9]+'
	like "$(jq -r .created "$T/state")" '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z$'
}

# bats test_tags=vm
@test "the bundle of the state is absolute when it was named relative" {
	set_args true
	cd "$T"
	bh create -b bundle "$ID" </dev/null >"$T/out" 2>&1
	is "$(bh state "$ID" | jq -r .bundle)" "$(realpath "$BUNDLE")"
}

# bats test_tags=vm
@test "the created time is now" {
	local before
	before=$(date +%s)
	up
	local created
	created=$(date -d "$(bh state "$ID" | jq -r .created)" +%s)
	[ "$created" -ge "$before" ] && [ "$created" -le "$(date +%s)" ]
}

@test "the status goes from created to running to paused to running to stopped" {
	mkfifo "$ROOTFS/ready"
	set_args sh -c 'echo up >/ready; sleep 1000'
	bh create --pid-file "$T/pid" -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1
	is "$(status_of)" created
	bh start "$ID"
	line_of "$ROOTFS/ready"
	is "$(status_of)" running
	bh pause "$ID"
	is "$(status_of)" paused
	bh resume "$ID"
	is "$(status_of)" running
	bh kill "$ID" KILL
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(status_of)" stopped
}

# bats test_tags=vm
@test "state of an unknown container fails" {
	fails "does not exist" bh state "nobody-$ID"
	is "$(cat "$T/out")" ""
}

# bats test_tags=vm
@test "strings of the state are escaped" {
	update_config '.annotations = {"quote\"back\\slash": "tab\tnew\nline \u0001 ü"}'
	up
	is "$(bh state "$ID" | jq -cS .annotations)" "$(jq -cS .annotations "$BUNDLE/config.json")"
	is "$(bh list -f json | jq 'length')" 1
}

# bats test_tags=vm
@test "list of nothing is an empty table and an empty array" {
	is "$(bh list | wc -l)" 1
	like "$(bh list -f json | jq -c .)" '^(\[\]|null)$'
	is "$(bh list -q)" ""
}

# bats test_tags=vm
@test "list shows id, pid, status, bundle, created and owner" {
	up
	like "$(bh list | head -n 1)" '^ID +PID +STATUS +BUNDLE +CREATED +OWNER *$'
	like "$(bh list | tail -n 1)" "^$ID +$INIT +running +$(realpath "$BUNDLE") +20[^ ]+ +root *$"
}

# bats test_tags=vm
@test "list -f json is an array of states" {
	up
	bh list --format json >"$T/list"
	is "$(jq -r '.[0].id' "$T/list")" "$ID"
	is "$(jq '.[0].pid' "$T/list")" "$INIT"
	is "$(jq -r '.[0].status' "$T/list")" running
	is "$(jq -r '.[0].owner' "$T/list")" root
	is "$(jq -r '.[0].bundle' "$T/list")" "$(realpath "$BUNDLE")"
}

# bats test_tags=vm
@test "list -q names ids only, each container once, whatever its status" {
	local first=$ID
	up
	ID=${first}two make_bundle "$T/two"
	set_args true
	ID=${first}two bh create -b "$BUNDLE" "${first}two" </dev/null >"$T/out" 2>&1
	is "$(bh list -q | sort | tr '\n' ' ')" "$first ${first}two "
	is "$(bh list --quiet | wc -l)" 2
}

# bats test_tags=vm
@test "list goes on when one state directory is broken" {
	up
	mkdir "$ROOT/broken"
	is "$(bh list -q 2>/dev/null | grep -cx "$ID")" 1
	rmdir "$ROOT/broken"
}

# bats test_tags=vm
@test "list and ps refuse a format that they do not have" {
	up
	fails "format" bh list -f xml
	fails "format" bh ps -f xml "$ID"
}

@test "ps -f json is the pids as the host sees them" {
	up
	bh ps -f json "$ID" >"$T/ps"
	is "$(jq "index($INIT) != null" "$T/ps")" true
	bh exec -d --pid-file "$T/second.pid" "$ID" sleep 1000 </dev/null >"$T/out" 2>&1
	is "$(bh ps --format json "$ID" | jq "index($(cat "$T/second.pid")) != null")" true
}

# bats test_tags=vm
@test "ps shows a table with the pid of every process" {
	up
	bh ps "$ID" >"$T/ps"
	like "$(head -n 1 "$T/ps")" 'PID'
	like "$(cat "$T/ps")" "(^|[^0-9])$INIT([^0-9]|$)"
}

# bats test_tags=vm
@test "ps of an unknown container fails" {
	fails "does not exist" bh ps "nobody-$ID"
}
