#!/usr/bin/env bats
# run: a container in the foreground or detached, its exit code, its streams and what stays behind.
# SPDX-License-Identifier: MIT

load helpers

# bats test_tags=vm
@test "run ends with the exit code of the process" {
	code 0 inside 'exit 0'
	code 7 inside 'exit 7'
	code 255 inside 'exit 255'
}

# bats test_tags=vm
@test "run ends with 128 + S when signal S kills the process" {
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	for signal in 9 11 15; do
		code $((128 + signal)) inside "kill -$signal \$\$"
	done
}

# bats test_tags=vm
@test "run hands stdin, stdout and stderr to the process, each by itself" {
	set_args sh -c 'read line; echo "out $line"; echo "err $line" >&2'
	echo hello | bh run -b "$BUNDLE" "$ID" >"$T/out" 2>"$T/err"
	is "$(cat "$T/out")" "out hello"
	is "$(cat "$T/err")" "err hello"
}

# bats test_tags=vm
@test "run copies a megabyte through stdin and stdout unharmed" {
	set_args cat
	head -c 1048576 /dev/urandom >"$T/data"
	bh run -b "$BUNDLE" "$ID" <"$T/data" | cmp - "$T/data"
}

# bats test_tags=vm
@test "run takes the current directory for the bundle where none is named" {
	set_args echo here
	cd "$BUNDLE"
	is "$(bh run "$ID")" here
}

# bats test_tags=vm
@test "run takes an argument with a slash for the bundle and makes up an id" {
	set_args echo here
	is "$(bh run "$BUNDLE/")" here
	is "$(bh run "$BUNDLE")" here
	cd "$BUNDLE"
	is "$(bh run ./)" here
}

# bats test_tags=vm
@test "made-up ids differ, so that one bundle can run twice at once" {
	update_config 'del(.linux.cgroupsPath)'
	mkfifo "$T/said"
	exec {SAID}<>"$T/said"
	set_args sh -c 'echo up; sleep 1000'
	for _ in 1 2; do
		bh run -d "$BUNDLE/" </dev/null >&"$SAID" 2>"$T/err"
		is "$(said)" up
	done
	is "$(bh list -q | sort -u | wc -l)" 2
}

# bats test_tags=vm
@test "run deletes the container when its process ends" {
	code 3 inside 'exit 3'
	is "$(bh list -q)" ""
	nothing_left
}

# bats test_tags=vm
@test "run --keep keeps the container when its process ends" {
	set_args sh -c 'exit 3'
	code 3 bh run --keep -b "$BUNDLE" "$ID"
	is "$(status_of)" stopped
	bh delete "$ID"
	nothing_left
}

# bats test_tags=vm
@test "run --detach returns while the process goes on" {
	up
	is "$(status_of)" running
	kill -0 "$INIT"
}

# bats test_tags=vm
@test "run --pid-file holds the pid of the process, digits only" {
	up
	is "$(bh state "$ID" | jq .pid)" "$INIT"
	is "$(tr -d 0-9 <"$T/pid" | wc -c)" 0
}

# bats test_tags=vm
@test "run writes the pid file in the foreground too" {
	set_args sh -c 'echo hi; exit 4'
	code 4 bh run --pid-file "$T/pid" -b "$BUNDLE" "$ID"
	like "$(cat "$T/pid")" '^[0-9]+$'
}

# bats test_tags=vm
@test "long options are taken with one dash, and with an equals sign" {
	set_args sh -c 'exit 5'
	code 5 bh run -bundle "$BUNDLE" -pid-file "$T/pid" "$ID"
	code 5 bh run --bundle="$BUNDLE" --pid-file="$T/pid2" "$ID"
	code 5 bh run -bundle="$BUNDLE" "$ID"
	[ -s "$T/pid" ] && [ -s "$T/pid2" ]
}

# bats test_tags=vm
@test "run --config reads another file than config.json" {
	jq '.process.args = ["echo", "other"]' "$BUNDLE/config.json" >"$BUNDLE/other.json"
	is "$(bh run -f "$BUNDLE/other.json" -b "$BUNDLE" "$ID")" other
	is "$(cd "$BUNDLE" && bh run --config other.json "$ID")" other
}

# bats test_tags=vm
@test "run of an id that is in use fails and leaves the first container alone" {
	up
	fails "$ID.*exists" bh run -b "$BUNDLE" "$ID"
	is "$(status_of)" running
	kill -0 "$INIT"
}

# bats test_tags=vm
@test "an id can be used again after its container is gone" {
	for _ in 1 2 3; do
		is "$(inside 'echo again')" again
	done
}

# bats test_tags=vm
@test "the process sees nothing of the environment of the caller" {
	export SECRET_OF_THE_HOST=1
	code 0 inside env
	unlike "$(cat "$T/out")" SECRET_OF_THE_HOST
}

# bats test_tags=vm
@test "the process has no descriptor but the standard three" {
	set_args probe fds
	bh run -b "$BUNDLE" "$ID" </dev/null 7</etc/passwd 8<. >"$T/out"
	is "$(cut -d' ' -f1 "$T/out" | tr '\n' ' ')" "0 1 2 "
}

@test "a session keyring of its own is there, unless --no-new-keyring" {
	[ -r /proc/keys ] || skip "this kernel shows no /proc/keys"
	set_args grep "$ID" /proc/keys
	code 1 bh run --no-new-keyring -b "$BUNDLE" "$ID"
	code 0 bh run -b "$BUNDLE" "$ID"
}

# bats test_tags=vm
@test "run --no-pivot shows the root of the bundle and nothing of the host" {
	echo mark >"$ROOTFS/mark"
	echo host >"$T/host-file"
	set_args sh -c "cat /mark; ls '$T/host-file' 2>&1; ls /proc/1/root/"
	code 0 bh run --no-pivot -b "$BUNDLE" "$ID"
	like "$(cat "$T/out")" "^mark"
	like "$(cat "$T/out")" "No such file"
}

# bats test_tags=vm
@test "run works when stdin, stdout and stderr are closed" {
	set_args sh -c 'exit 9'
	local rc=0
	bh run -b "$BUNDLE" "$ID" <&- >&- 2>&- || rc=$?
	is "$rc" 9
}

# bats test_tags=vm
@test "orphans in the container are killed with its first process" {
	code 0 inside 'sleep 1000 & sleep 1000 & exit 0'
	nothing_left
}

# bats test_tags=vm
@test "the container starts with one process and no stray children" {
	is "$(inside 'set -- /proc/[0-9]*; echo $#')" 1
}
