#!/usr/bin/env bats
# options: what is asked before the command, help, and what commands share.
# SPDX-License-Identifier: MIT

load helpers

@test "a cgroup driver that is not there is refused where a container is made" {
	fails "create \"$ID\": the systemd cgroup driver is not there yet" bh --systemd-cgroup create -b "$BUNDLE" "$ID"
	fails "run \"$ID\": the systemd cgroup driver is not there yet" \
		bh --cgroup-manager systemd run -b "$BUNDLE" "$ID"
	fails "without a cgroup" bh --cgroup-manager=disabled create -b "$BUNDLE" "$ID"
	nothing_left
	set_args true
	bh --cgroup-manager cgroupfs --systemd-cgroup=false run -b "$BUNDLE" "$ID"
}

@test "engines clean up with the options with which they could not create" {
	bh --systemd-cgroup delete --force "$ID"
	up
	is "$(bh --systemd-cgroup list -q)" "$ID"
	bh --systemd-cgroup state "$ID"
	bh --systemd-cgroup kill "$ID" KILL
	bh --systemd-cgroup delete --force "$ID"
	nothing_left
}

@test "the isolation is chosen before the command, behind it, or by the program's name" {
	set_args true
	bh --isolation container run -b "$BUNDLE" "$ID"
	bh run --isolation=container -b "$BUNDLE" "$ID"
	fails "virtual machine: .*/no/kernel" bh --log-level error --isolation=vm run --kernel=/no/kernel -b "$BUNDLE" "$ID"
	fails "virtual machine: .*/no/kernel" bh --log-level error create --isolation vm --kernel=/no/kernel -b "$BUNDLE" "$ID"
	fails "for --isolation=vm" bh run --kernel=/no/kernel -b "$BUNDLE" "$ID"
	ln -s "$BULKHEAD" "$T/bulkhead-vm"
	fails "virtual machine: .*/no/kernel" "$T/bulkhead-vm" --log-level error --root "$ROOT" run --kernel=/no/kernel -b "$BUNDLE" "$ID"
	"$T/bulkhead-vm" --root "$ROOT" --isolation container run -b "$BUNDLE" "$ID"
	is "$("$T/bulkhead-vm" --root "$ROOT" list -q)" ""
	nothing_left
}

@test "a word that an option does not know is answered with those it knows" {
	fails "--rootless perhaps: true, false or auto is wanted" bh --rootless perhaps list
	fails "--cgroup-manager x: cgroupfs, systemd or disabled is wanted" bh --cgroup-manager=x list
	fails "--isolation jail: container or vm is wanted" bh create --isolation jail "$ID"
	fails "--log-level loud: error, warning, info or debug is wanted" bh --log-level loud list
	fails "--log-format xml: text or json is wanted" bh --log-format xml list
	local word
	for word in true false auto; do
		bh --rootless "$word" list -q
		bh -rootless="$word" list -q
	done
}

@test "an error in the global options is in the log file, too" {
	fails "--log-level" bh --log "$T/log" --log-format json --log-level loud list
	is "$(jq -r .level "$T/log")" error
	like "$(jq -r .msg "$T/log")" '^--log-level loud: '
}

@test "a log file may be named as crun names it, other kinds are refused" {
	fails "does not exist" bh --log "file:$T/log" --log-format json state "nobody-$ID"
	is "$(wc -l <"$T/log")" 1
	cd "$T"
	fails "only files" bh --log journald:x list
	fails "only files" bh --log syslog:x list
	[ ! -e journald:x ] && [ ! -e syslog:x ]
}

@test "help COMMAND is the same as COMMAND --help" {
	local command
	for command in create start run exec kill delete list state ps pause resume spec features; do
		is "$(bh help $command)" "$(bh $command --help)"
	done
	is "$(bh help)" "$(bh --help)"
	fails "fly" bh help fly
}

