#!/usr/bin/env bats
# NOTIFY_SOCKET: the readiness of the program reaches whoever waits for it on the host.
# SPDX-License-Identifier: MIT

load helpers

# busybox cannot send datagrams to a path: probe can
READY_PROGRAM='echo "$NOTIFY_SOCKET" >/seen; probe notify "$NOTIFY_SOCKET" "READY=1"; sleep 1000'

@test "READY=1 of a detached container arrives on the host, with MAINPID" {
	set_args sh -c "$READY_PROGRAM"
	timeout 20 env BH_TEST_ID="$ID" "$HELPERS/recvnotify" "$T/notify" "$BULKHEAD" --root "$ROOT" run -d --pid-file "$T/pid" \
		-b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>"$T/err"
	like "$(cat "$T/out")" 'READY=1'
	like "$(cat "$T/out")" "MAINPID=$(cat "$T/pid")"
}

@test "READY=1 arrives after create and start" {
	set_args sh -c "$READY_PROGRAM"
	timeout 20 env BH_TEST_ID="$ID" "$HELPERS/recvnotify" "$T/notify" sh -c '"$@" create -b "$0" '"$ID"' && "$@" start '"$ID" \
		"$BUNDLE" "$BULKHEAD" --root "$ROOT" </dev/null >"$T/out" 2>"$T/err"
	like "$(cat "$T/out")" 'READY=1'
}

@test "the program is given another socket than the host's, inside its own root" {
	set_args sh -c "$READY_PROGRAM"
	timeout 20 env BH_TEST_ID="$ID" "$HELPERS/recvnotify" "$T/notify" "$BULKHEAD" --root "$ROOT" run -d \
		-b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>"$T/err"
	isnt "$(cat "$ROOTFS/seen")" ""
	isnt "$(cat "$ROOTFS/seen")" "$T/notify"
}

@test "without NOTIFY_SOCKET the program has none" {
	is "$(inside 'echo "socket:$NOTIFY_SOCKET:"')" "socket::"
}

@test "a NOTIFY_SOCKET that nobody listens on does not keep the container from running" {
	set_args echo fine
	is "$(NOTIFY_SOCKET=$T/nobody bh run -b "$BUNDLE" "$ID")" fine
}
