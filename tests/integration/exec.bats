#!/usr/bin/env bats
# exec: another process in a running container, with every option that engines use.
# SPDX-License-Identifier: MIT

load helpers

# process_file [FILTER]: a process object for exec --process, made from the container's own.
process_file() {
	jq ".process | ${1:-.}" "$BUNDLE/config.json" >"$T/process.json"
}

@test "exec ends with the exit code of the process" {
	up
	code 0 bh exec "$ID" true
	code 7 bh exec "$ID" sh -c 'exit 7'
	code 126 bh exec "$ID" sh -c 'exit 126'
}

@test "exec ends with 128 + S when signal S kills the process" {
	up
	code 137 bh exec "$ID" sh -c 'kill -9 $$'
	code 143 bh exec "$ID" sh -c 'kill -15 $$'
}

@test "exec hands on stdin, stdout and stderr" {
	up
	echo hello | bh exec "$ID" sh -c 'read line; echo "out $line"; echo "err $line" >&2' >"$T/out" 2>"$T/err"
	is "$(cat "$T/out")" "out hello"
	is "$(cat "$T/err")" "err hello"
}

@test "exec copies a megabyte through stdin and stdout unharmed" {
	up
	head -c 1048576 /dev/urandom >"$T/data"
	bh exec "$ID" cat <"$T/data" | cmp - "$T/data"
}

@test "exec joins every namespace of the container" {
	update_config '.linux.namespaces += [{"type": "cgroup"}]'
	up
	for ns in pid net ipc uts mnt cgroup; do
		is "$(bh exec "$ID" readlink "/proc/self/ns/$ns")" "$(ns_of "$INIT" "$ns")"
	done
}

@test "exec joins the cgroups of the container" {
	up
	is "$(bh exec "$ID" cat /proc/self/cgroup)" "$(bh exec "$ID" cat /proc/1/cgroup)"
	like "$(bh exec "$ID" cat /proc/self/cgroup)" "$ID"
}

@test "options after the id belong to the process" {
	up
	is "$(bh exec "$ID" echo -d --tty -e)" "-d --tty -e"
}

@test "exec starts from the environment, directory and user of the container" {
	update_config '.process.env += ["COLOUR=red"] | .process.cwd = "/tmp" | .process.user = {uid: 1000, gid: 1000}'
	chmod 777 "$ROOTFS"
	up
	is "$(bh exec "$ID" sh -c 'echo $COLOUR $PWD $(id -u):$(id -g)')" "red /tmp 1000:1000"
}

@test "exec --cwd sets the working directory" {
	up
	is "$(bh exec --cwd /etc "$ID" pwd)" /etc
	is "$(bh exec --cwd=/tmp "$ID" pwd)" /tmp
}

@test "exec --env adds to and overrides the environment" {
	update_config '.process.env += ["A=old", "B=kept"]'
	up
	is "$(bh exec -e A=new --env C=more "$ID" sh -c 'echo $A $B $C')" "new kept more"
}

@test "exec --user takes a uid, and a gid after a colon" {
	up
	is "$(bh exec -u 1000:2000 "$ID" id -u)" 1000
	is "$(bh exec -u 1000:2000 "$ID" id -g)" 2000
	is "$(bh exec --user 1000 "$ID" id -u)" 1000
	is "$(bh exec --user 1000 "$ID" id -g)" 0
}

@test "exec --user refuses what is not wholly a number" {
	up
	for user in 0x0 1a '' : -1 +1 ' 1' 1: 1:x 4294967296 1:4294967296 1:2:3; do
		bh exec --user "$user" "$ID" id >"$T/out" 2>"$T/err" && is "$user was taken" "refused"
		is "$(wc -l <"$T/err")" 1
		like "$(cat "$T/err")" "^bulkhead: .*(user|uid|gid)"
		is "$(cat "$T/out")" ""
	done
}

@test "exec --additional-gids adds groups" {
	up
	is "$(bh exec -u 1000:1000 -g 2000 --additional-gids 3000 "$ID" id -G)" "1000 2000 3000"
}

@test "exec --cap adds a capability" {
	up
	unlike "$(bh exec "$ID" grep CapEff /proc/self/status)" "[4567cdef].......$"
	local caps
	caps=$(bh exec --cap CAP_SYS_TIME -c CAP_SYS_NICE "$ID" sed -n 's/CapEff:\t//p' /proc/self/status)
	is "$((0x$caps >> 25 & 1)) $((0x$caps >> 23 & 1))" "1 1"
}

@test "exec --cap refuses a name that is no capability" {
	up
	! bh exec --cap CAP_TO_FLY "$ID" true 2>"$T/err"
	like "$(cat "$T/err")" "^bulkhead: .*CAP_TO_FLY"
}

