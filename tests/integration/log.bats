#!/usr/bin/env bats
# log: where errors go, as text and as JSON, and how much is said.
# SPDX-License-Identifier: MIT

load helpers

@test "an error goes to the log file as one JSON object, and to stderr as a line" {
	fails "does not exist" bh --log "$T/log" --log-format json state "nobody-$ID"
	is "$(wc -l <"$T/log")" 1
	is "$(jq -r .level "$T/log")" error
	like "$(jq -r .msg "$T/log")" 'does not exist'
	like "$(jq -r .time "$T/log")" '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$'
}

@test "success writes nothing to the log at the default level" {
	set_args true
	bh --log "$T/log" --log-format json run -b "$BUNDLE" "$ID"
	[ ! -s "$T/log" ]
}

@test "create that fails in the child writes one JSON line that holds the cause" {
	update_config '.mounts += [{type: "bind", source: "/no/such/source", destination: "/mnt", options: ["bind"]}]'
	fails "" bh --log "$T/log" --log-format json create -b "$BUNDLE" "$ID"
	is "$(wc -l <"$T/log")" 1
	like "$(jq -r .msg "$T/log")" '/no/such/source.*No such file or directory'
}

@test "the log is added to, not overwritten" {
	for _ in 1 2 3; do
		fails "" bh --log "$T/log" --log-format json state "nobody-$ID"
	done
	is "$(jq -s length "$T/log")" 3
}

@test "strings in the JSON log are escaped" {
	fails "" bh --log "$T/log" --log-format json state $'quote"back\\slash\nline'
	is "$(wc -l <"$T/log")" 1
	jq -e .msg "$T/log"
}

@test "the text log is one line with level and message" {
	fails "" bh --log "$T/log" state "nobody-$ID"
	is "$(wc -l <"$T/log")" 1
	like "$(cat "$T/log")" 'error.*does not exist'
}

@test "--debug says more, every line of it JSON when asked for" {
	set_args true
	bh --debug --log "$T/log" --log-format json run -b "$BUNDLE" "$ID"
	[ "$(wc -l <"$T/log")" -gt 3 ]
	is "$(jq -r .level "$T/log" | sort -u)" debug
}

@test "--log-level decides what is written" {
	set_args true
	bh --log-level debug --log "$T/debug" run -b "$BUNDLE" "$ID"
	bh --log-level error --log "$T/error" run -b "$BUNDLE" "$ID"
	bh --log-level warning --log "$T/warning" run -b "$BUNDLE" "$ID"
	[ -s "$T/debug" ]
	[ ! -s "$T/error" ]
	[ ! -s "$T/warning" ]
}

@test "unknown fields of config.json are passed over, with a line at debug level" {
	update_config '.no_such_field = 1 | .process.not_this_either = {}'
	set_args true
	bh --debug --log "$T/log" run -b "$BUNDLE" "$ID"
	like "$(cat "$T/log")" 'no_such_field'
	like "$(cat "$T/log")" 'not_this_either'
}

@test "a format or level that does not exist is refused" {
	fails "log-format" bh --log-format xml list
	fails "log-level" bh --log-level loud list
}

@test "a log file that cannot be opened is refused and named" {
	fails "/no/such/place/log" bh --log /no/such/place/log list
}

@test "log options are taken with one dash" {
	fails "" bh -log "$T/log" -log-format=json state "nobody-$ID"
	is "$(jq -r .level "$T/log")" error
}

@test "the log does not leak into the container: it is closed there" {
	set_args probe fds
	bh --log "$T/log" --debug run -b "$BUNDLE" "$ID" </dev/null >"$T/out"
	is "$(cut -d' ' -f1 "$T/out" | tr '\n' ' ')" "0 1 2 "
}

@test "stdout holds what was asked for and nothing else, at debug level too" {
	up
	is "$(bh --debug --log "$T/log" state "$ID" | jq -r .id)" "$ID"
	is "$(bh --debug --log "$T/log" list -q)" "$ID"
}
