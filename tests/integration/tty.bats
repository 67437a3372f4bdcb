#!/usr/bin/env bats
# terminals: in the foreground on a real one, detached over a console socket; size, job control, Ctrl-C.
# SPDX-License-Identifier: MIT

load helpers
load terminal

with_terminal() {
	update_config '.process.terminal = true | .process.env += ["TERM=xterm"]'
}

# bats test_tags=vm
@test "run on a terminal gives the process a terminal, and its exit code" {
	with_terminal
	set_args sh -c 'test -t 0 && test -t 1 && test -t 2 && tty && exit 17'
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	ends_with 17
	like "$(cat "$T/screen")" '/dev/(pts/0|console)'
}

# bats test_tags=vm
@test "the terminal is the controlling one, and /dev/tty and /dev/console lead to it" {
	with_terminal
	set_args sh -c 'echo one >/dev/tty; echo two >/dev/console; ls /dev/pts | sort | tr "\n" " "; echo; ps -o tty,pid | tail -n 1'
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	ends_with 0
	like "$(cat "$T/screen")" 'one.*two.*0 ptmx'
}

# bats test_tags=vm
@test "what is typed reaches the process, what it prints reaches the screen" {
	with_terminal
	set_args sh -c 'echo up; read line; echo "read:$line:"; exit 3'
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	shown '^up'
	type_keys 'hello\n'
	ends_with 3
	like "$(cat "$T/screen")" 'read:hello:'
}

# bats test_tags=vm
@test "the size of the terminal is handed in at start" {
	with_terminal
	set_args sh -c 'stty size'
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	ends_with 0
	like "$(cat "$T/screen")" '24 80'
}

# bats test_tags=vm
@test "a change of size reaches the process, with SIGWINCH" {
	with_terminal
	set_args sh -c 'trap "stty size; exit 5" WINCH; echo up; while :; do sleep 1000 & wait $!; done'
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	shown '^up'
	stty -F "$TTY" rows 40 cols 132
	shown '40 132'
	ends_with 5
}

# bats test_tags=vm
@test "Ctrl-C interrupts what runs in the foreground of the container, and not run itself" {
	with_terminal
	set_args sh -c 'trap "echo interrupted; exit 6" INT; sh -c "echo up; exec sleep 1000"'
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	shown '^up'
	type_keys '\003'
	shown interrupted
	ends_with 6
}

# bats test_tags=vm
@test "Ctrl-D is the end of the input" {
	with_terminal
	set_args sh -c 'echo up; cat; exit 8'
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	shown '^up'
	type_keys '\004'
	ends_with 8
}

# bats test_tags=vm
@test "a shell has job control: stop, list, continue" {
	with_terminal
	set_args sh -i
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	type_keys 'sh -c "echo u\"\"p; read x"\n'	# what is typed is shown, too, and is not to look like the output
	shown '^up'
	type_keys '\032'
	type_keys 'jobs\n'
	shown Stopped
	type_keys 'fg\n'
	type_keys 'to-the-job\n'
	type_keys 'echo aft""er\n'
	shown '^after'
	type_keys 'exit 11\n'
	ends_with 11
}

# bats test_tags=vm
@test "the terminal of the caller is as it was when run ends" {
	with_terminal
	set_args sh -c 'stty raw -echo'
	printf '%q ' env "BH_TEST_ID=$ID" "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" >"$T/command"
	script -qefc "stty -g >'$T/before'; . '$T/command'; stty -g >'$T/after'" /dev/null </dev/null >"$T/screen"
	is "$(cat "$T/after")" "$(cat "$T/before")"
}

# bats test_tags=vm
@test "a megabyte on the terminal arrives whole" {
	with_terminal
	set_args sh -c 'stty -opost; yes 0123456789abcde | head -c 1048576'
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	ends_with 0
	is "$(grep -o 0123456789abcde "$T/screen" | wc -l)" 65536
}