@test "exec --no-new-privs sets the flag" {
	update_config '.process.noNewPrivileges = false'
	up
	is "$(bh exec "$ID" sed -n 's/NoNewPrivs:\t//p' /proc/self/status)" 0
	is "$(bh exec --no-new-privs "$ID" sed -n 's/NoNewPrivs:\t//p' /proc/self/status)" 1
}

@test "exec --process takes the whole process from a file" {
	up
	process_file '.args = ["sh", "-c", "echo $WORD $PWD $(id -u)"] | .env += ["WORD=file"] | .cwd = "/etc" |
		.user = {uid: 1000, gid: 1000}'
	is "$(bh exec --process "$T/process.json" "$ID")" "file /etc 1000"
	is "$(bh exec -p "$T/process.json" "$ID")" "file /etc 1000"
}

@test "exec --process applies capabilities, rlimits, umask and oom score of the file" {
	up
	process_file '.args = ["sh", "-c", "umask; ulimit -n; cat /proc/self/oom_score_adj; grep CapBnd /proc/self/status"] |
		.user.umask = 63 | .rlimits = [{type: "RLIMIT_NOFILE", soft: 77, hard: 78}] | .oomScoreAdj = 500 |
		.capabilities = {bounding: ["CAP_CHOWN"]}'
	is "$(bh exec -p "$T/process.json" "$ID" | tr -s '\n\t' ' ')" "0077 77 500 CapBnd: 0000000000000001 "
}

@test "exec --process names the place of an error in the file" {
	up
	process_file '.user.uid = "root"'
	! bh exec -p "$T/process.json" "$ID" 2>"$T/err"
	like "$(cat "$T/err")" "^bulkhead: .*/user/uid"
}

@test "exec --detach returns while the process goes on, and --pid-file names it" {
	up
	mkfifo "$ROOTFS/second"
	bh exec -d --pid-file "$T/second.pid" "$ID" sh -c 'echo $$ >/second; exec sleep 1000' </dev/null >"$T/out" 2>&1
	line_of "$ROOTFS/second"
	local pid
	pid=$(cat "$T/second.pid")
	like "$pid" '^[0-9]+$'
	is "$(ns_of "$pid" pid)" "$(ns_of "$INIT" pid)"
	isnt "$pid" "$INIT"
}

@test "exec --process FILE --detach --pid-file FILE, as engines call it" {
	up
	mkfifo "$ROOTFS/second"
	process_file '.args = ["sh", "-c", "echo hi >/second; sleep 1000"]'
	bh exec --process "$T/process.json" --detach --pid-file "$T/second.pid" "$ID" </dev/null >"$T/out" 2>&1
	is "$(line_of "$ROOTFS/second")" hi
	kill -0 "$(cat "$T/second.pid")"
}

@test "exec of a program that is not there ends with 255 and says which" {
	up
	code 255 bh exec "$ID" no-such-program
	like "$(cat "$T/err")" 'no-such-program.*executable file not found in \$?PATH'
	code 255 bh exec -d "$ID" no-such-program
	code 255 bh exec "$ID" /no/such/program
	like "$(cat "$T/err")" 'no such file or directory|No such file or directory'
}

@test "exec of a file without the execute bit ends with 255: permission denied" {
	echo text >"$ROOTFS/text"
	up
	code 255 bh exec "$ID" /text
	like "$(cat "$T/err")" '[Pp]ermission denied'
}

@test "exec with a working directory that is not there ends with 255 and names it" {
	up
	code 255 bh exec --cwd /no/such/place "$ID" true
	like "$(cat "$T/err")" '/no/such/place'
}

@test "exec needs a container that exists" {
	! bh exec nobody-"$ID" true 2>"$T/err"
	like "$(cat "$T/err")" "^bulkhead: .*does not exist"
}

@test "exec is refused in a stopped container" {
	set_args true
	bh run --keep -b "$BUNDLE" "$ID"
	! bh exec "$ID" true 2>"$T/err"
	like "$(cat "$T/err")" "^bulkhead: .*(not running|stopped)"
}

@test "exec is refused in a paused container, and waits with --ignore-paused" {
	up
	bh pause "$ID"
	! timeout 20 "$BULKHEAD" --root "$ROOT" exec "$ID" true 2>"$T/err"
	like "$(cat "$T/err")" "^bulkhead: .*paused"
	background bh exec --ignore-paused "$ID" sh -c 'exit 6'
	bh resume "$ID"
	local rc=0
	wait "$BG" || rc=$?
	is "$rc" 6
}

@test "exec without a command is a usage error" {
	up
	! bh exec "$ID" 2>"$T/err"
	is "$(wc -l <"$T/err")" 1
	like "$(cat "$T/err")" "^bulkhead: "
}

