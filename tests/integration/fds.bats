#!/usr/bin/env bats
# descriptors: those that are handed on, by --preserve-fds and LISTEN_FDS, and no other.
# SPDX-License-Identifier: MIT

load helpers

# plain ARGS: the program with the test's own descriptors 3 and 4, which bh closes.
plain() {
	BH_TEST_ID=$ID "$BULKHEAD" --root "$ROOT" "$@"
}

# numbers: the descriptors that probe saw open
numbers() {
	cut -d' ' -f1 "$T/out" | tr '\n' ' '
}

@test "--preserve-fds N hands on the N descriptors after the standard three" {
	echo three >"$T/three"
	echo four >"$T/four"
	set_args sh -c 'cat <&3; cat <&4'
	is "$(plain run --preserve-fds 2 -b "$BUNDLE" "$ID" 3<"$T/three" 4<"$T/four" | tr '\n' ' ')" "three four "
}

@test "--preserve-fds hands on no more than N" {
	set_args probe fds
	plain run --preserve-fds 1 -b "$BUNDLE" "$ID" 3</etc/passwd 4</etc/passwd 5</etc/passwd >"$T/out" </dev/null
	is "$(numbers)" "0 1 2 3 "
}

@test "without --preserve-fds nothing above the standard three is handed on" {
	set_args probe fds
	plain run -b "$BUNDLE" "$ID" 3</etc/passwd 4</etc/passwd 99</etc/passwd >"$T/out" </dev/null
	is "$(numbers)" "0 1 2 "
}

@test "a hole in the range of --preserve-fds is an error that names the descriptor" {
	fails "preserve.fds.*[^0-9]4([^0-9]|$)|[^0-9]4([^0-9]|$).*preserve.fds" \
		plain run --preserve-fds 3 -b "$BUNDLE" "$ID" 3</etc/passwd 4<&- 5</etc/passwd
	nothing_left
}

@test "--preserve-fds refuses what is not a number of descriptors" {
	local n
	for n in -1 x '' 1x 99999999999; do
		fails "preserve.fds" bh run --preserve-fds "$n" -b "$BUNDLE" "$ID"
	done
}

@test "create and start: the descriptors of create reach the program" {
	echo three >"$T/three"
	set_args sh -c 'cat <&3'
	plain create --preserve-fds 1 --pid-file "$T/pid" -b "$BUNDLE" "$ID" 3<"$T/three" 4>&- </dev/null >"$T/out" 2>&1
	bh start "$ID"
	"$HELPERS/pidwait" "$(cat "$T/pid")"
	is "$(cat "$T/out")" three
}

@test "sockets of LISTEN_FDS are handed on, with LISTEN_PID as the program sees itself" {
	set_args sh -c 'echo $LISTEN_FDS $LISTEN_PID; probe fds'
	# LISTEN_PID must be the runtime's own pid: the shell that becomes it knows
	env BH_TEST_ID="$ID" sh -c 'export LISTEN_FDS=2 LISTEN_PID=$$; exec "$@"' sh \
		"$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" 3</etc/passwd 4</etc/group 5</etc/passwd >"$T/out" </dev/null
	is "$(head -n 1 "$T/out")" "2 1"
	sed -i 1d "$T/out"
	is "$(numbers)" "0 1 2 3 4 "
}

@test "LISTEN_FDS and --preserve-fds add up" {
	set_args probe fds
	env BH_TEST_ID="$ID" sh -c 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"' sh "$BULKHEAD" --root "$ROOT" \
		run --preserve-fds 1 -b "$BUNDLE" "$ID" 3</etc/passwd 4</etc/group 5</etc/passwd >"$T/out" </dev/null
	is "$(numbers)" "0 1 2 3 4 "
}

@test "LISTEN_FDS for another process is not for us" {
	set_args sh -c 'echo "listen:$LISTEN_FDS:"; probe fds'
	env BH_TEST_ID="$ID" LISTEN_FDS=2 LISTEN_PID=1 "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" \
		3</etc/passwd 4</etc/group >"$T/out" </dev/null
	is "$(head -n 1 "$T/out")" "listen::"
	sed -i 1d "$T/out"
	is "$(numbers)" "0 1 2 "
}

@test "no descriptor that the program has leads out of its root" {
	set_args probe fds
	mkdir "$T/host-directory"
	plain run -b "$BUNDLE" "$ID" 3<"$T/host-directory" 5</ 6</proc >"$T/out" 2>"$T/err" </dev/null
	unlike "$(cat "$T/out")" host-directory
	is "$(numbers)" "0 1 2 "
}

@test "detached and exec'd processes have no descriptor of the host either" {
	mkfifo "$ROOTFS/ready"
	set_args sh -c 'probe fds >/seen; echo up >/ready; sleep 1000'
	plain run -d -b "$BUNDLE" "$ID" 3</etc/passwd 4</ 9</proc </dev/null >"$T/up" 2>&1
	line_of "$ROOTFS/ready"
	plain exec "$ID" probe fds 3</etc/passwd 4</ 9</proc </dev/null >"$T/out" 2>&1
	is "$(numbers)" "0 1 2 "
	cp "$ROOTFS/seen" "$T/out"
	is "$(numbers)" "0 1 2 "
}
