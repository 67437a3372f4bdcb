#!/usr/bin/env bats
# hooks: six kinds, their order, what they are given, and what their failure does.
# SPDX-License-Identifier: MIT

load helpers

HOST_HOOKS='prestart createRuntime createContainer poststart poststop'

# hook KIND SCRIPT [FILTER]: a shell script as a hook on the host; T is its first argument.
hook() {
	update_config '.hooks[$k] += [{path: "/bin/sh", args: ["sh", "-c", $s, "hook", $t]} | '"${3:-.}"']' \
		--arg k "$1" --arg s "$2" --arg t "$T"
}

# start_container_hook SCRIPT: the one kind that runs inside, where busybox is.
start_container_hook() {
	update_config '.hooks.startContainer += [{path: "/bin/sh", args: ["sh", "-c", $s]}]' --arg s "$1"
}

@test "all six kinds run, in the order of the life cycle" {
	local kind
	for kind in $HOST_HOOKS; do
		hook "$kind" "echo $kind >>\$1/order"
	done
	update_config '.mounts += [{type: "bind", source: $t, destination: "/mnt", options: ["bind"]}]' --arg t "$T"
	start_container_hook 'echo startContainer >>/mnt/order'
	set_args sh -c 'echo program >>/mnt/order'
	bh create -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1
	is "$(tr '\n' ' ' <"$T/order")" "prestart createRuntime createContainer "
	local pid
	pid=$(bh state "$ID" | jq .pid)
	bh start "$ID"
	"$HELPERS/pidwait" "$pid"
	is "$(sed 4q "$T/order" | tail -n 1)" startContainer
	is "$(tail -n +5 "$T/order" | sort | tr '\n' ' ')" "poststart program "
	bh delete "$ID"
	is "$(tail -n 1 "$T/order")" poststop
	is "$(wc -l <"$T/order")" 7
}

@test "hooks of one kind run in the order of the configuration, one after the other" {
	local n
	for n in 1 2 3 4 5; do
		hook createRuntime "echo begin $n >>\$1/order; echo end $n >>\$1/order"
	done
	inside true
	is "$(tr '\n' ' ' <"$T/order")" "begin 1 end 1 begin 2 end 2 begin 3 end 3 begin 4 end 4 begin 5 end 5 "
}

@test "every hook is given the state on stdin, whole and closed" {
	update_config '.annotations = {"org.example": "given"}'
	local kind
	for kind in $HOST_HOOKS; do
		hook "$kind" "cat >\$1/state.$kind"
	done
	inside true
	for kind in $HOST_HOOKS; do
		is "$kind $(jq -r .id "$T/state.$kind")" "$kind $ID"
		is "$(jq -r .bundle "$T/state.$kind")" "$(realpath "$BUNDLE")"
		is "$(jq -r '.annotations["org.example"]' "$T/state.$kind")" given
		like "$(jq -r .ociVersion "$T/state.$kind")" '^1\.'
	done
	[ "$(jq .pid "$T/state.createRuntime")" -gt 1 ]
	like "$(jq -r .status "$T/state.prestart")" '^(creating|created)$'
	like "$(jq -r .status "$T/state.createRuntime")" '^(creating|created)$'
	is "$(jq -r .status "$T/state.poststop")" stopped
}

@test "the pid in the state is the container's, as the host sees it" {
	hook createRuntime 'pid=$(sed "s/.*\"pid\": *\([0-9]*\).*/\1/"); readlink /proc/$pid/ns/net >$1/ns'
	is "$(inside 'readlink /proc/self/ns/net')" "$(cat "$T/ns")"
}

@test "a hook has the arguments and the environment of the configuration, and no other" {
	export SECRET_OF_THE_HOST=1
	hook createRuntime 'echo "$0 $WORD" >$1/seen; env >>$1/seen' '. + {env: ["WORD=given", "PATH=/usr/bin:/bin"]}'
	inside true
	is "$(head -n 1 "$T/seen")" "hook given"
	unlike "$(cat "$T/seen")" SECRET_OF_THE_HOST
}