@test "exec --preserve-fds hands on descriptors" {
	up
	echo kept >"$T/kept"
	is "$(BH_TEST_ID=$ID "$BULKHEAD" --root "$ROOT" exec --preserve-fds 1 "$ID" cat /proc/self/fd/3 3<"$T/kept")" kept
}

@test "exec leaks no descriptor of the host" {
	up
	bh exec "$ID" probe fds </dev/null 7</etc/passwd 8<. >"$T/out"
	is "$(cut -d' ' -f1 "$T/out" | tr '\n' ' ')" "0 1 2 "
}

@test "exec keeps the id maps of a user namespace" {
	update_config '.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	chmod o+x "$T" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" 2>/dev/null || true
	chown -R 100000:100000 "$ROOTFS"
	up
	is "$(bh exec "$ID" id -u)" 0
	bh exec -d --pid-file "$T/second.pid" "$ID" sleep 1000 </dev/null >"$T/out" 2>&1
	is "$(stat -c %u "/proc/$(cat "$T/second.pid")")" 100000
}

@test "exec --cgroup puts the process in a cgroup beneath the container's" {
	requires pids
	can_cgroup_v2 && update_config '.linux.namespaces += [{type: "cgroup"}]'
	up
	local dir
	for dir in /sys/fs/cgroup/"$ID" /sys/fs/cgroup/*/"$ID"; do
		[ ! -d "$dir" ] || mkdir "$dir/sub"
	done
	for cpuset in /sys/fs/cgroup/cpuset/"$ID"/sub; do
		[ -d "$cpuset" ] || continue
		cat /sys/fs/cgroup/cpuset/cpuset.cpus >"$cpuset/cpuset.cpus"
		cat /sys/fs/cgroup/cpuset/cpuset.mems >"$cpuset/cpuset.mems"
	done
	is "$(bh exec --cgroup sub "$ID" sh -c 'grep -vc "/sub$" /proc/self/cgroup')" 0
}

@test "exec --cgroup CONTROLLER:PATH goes there in the hierarchies named" {
	requires pids
	[ -d /sys/fs/cgroup/pids ] && [ -d /sys/fs/cgroup/memory ] ||
		skip "v1 hierarchies of pids and memory are missing"
	up
	mkdir /sys/fs/cgroup/{pids,memory}/"$ID"/sub
	bh exec --cgroup memory,pids:sub "$ID" cat /proc/self/cgroup >"$T/out"
	is "$(grep -c '/sub$' "$T/out")" 2
	is "$(grep -cE ':(pids|memory):.*/sub$' "$T/out")" 2
	code 255 bh exec --cgroup nothing:sub "$ID" true
	like "$(cat "$T/err")" 'no v1 hierarchy with controller "nothing"'
}

@test "exec goes to init's cgroup when the container's hands controllers down" {
	local root=/sys/fs/cgroup dir where pid
	[ ! -d $root/unified ] || root=$root/unified
	grep -qsw hugetlb $root/cgroup.controllers || skip "this machine lacks hugetlb in version 2"
	update_config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
	up
	dir=$root/$ID
	mkdir "$dir/init"
	while read -r pid <"$dir/cgroup.procs"; do echo "$pid" >"$dir/init/cgroup.procs"; done
	echo +hugetlb >"$dir/cgroup.subtree_control"
	where=$(bh exec "$ID" grep ^0:: /proc/self/cgroup) || true
	bh delete --force "$ID"
	like "$where" "/$ID/init$"
}

@test "exec --cgroup refuses to leave the container's cgroup" {
	up
	for path in .. /../.. "../${ID}x" sub/../../.. /no-such-cgroup; do
		! bh exec --cgroup "$path" "$ID" true 2>"$T/err" || is "$path was taken" refused
		like "$(cat "$T/err")" "^bulkhead: .*cgroup"
	done
}

@test "exec --tty=false is exec without a terminal" {
	up
	is "$(bh exec --tty=false "$ID" sh -c 'test -t 0 || echo no' </dev/null)" no
}

@test "twenty processes can be started in one container at once" {
	up
	local i pids=()
	for i in $(seq 20); do
		background bh exec "$ID" sh -c "exit $i"
		pids+=("$BG")
	done
	for i in $(seq 20); do
		local rc=0
		wait "${pids[i - 1]}" || rc=$?
		is "$rc" "$i"
	done
	is "$(bh ps -f json "$ID" | jq length)" 2
}

@test "a process of exec cannot be traced or read from inside before it is its own program" {
	up 'while :; do for p in /proc/[0-9]*; do e=$(readlink $p/exe) || continue
		case $e in */bin/busybox|*/bin/probe) ;; *) echo "$p $e" >>/seen ;; esac; done; done &'
	for _ in $(seq 20); do
		bh exec "$ID" true
	done
	[ ! -e "$ROOTFS/seen" ] || is "$(sort -u "$ROOTFS/seen")" ""
}
