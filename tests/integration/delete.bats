#!/usr/bin/env bats
# delete: what may be deleted, by force or not, and that everything is gone.
# SPDX-License-Identifier: MIT

load helpers

# bats test_tags=vm
@test "delete removes a stopped container: state, cgroup and all" {
	up
	bh kill "$ID" KILL
	"$HELPERS/pidwait" "$INIT"
	bh delete "$ID"
	nothing_left
	fails "does not exist" bh state "$ID"
}

# bats test_tags=vm
@test "delete refuses a running container and leaves it running" {
	up
	fails "$ID.*(running|not stopped)" bh delete "$ID"
	is "$(status_of)" running
	kill -0 "$INIT"
}

# bats test_tags=vm
@test "delete --force ends a running container" {
	up 'trap "" TERM'
	bh delete --force "$ID"
	! kill -0 "$INIT" 2>/dev/null
	nothing_left
}

# bats test_tags=vm
@test "delete of an unknown container fails" {
	fails "does not exist" bh delete "nobody-$ID"
}

# bats test_tags=vm
@test "delete --force of an unknown container is silent and succeeds" {
	code 0 bh delete --force "nobody-$ID"
	is "$(cat "$T/out" "$T/err")" ""
}

# bats test_tags=vm
@test "delete --force can be repeated" {
	up
	bh delete -f "$ID"
	code 0 bh delete -f "$ID"
	is "$(cat "$T/out" "$T/err")" ""
}

# bats test_tags=vm
@test "delete --force works on a paused container" {
	up
	bh pause "$ID"
	bh delete --force "$ID"
	nothing_left
}

# bats test_tags=vm
@test "delete works when the bundle is gone" {
	up
	mv "$BUNDLE" "$T/moved"
	bh delete --force "$ID"
	nothing_left
}

# bats test_tags=vm
@test "delete --force works on a state directory with nothing in it" {
	up
	bh delete --force "$ID"
	mkdir "$ROOT/$ID"
	code 0 bh delete --force "$ID"
	nothing_left
}

# bats test_tags=vm
@test "delete --force works when every file of the state is cut short" {
	up
	find "$ROOT/$ID" -type f -exec truncate -s 10 {} +
	bh delete --force "$ID" || true
	kill -9 "$INIT" 2>/dev/null || true	# nothing tells whose it was any more
	"$HELPERS/pidwait" "$INIT"
	find /sys/fs/cgroup -depth -type d -name "*$ID*" -exec rmdir {} + 2>/dev/null || true
	is "$(bh list -q)" ""
	[ ! -e "$ROOT/$ID" ]
}

# bats test_tags=vm
@test "delete takes processes that outlived the first one with it" {
	update_config '.linux.namespaces |= map(select(.type != "pid"))'
	up 'sleep 1000 & echo $! >/child'
	local child
	child=$(cat "$ROOTFS/child")
	kill -9 "$INIT"
	"$HELPERS/pidwait" "$INIT"
	bh delete --force "$ID"
	! kill -0 "$child" 2>/dev/null
	nothing_left
}

# bats test_tags=vm
@test "delete removes cgroups that the container made beneath its own" {
	requires pids
	update_config '.linux.namespaces += [{type: "cgroup"}]'
	up
	mkdir -p "$(cgroup_dir pids)/a/b" "$(cgroup_dir pids)/c"
	bh delete --force "$ID"
	nothing_left
}

# bats test_tags=vm
@test "two deletes at once leave nothing and do not fail with --force" {
	up
	background bh delete --force "$ID"
	local one=$BG
	bh delete --force "$ID"
	wait "$one"
	nothing_left
}

# bats test_tags=vm
@test "delete --regex deletes the containers whose id matches, and no other" {
	local first=$ID
	up
	ID=${first}other make_bundle "$T/two"
	ID=${first}other up
	bh delete --force --regex "other$"
	is "$(bh list -q)" "$first"
}