@test "createRuntime runs in the namespaces of the host, createContainer in those of the container" {
	local both='echo $(readlink /proc/self/ns/uts) $(readlink /proc/self/ns/mnt)'
	hook createRuntime "$both >\$1/runtime"
	hook createContainer "$both >\$1/container"
	update_config '.mounts += [{type: "bind", source: $t, destination: "/mnt", options: ["bind"]}]' --arg t "$T"
	inside "$both >/mnt/program"
	is "$(cat "$T/runtime")" "$(sh -c "$both")"
	is "$(cat "$T/container")" "$(cat "$T/program")"
}

@test "startContainer runs inside the root of the container, before its program" {
	start_container_hook 'cat /etc/passwd >/seen; hostname >>/seen'
	is "$(inside 'tail -n 1 /seen; head -c 4 /seen')" "box"$'\n'"root"
}

@test "mounts that a createContainer hook makes reach the container" {
	hook createContainer 'mount -t tmpfs hook-mount '"$ROOTFS"'/tmp && touch '"$ROOTFS"'/tmp/by-hook'
	is "$(inside 'ls /tmp')" by-hook
}

@test "a failing hook before start stops the container, is named, and leaves nothing" {
	local kind
	for kind in prestart createRuntime createContainer; do
		cp "$BUNDLE/config.json" "$T/base.json"
		hook "$kind" 'exit 9'
		fails "$kind" inside 'touch /ran'
		[ ! -e "$ROOTFS/ran" ]
		nothing_left
		cp "$T/base.json" "$BUNDLE/config.json"
	done
}

@test "a failing startContainer hook keeps the program from running" {
	start_container_hook 'exit 9'
	fails "startContainer" inside 'touch /ran'
	[ ! -e "$ROOTFS/ran" ]
	nothing_left
}

@test "poststop hooks run when create fails after createRuntime" {
	hook createRuntime 'exit 1'
	hook poststop 'touch $1/stopped'
	fails createRuntime inside true
	[ -e "$T/stopped" ]
}

@test "a failing poststart hook ends the container and fails" {
	hook poststart 'exit 9'
	fails "poststart" inside 'sleep 1000'
	nothing_left
}

@test "a failing poststop hook is told and the container is gone all the same" {
	hook poststop 'exit 9'
	hook poststop 'touch $1/second'
	code 0 inside true
	like "$(cat "$T/err")" poststop
	[ -e "$T/second" ]
	nothing_left
}

@test "a hook that takes longer than its timeout is killed" {
	hook createRuntime 'echo $$ >$1/child; exec sleep 1000' '. + {timeout: 1}'
	local before=$SECONDS
	fails "createRuntime.*(timeout|timed out|time)" inside true
	[ $((SECONDS - before)) -lt 20 ]
	"$HELPERS/pidwait" "$(cat "$T/child")"
	nothing_left
}

@test "a hook within its timeout is left alone" {
	hook createRuntime 'touch $1/ran' '. + {timeout: 30}'
	inside true
	[ -e "$T/ran" ]
}

@test "a hook that does not read its stdin is no error, however large the state" {
	update_config '.annotations = {"large": ("x" * 200000)}'
	hook createRuntime 'touch $1/ran'
	inside true
	[ -e "$T/ran" ]
}

@test "a hook that reads slowly gets a large state whole" {
	update_config '.annotations = {"large": ("x" * 200000)}'
	hook createRuntime 'cat >$1/state'
	inside true
	is "$(jq '.annotations.large | length' "$T/state")" 200000
}

@test "a hook that is killed by a signal failed" {
	hook createRuntime 'kill -9 $$'
	fails "createRuntime" inside true
	nothing_left
}

@test "hooks get no descriptor of the runtime" {
	hook createRuntime 'ls -l /proc/self/fd >$1/fds'
	inside true
	is "$(grep -c ' -> ' "$T/fds")" 4	# the three, and the directory that ls reads
}
