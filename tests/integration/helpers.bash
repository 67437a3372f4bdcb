# Ground of the integration tests: a bundle and a state directory for each test, and proof that nothing is left.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # variables set here are read in the tests

bats_require_minimum_version 1.8.0
BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-60}
BATS_TEST_RETRIES=${BULKHEAD_TEST_RETRIES:-0}

setup() {
	requires root
	umask 022	# whatever the caller's is
	IFS=$' \t\n'	# bats has changed it, when it is given tags
	T=$BATS_TEST_TMPDIR
	ID="bh$$x${BATS_TEST_NUMBER}z"	# delimited at both ends: no id is part of another
	ROOT=$T/run
	BACKGROUND=()
	make_bundle "$T/bundle"
}

teardown() {
	[ -n "$ID" ] || return 0	# skipped before there was anything
	local id rc=0
	for id in $(bh list -q); do
		bh delete --force "$id" || rc=1
	done
	for id in "${BACKGROUND[@]}"; do
		kill -9 "$id" 2>/dev/null || true
		wait "$id" 2>/dev/null || true
	done
	nothing_left || rc=1
	[ $rc = 0 ] || sweep
	return $rc
}

# sweep: takes away by hand what a failed test left, so that it fails no other.
sweep() {
	local point
	marked | xargs -r kill -9
	marked | xargs -r "$HELPERS/pidwait"
	find /sys/fs/cgroup -depth -type d -path "*$ID*" -exec rmdir {} + 2>/dev/null
	grep -F "$T/" /proc/self/mountinfo | cut -d' ' -f5 | tac | while read -r point; do
		umount -l "$point"
	done
} 2>/dev/null

# make_bundle DIR: a busybox bundle; BUNDLE and ROOTFS name it from then on.
make_bundle() {
	BUNDLE=$1
	ROOTFS=$BUNDLE/rootfs
	mkdir -p "$BUNDLE"
	cp -a "$TEMPLATE/rootfs" "$ROOTFS"
	sed "s/@ID@/$ID/" "$TEMPLATE/config.json" >"$BUNDLE/config.json"
}

# bh ARGS: the program under test on this test's state directory. The variable marks everything that it forks.
bh() {
	BH_TEST_ID=$ID "$BULKHEAD" --root "$ROOT" "$@" 3>&- 4>&-
}

# background CMD...: starts it, names it in BG; teardown kills it.
background() {
	"$@" <&0 3>&- 4>&- &	# without <&0 the shell would give it /dev/null
	BG=$!
	BACKGROUND+=("$BG")
}

# update_config FILTER [JQ-ARGS]: edits config.json in place.
update_config() {
	jq "$@" <"$BUNDLE/config.json" >"$BUNDLE/config.new"
	mv "$BUNDLE/config.new" "$BUNDLE/config.json"
}

set_args() {
	update_config '.process.args = $ARGS.positional' --args -- "$@"
}

# inside SCRIPT: runs a shell script in a container in the foreground.
inside() {
	set_args sh -c "$1"
	bh run -b "$BUNDLE" "$ID"
}

# up [SCRIPT]: a detached container; returns when SCRIPT has run in it. It ends with code 15 on SIGTERM.
# What SCRIPT writes to descriptor 9, `said` hears: a fifo in the root would not do, a virtual machine has those to itself.
up() {
	mkfifo -m 666 "$T/said"
	exec {SAID}<>"$T/said"
	rm "$T/said"
	set_args sh -c "trap 'exit 15' TERM; exec 9>&1 >/dev/null; ${1:-:}
		echo up >&9; exec 9>&-
		while :; do sleep 1000 & wait \$!; done"
	bh run -d --pid-file "$T/pid" -b "$BUNDLE" "$ID" </dev/null >&"$SAID" 2>"$T/up.err" || { cat "$T/up.err"; return 1; }
	is "$(said)" up
	INIT=$(cat "$T/pid")
}

# said: the next line that the container says, within 20 seconds.
said() {
	local line
	read -r -t 20 -u "$SAID" line || true
	echo "$line"
}

# line_of FIFO: one line that somebody writes to it, within 20 seconds.
line_of() {
	local fd line
	exec {fd}<>"$1"
	read -r -t 20 -u "$fd" line
	exec {fd}>&-
	echo "$line"
}

