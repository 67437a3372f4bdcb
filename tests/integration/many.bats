#!/usr/bin/env bats
# Many containers at once: none is lost, nothing is left.
# SPDX-License-Identifier: MIT

BATS_TEST_TIMEOUT=300
load helpers

@test "500 containers, 50 at a time, are started and deleted, and none is lost" {
	set_args sh -c "echo started; exec sleep 1000"
	update_config "del(.linux.cgroupsPath)"	# each gets one by its id

	seq 500 | xargs -P 50 -I @@ sh -c \
		'"$BULKHEAD" --root "$0" run -d -b "$1" "$2-@@" </dev/null >>"$3" 2>>"$4" 3>&- 4>&-' \
		"$ROOT" "$BUNDLE" "$ID" "$T/out" "$T/err" || cat "$T/err"
	is "$(cat "$T/err")" ""
	is "$(bh list -q | wc -l)" 500
	is "$(bh list -f json | jq '[.[] | select(.status == "running")] | length')" 500
	bh list -q | xargs -P 50 -n 1 "$BULKHEAD" --root "$ROOT" delete --force 3>&- 4>&-
	is "$(bh list -q)" ""
	is "$(sort "$T/out" | uniq -c | tr -s ' ')" " 500 started"
}