@test "every option that help lists is one" {
	local command option
	cd "$T"	# spec --file=x writes there
	for command in create start run exec kill delete list state ps pause resume spec features; do
		bh $command --help | grep -o '^ *\(-[a-zA-Z],\)\? *--[a-z-]*' | tr -d ' ' | tr ',' '\n' >"$T/options"
		while read -r option; do
			bh $command "$option=x" >"$T/out" 2>"$T/err" || true
			unlike "$(cat "$T/err")" 'unknown option'
			bh $command "${option#-}=x" >"$T/out" 2>"$T/err" || true
			unlike "$(cat "$T/err")" 'unknown option'
		done < <(grep -- -- "$T/options")
	done
}

@test "the manual page has every command and every option of the help" {
	local command option page=$BATS_TEST_DIRNAME/../../docs/man/bulkhead.8
	for command in create start run exec kill delete list state ps pause resume spec features; do
		grep -qE "^\.It Cm $command( |\$)" "$page" || is "$command" "in the manual page"
	done
	for command in "" run create exec kill delete list state ps spec; do
		for option in $(bh $command --help | grep -oE '^ +(-[a-zA-Z],)? *--[a-z-]+' | grep -oE '[a-z-]+$'); do
			grep -qE "Fl ([a-zA-Z] , )*${option#-}( |\$)" "$page" || is "$command $option" "in the manual page"
		done
	done
}

@test "a closed standard output is an error of a command that prints, and of no other" {
	local rc=0
	bh features >&- 2>"$T/err" || rc=$?
	is "$rc" 1
	like "$(cat "$T/err")" '^bulkhead: features: write to standard output: '
	bh delete --force "$ID" >&-
}

@test "no file of ours takes the place of a closed standard stream" {
	set_args readlink /proc/self/fd/0
	is "$(bh run -b "$BUNDLE" "$ID" <&-)" /dev/null
	bh state "nobody-$ID" 2>&- && return 1
	[ ! -s "$ROOT/nobody-$ID" ]
}

@test "the columns of list stand below their headings, however long an id is" {
	local first=$ID line at
	up
	ID=${first}$(printf 'x%.0s' {1..60}) make_bundle "$T/two"
	set_args true
	ID=${first}$(printf 'x%.0s' {1..60})
	update_config '.linux.cgroupsPath = "/\($i)"' --arg i "$ID"
	bh create -b "$BUNDLE" "$ID" </dev/null >"$T/out" 2>&1
	bh list >"$T/list"
	is "$(wc -l <"$T/list")" 3
	line=$(head -n 1 "$T/list")
	line=${line%%STATUS*}
	at=${#line}
	like "$(sed 1d "$T/list" | cut -c$((at + 1))- | cut -d' ' -f1 | sort | tr '\n' ' ')" '^created running $'
	bh delete --force "$ID"
	ID=$first
}

@test "ps hands options to ps(1), and tells when that fails" {
	up
	bh ps "$ID" -eo ppid,pid,args >"$T/ps"
	like "$(sed -n 1p "$T/ps")" '^ *PPID +PID +COMMAND$'
	like "$(cat "$T/ps")" $'\n *[0-9]+ +'"$INIT "
	is "$(sed 1d "$T/ps" | wc -l)" "$(bh ps -f json "$ID" | jq length)"
	fails "no PID column" bh ps "$ID" -eo args
	fails "the pid must come before" bh ps "$ID" -eo args,pid
	code 1 bh ps "$ID" --no-such-option
	like "$(tail -n 1 "$T/err")" '^bulkhead: ps: ps failed'
}

@test "ps without ps(1) prints the pids" {
	up
	PATH=/nonexistent bh ps "$ID" >"$T/ps"
	is "$(cat "$T/ps")" "$(echo PID; bh ps -f json "$ID" | jq '.[]')"
}

@test "of several containers one that fails hides neither its reason nor the others" {
	local first=$ID
	up
	ID=${first}two make_bundle "$T/two"
	set_args true
	bh create -b "$BUNDLE" "${first}two" </dev/null >"$T/out" 2>&1
	fails "delete: container \"$first\" is running" bh delete --regex "^$first"
	is "$(bh list -q)" "$first"
	fails "regular expression" bh kill --regex '(' KILL
	bh delete --regex '^nobody'
}