status_of() {
	bh state "${1:-$ID}" | jq -r .status
}

ns_of() {
	readlink "/proc/$1/ns/$2"
}

# --- assertions: each prints what it saw when it fails ---

is() {
	[ "$1" = "$2" ] || { printf 'got:    %s\nwanted: %s\n' "$1" "$2"; return 1; }
}

isnt() {
	[ "$1" != "$2" ] || { printf 'got, and should not: %s\n' "$1"; return 1; }
}

like() {
	[[ $1 =~ $2 ]] || { printf 'got:    %s\nwanted: /%s/\n' "$1" "$2"; return 1; }
}

unlike() {
	[[ ! $1 =~ $2 ]] || { printf 'got:    %s\nbut not: /%s/\n' "$1" "$2"; return 1; }
}

# code N CMD...: the command ends with exit code N; its output is kept in T/out and T/err.
code() {
	local want=$1 rc=0
	shift
	"$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	is "$rc" "$want" || { cat "$T/out" "$T/err"; return 1; }
}

# fails REGEX CMD...: exit code 1 and one line on stderr, ours, that matches.
fails() {
	code 1 "${@:2}" && is "$(wc -l <"$T/err")" 1 && like "$(cat "$T/err")" "^bulkhead: .*$1"
}

# marked: the pids of everything that this test's containers and commands started.
marked() {
	grep -lzsx "BH_TEST_ID=$ID" /proc/[0-9]*/environ | cut -d/ -f3
}

# nothing_left: no process, cgroup, mount or state of this test's containers.
nothing_left() {
	local left
	left=$(
		marked | while read -r pid; do
			echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		done
		find /sys/fs/cgroup -type d -name "*$ID*" -printf 'cgroup %p\n' 2>/dev/null
		grep -F "$T/" /proc/self/mountinfo | sed 's/^/mount /'
		[ ! -d "$ROOT" ] || find "$ROOT" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf 'state %p\n'
	)
	is "$left" ""
}

# --- what the machine can do ---

# requires NAME...: skips the test where the machine lacks one; REQUIRE=NAME,... turns that skip into a failure.
requires() {
	local need
	for need; do
		"can_$need" && continue
		case ",$REQUIRE," in
		*",$need,"*) echo "REQUIRE names $need and this machine lacks it"; return 1 ;;
		esac
		skip "this machine lacks $need"
	done
}

can_root() { [ "$EUID" = 0 ]; }
can_cgroup_v2() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }
can_cgroup_v1() { ! can_cgroup_v2; }
can_systemd() { [ -d /run/systemd/system ]; }
can_strace() { command -v strace >/dev/null; }
can_apparmor() { [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; }
can_time_namespace() { [ -e /proc/self/ns/time ]; }
can_idmapped_mount() { [ "$(stat -f -c %T "$BATS_TEST_TMPDIR")" != overlayfs ]; }
can_cap_sys_resource() { setpriv --dump | grep -q 'bounding.*sys_resource'; }

# controller NAME: can a cgroup controller be used here? can_NAME for each makes it a word for requires.
controller() {
	if can_cgroup_v2; then
		grep -qw "$1" /sys/fs/cgroup/cgroup.controllers
	else
		[ -d "/sys/fs/cgroup/$1" ]
	fi
}
can_memory() { controller memory; }
can_cpu() { controller cpu; }
can_cpuset() { controller cpuset; }
can_pids() { controller pids; }
can_io() { controller "$(by_version blkio io)"; }
can_hugetlb() { controller hugetlb; }
can_swap_accounting() {
	can_cgroup_v2 || [ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ]
}

# by_version ONE TWO: the word for this machine's cgroup version.
by_version() {
	if can_cgroup_v2; then echo "$2"; else echo "$1"; fi
}

# cgroup_dir CONTROLLER [PATH]: where the container's cgroup is.
cgroup_dir() {
	echo "/sys/fs/cgroup/$(by_version "$1/" "")${2:-$ID}"
}

# cgroup_value CONTROLLER V1-FILE V2-FILE: what the container's cgroup holds.
cgroup_value() {
	cat "$(cgroup_dir "$1")/$(by_version "$2" "$3")"
}