@test "exec --tty gives a terminal with the caller's size, and its exit code" {
	up
	mkfifo "$ROOTFS/second"
	on_terminal "$BULKHEAD" --root "$ROOT" exec --tty "$ID" sh -c 'test -t 0 && stty size >/second; exit 19'
	is "$(line_of "$ROOTFS/second")" "24 80"
	ends_with 19
}

# bats test_tags=vm
@test "create --console-socket sends the terminal before it returns, and it works after start" {
	with_terminal
	set_args sh -c 'test -t 0 && tty; read line; echo "read:$line:"'
	printf '%q ' env "BH_TEST_ID=$ID" "$BULKHEAD" --root "$ROOT" create --console-socket "$T/console" -b "$BUNDLE" "$ID" >"$T/command"
	mkfifo "$T/ready"
	over_socket sh -c ". '$T/command' && echo done >'$T/ready'"
	is "$(line_of "$T/ready")" 'done'
	is "$(status_of)" created
	bh start "$ID"
	type_keys 'hello\n'
	ends_with 0
	like "$(cat "$T/screen")" 'read:hello:'
}

# bats test_tags=vm
@test "run --detach --console-socket hands the terminal over and returns" {
	with_terminal
	set_args sh -c 'echo up; read line; echo "read:$line:"; exit 4'
	over_socket "$BULKHEAD" --root "$ROOT" run -d --console-socket "$T/console" -b "$BUNDLE" "$ID"
	shown '^up'
	is "$(status_of)" running
	type_keys 'hello\n'
	ends_with 4
	like "$(cat "$T/screen")" 'read:hello:'
}

@test "exec --detach --tty --console-socket hands a terminal over" {
	up
	mkfifo "$ROOTFS/second"
	over_socket "$BULKHEAD" --root "$ROOT" exec -d -t --console-socket "$T/console" "$ID" \
		sh -c 'tty >/second; read line; echo "read:$line:"'
	like "$(line_of "$ROOTFS/second")" '^/dev/pts/0$'
	type_keys 'hello\n'
	ends_with 0
	like "$(cat "$T/screen")" 'read:hello:'
}

# bats test_tags=vm
@test "consoleSize is the size of the terminal that is handed over" {
	with_terminal
	update_config '.process.consoleSize = {height: 33, width: 111}'
	set_args sh -c 'stty size'
	over_socket "$BULKHEAD" --root "$ROOT" run -d --console-socket "$T/console" -b "$BUNDLE" "$ID"
	ends_with 0
	like "$(cat "$T/screen")" '33 111'
}

# bats test_tags=vm
@test "the terminal belongs to the user of the process" {
	with_terminal
	update_config '.process.user = {uid: 1000, gid: 1000}'
	set_args sh -c 'echo "of $(stat -c %u "$(tty)")"; echo fine >/dev/stdout'
	over_socket "$BULKHEAD" --root "$ROOT" run -d --console-socket "$T/console" -b "$BUNDLE" "$ID"
	ends_with 0
	like "$(cat "$T/screen")" 'of 1000.*fine'
}

# bats test_tags=vm
@test "a detached terminal without a console socket is an error, and the other way round" {
	with_terminal
	fails "console.socket" bh run -d -b "$BUNDLE" "$ID"
	fails "console.socket" bh create -b "$BUNDLE" "$ID"
	update_config '.process.terminal = false'
	fails "console.socket" bh run -d --console-socket "$T/console" -b "$BUNDLE" "$ID"
	nothing_left
}

# bats test_tags=vm
@test "a console socket that nobody listens on fails, names it, and leaves nothing" {
	with_terminal
	fails "$T/console" bh create --console-socket "$T/console" -b "$BUNDLE" "$ID"
	nothing_left
}

# bats test_tags=vm
@test "a program inside cannot type into the terminal of the caller" {
	set_args probe push x
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	ends_with 1
	like "$(cat "$T/screen")" 'EIO|EPERM|ENOTTY'
}
