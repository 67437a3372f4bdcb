#!/usr/bin/env bats
# pause and resume: the container stands still and goes on.
# SPDX-License-Identifier: MIT

load helpers

frozen() {
	if can_cgroup_v2; then
		sed -n 's/^frozen //p' "$(cgroup_dir freezer)/cgroup.events"
	else	# the v2 hierarchy carries the life cycle on v1 machines, too
		sed -n 's/^frozen //p' "$(findmnt -n -t cgroup2 -o TARGET | head -1)/$ID/cgroup.events"
	fi
}

@test "pause has frozen the container when it returns, resume has thawed it" {
	up 'sleep 1000 &'
	bh pause "$ID"
	is "$(frozen)" 1
	is "$(status_of)" paused
	bh resume "$ID"
	is "$(frozen)" 0
	is "$(status_of)" running
}

@test "a paused container does nothing, a resumed one goes on where it was" {
	up 'mkfifo /ask /answer; while read x </ask; do echo "$x" >/answer; done &'
	echo one >"$ROOTFS/ask"
	is "$(line_of "$ROOTFS/answer")" one
	bh pause "$ID"
	exec {ask}<>"$ROOTFS/ask" {answer}<>"$ROOTFS/answer"
	echo two >&$ask
	! read -r -t 0.3 -u $answer line
	bh resume "$ID"
	read -r -t 20 -u $answer line
	is "$line" two
	exec {ask}>&- {answer}>&-
}

@test "a signal sent to a paused container arrives after resume" {
	up
	bh pause "$ID"
	bh kill "$ID" TERM
	is "$(status_of)" paused
	bh resume "$ID"
	"$HELPERS/pidwait" "$INIT"
	is "$(status_of)" stopped
}

@test "kill KILL ends a paused container" {
	up
	bh pause "$ID"
	bh kill "$ID" KILL
	bh delete --force "$ID"
	nothing_left
}

@test "pause of a paused, a stopped and an unknown container fails" {
	up
	bh pause "$ID"
	fails "(paused|not running)" bh pause "$ID"
	bh resume "$ID"
	bh kill "$ID" KILL
	"$HELPERS/pidwait" "$INIT"
	fails "not running" bh pause "$ID"
	fails "does not exist" bh pause "nobody-$ID"
}

@test "resume of a container that is not paused fails" {
	up
	fails "not paused" bh resume "$ID"
	kill -0 "$INIT"
	fails "does not exist" bh resume "nobody-$ID"
}

@test "a container can be paused fifty times" {
	up
	for _ in $(seq 50); do
		bh pause "$ID"
		bh resume "$ID"
	done
	is "$(status_of)" running
	is "$(bh exec "$ID" echo alive)" alive
}
