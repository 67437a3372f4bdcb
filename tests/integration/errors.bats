#!/usr/bin/env bats
# errors: one line that says what, where and why, exit code 1, and nothing left.
# SPDX-License-Identifier: MIT

load helpers

# bats test_tags=vm
@test "no command at all is a usage error" {
	fails "" "$BULKHEAD"
	is "$(cat "$T/out")" ""
}

# bats test_tags=vm
@test "an unknown command is named" {
	fails "fly" bh fly
}

# bats test_tags=vm
@test "an unknown option is named, before and after the command" {
	fails "no-such-option" bh --no-such-option list
	fails "no-such-option" bh list --no-such-option
	fails "no-such-option" bh run --no-such-option=1 "$ID"
	fails "Z" bh list -Z
}

# bats test_tags=vm
@test "an option without its value is named" {
	fails "bundle" bh run --bundle
	fails "root" "$BULKHEAD" --root
	fails "format" bh list --format
}

# bats test_tags=vm
@test "a value for an option that takes none is refused" {
	fails "force" bh delete --force=perhaps "$ID"
}

# bats test_tags=vm
@test "a missing id is a usage error of every command that needs one" {
	local command
	for command in create start exec kill delete state ps pause resume; do
		bh $command >"$T/out" 2>"$T/err" && is "$command without an id" refused
		is "$command $(wc -l <"$T/err")" "$command 1"
		like "$(cat "$T/err")" '^bulkhead: '
	done
}

# bats test_tags=vm
@test "too many arguments are a usage error" {
	local command
	for command in start delete state pause resume; do
		fails "" bh $command one two
	done
	fails "" bh kill one TERM three
	fails "" bh list one
	fails "" bh features one
}

# bats test_tags=vm
@test "an id may hold letters, digits and _+-. only" {
	local id
	for id in a/b 'a b' a:b 'a*' $'a\nb' 'ä' .hidden . .. ''; do
		fails "id" bh create -b "$BUNDLE" "$id"
		fails "id|does not exist" bh state "$id"
		fails "id|does not exist" bh start "$id"
		fails "id|does not exist" bh kill "$id"
	done
	for id in "${ID}_+-.Z9"; do
		update_config 'del(.linux.cgroupsPath)'
		bh run -b "$BUNDLE" "$id"
	done
	nothing_left
}

# bats test_tags=vm
@test "an id of a thousand letters is refused, one of 200 is not" {
	local long
	long=$(printf 'x%.0s' $(seq 1000))
	fails "id" bh create -b "$BUNDLE" "$long"
	bh run -b "$BUNDLE" "${ID}${long:0:150}"
}

# bats test_tags=vm
@test "a bundle that is not there is named" {
	fails "/no/such/bundle" bh run -b /no/such/bundle "$ID"
	fails "$T/empty" bh run -b "$T/empty" "$ID"
	mkdir "$T/empty"
	fails "config.json.*No such file or directory" bh run -b "$T/empty" "$ID"
}

# bats test_tags=vm
@test "a command that names the container says which" {
	local command
	for command in start state ps pause resume delete kill; do
		fails "nobody-$ID.*does not exist" bh $command "nobody-$ID"
	done
}

# bats test_tags=vm
@test "the line names command, container, phase, object and cause" {
	update_config '.mounts += [{type: "bind", source: "/no/such/source", destination: "/mnt", options: ["bind"]}]'
	fails "create \"$ID\": .*/no/such/source.*No such file or directory$" bh create -b "$BUNDLE" "$ID"
	fails "run \"$ID\": .*/no/such/source.*No such file or directory$" bh run -b "$BUNDLE" "$ID"
}

# bats test_tags=vm
@test "an error in config.json is shown with its place in the file" {
	update_config '.process.user.uid = "root"'
	fails 'config.json: /process/user/uid: ' bh run -b "$BUNDLE" "$ID"
}

# bats test_tags=vm
@test "an error of the child reaches the caller of create" {
	set_args no-such-program
	fails 'no-such-program.*executable file not found' bh create -b "$BUNDLE" "$ID" ||
		{ bh create -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1; fails 'executable file not found' bh start "$ID"; }
}

# bats test_tags=vm
@test "a pid file that cannot be written fails, is named, and leaves nothing" {
	fails "/no/such/place/pid" bh create --pid-file /no/such/place/pid -b "$BUNDLE" "$ID"
	nothing_left
}

# bats test_tags=vm
@test "a state directory that cannot be made is named" {
	touch "$T/file"
	fails "$T/file" "$BULKHEAD" --root "$T/file" create -b "$BUNDLE" "$ID"
	fails "$T/file" "$BULKHEAD" --root "$T/file/deeper" create -b "$BUNDLE" "$ID"
}

@test "an ordinary user whose state directory is not known is told how to name one" {
	local dir=$T
	while [ "$dir" != / ]; do
		chmod o+x "$dir"
		dir=$(dirname "$dir")
	done
	cp "$BULKHEAD" "$T/bulkhead" # the tree may be out of that user's reach
	fails "XDG_RUNTIME_DIR or --root: .*/run/bulkhead: Permission denied" \
		setpriv --reuid 4321 --regid 4321 --clear-groups env -u XDG_RUNTIME_DIR "$T/bulkhead" list
}

# bats test_tags=vm
@test "a failed create leaves an existing pid file and the rest of the bundle as they were" {
	echo before >"$T/pid"
	update_config '.mounts += [{type: "no-such-fs", source: "x", destination: "/mnt"}]'
	(cd "$BUNDLE" && find . -not -path './rootfs/mnt*' | sort) >"$T/before"
	fails "no-such-fs" bh create --pid-file "$T/pid" -b "$BUNDLE" "$ID"
	is "$(cat "$T/pid")" before
	(cd "$BUNDLE" && find . -not -path './rootfs/mnt*' | sort) | diff "$T/before" -
	nothing_left
}

# bats test_tags=vm
@test "the same id can be created after it failed" {
	update_config '.mounts += [{type: "no-such-fs", source: "x", destination: "/mnt"}]'
	fails "no-such-fs" inside true
	update_config 'del(.mounts[-1])'
	is "$(inside 'echo fine')" fine
}

# bats test_tags=vm
@test "control characters in what we are given do not reach the terminal" {
	fails "" bh state $'\e[31mred'
	unlike "$(cat "$T/err")" $'\e'
}

# bats test_tags=vm
@test "a full disk or closed pipe for the output is an error, not a silent success" {
	[ -e /dev/full ] || skip "this machine has no /dev/full"
	local rc=0
	bh features >/dev/full 2>"$T/err" || rc=$?
	is "$rc" 1
	like "$(cat "$T/err")" '^bulkhead: .*No space left'
}
