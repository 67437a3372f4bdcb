# A guest that breaks every rule of every device: the VMM lives, says so once a device, and the host is untouched.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.8.0

setup() {
	T=$BATS_TEST_TMPDIR
	BOOT=${BULKHEAD_TEST_BOOT:-$HELPERS/boot}
	[ -w /dev/kvm ] || skip "/dev/kvm"
	[ -w /dev/net/tun ] || skip "/dev/net/tun"
}

@test "a hostile guest breaks each device, and switches off like any other" {
	truncate -s 1M "$T/disk"
	mkdir -p "$T/outside/share/dir"
	echo kept | tee "$T/outside/file" >"$T/outside/share/dir/file"
	local rc=0 id
	timeout -s KILL 120 unshare -n "$BOOT" --kernel "$HELPERS/guest-hostile" --memory 16 --serial \
		--share "$T/outside/share" --disk "$T/disk" --net tap0 --balloon >"$T/raw" 2>"$T/err" </dev/null || rc=$?
	tr -d '\000' <"$T/raw" >"$T/out"
	grep -a . "$T/err"
	[ $rc = 0 ]
	for id in 1 2 3 4 5 26; do
		grep -aqE "device $id: " "$T/out"
		[ "$(grep -ac "guest breaks the rules of its $(name_of $id) device" "$T/err")" = 1 ]
	done
	[ "$(wc -l <"$T/err")" = 6 ]	# no more was to be said
	grep -aqx alive "$T/out"
	[ "$(cat "$T/outside/file")" = kept ]
	[ "$(ls "$T/outside")" = "file
share" ]
	[ "$(stat -c %s "$T/disk")" = 1048576 ]
}

name_of() {
	case $1 in
	1) echo "network interface" ;;
	2) echo disk ;;
	3) echo console ;;
	4) echo rng ;;
	5) echo balloon ;;
	26) echo "file system" ;;
	esac
}
