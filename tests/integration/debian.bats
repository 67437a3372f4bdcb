#!/usr/bin/env bats
# Debian 12 as it is shipped: a person at its bash, in the foreground and detached, and its own tools.
# SPDX-License-Identifier: MIT

load helpers

SUITE=bookworm
VARIANT=minbase
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead
TARBALL=$CACHE/$SUITE-$VARIANT.tar

# setup_file got its root, or these say why not.
can_mmdebstrap() { [ -e "$TARBALL" ] || command -v mmdebstrap >/dev/null; }
can_debian_mirror() { [ -d "$BATS_FILE_TMPDIR/debian" ]; }

# machine_sources: the files in which this machine names Debian's mirror; none where it is no Debian of that suite.
machine_sources() {
	grep -lrE "^[^#]*[[:space:]]$SUITE([[:space:]].*)?\$" /etc/apt/sources.list /etc/apt/sources.list.d \
		--include='*.list' --include='*.sources' 2>/dev/null
}

# debootstrap_to FILE [SOURCES]: without what nobody reads in a test.
debootstrap_to() {
	mmdebstrap --format=tar --variant=$VARIANT --aptopt='Acquire::Languages "none"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt=force-unsafe-io $SUITE "$@" 3>&- 4>&-
}

# make_tarball: a Debian root in the cache. One run makes it, others that come meanwhile wait for it.
make_tarball() {
	local lock from rc=0
	mkdir -p "$CACHE"
	exec {lock}>"$TARBALL.lock"
	flock "$lock"
	mapfile -t from < <(machine_sources)
	[ -e "$TARBALL" ] || { debootstrap_to "$TARBALL.new" "${from[@]}" && mv "$TARBALL.new" "$TARBALL"; } || rc=$?
	rm -f "$TARBALL.new"
	exec {lock}>&-
	return $rc
}

# Where no mirror answers, the tests skip; any other failure is one.
setup_file() {
	local log=$BATS_FILE_TMPDIR/mmdebstrap.log
	can_root && can_mmdebstrap || return 0
	if ! make_tarball 2>"$log"; then
		grep -qE 'Could not (resolve|connect)|Unable to connect|Connection (failed|timed out)' "$log" ||
			{ cat "$log"; return 1; }
		return 0
	fi
	mkdir "$BATS_FILE_TMPDIR/debian"
	tar -C "$BATS_FILE_TMPDIR/debian" --numeric-owner -xpf "$TARBALL"
}

# debian ARGS: the bundle becomes one of Debian, with the capabilities that engines give and a /tmp of its own.
debian() {
	requires mmdebstrap debian_mirror
	update_config --arg root "$BATS_FILE_TMPDIR/debian" '
		.root.path = $root
		| .process.args = $ARGS.positional
		| .process.env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=xterm"]
			+ [.process.env[] | select(startswith("BH_"))]
		| .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmp"}]
		| (["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
			"NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP"]
			| map("CAP_" + .)) as $caps
		| .process.capabilities = {bounding: $caps, effective: $caps, permitted: $caps}
	' --args -- "$@"
}

# at_bash: an interactive bash on a terminal.
at_bash() {
	debian bash
	update_config '.process.terminal = true'
}

# session CODE CMD...: the command on a terminal does what stdin says (see onpty.c) and ends with that code.
session() {
	local want=$1 rc=0
	shift
	BH_TEST_ID=$ID "$HELPERS/onpty" "$@" >"$T/screen" 2>"$T/err" 3>&- 4>&- || rc=$?
	is "$rc" "$want" && unlike "$(cat "$T/screen")" 'terminal process group|no job control' ||
		{ cat -v "$T/screen" "$T/err"; return 1; }
}

# The quotes inside a word keep the terminal's echo of what is typed from being taken for its result.

@test "bash has the size of the terminal, follows it with SIGWINCH, and its exit code is run's" {
	at_bash
	session 7 "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" <<-'EOT'
		expect root@box:/#
		send stty size\r
		expect 24 80
		expect root@box:/#
		send PERL_SIGNALS=unsafe perl -e '$SIG{WINCH} = sub { exec "stty size" }; $| = 1; print "rea", "dy\\n"; sleep'\r
		expect ready
		size 50 132
		expect 50 132
		expect root@box:/#
		send echo $LINES by $COLUMNS\r
		expect 50 by 132
		expect root@box:/#
		send exit 7\r
	EOT
}

@test "bash has job control: jobs in the background, Ctrl-Z, fg" {
	at_bash
	session 7 "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" <<-'EOT'
		expect root@box:/#
		send sleep 100 &\r
		expect \[1\] [0-9]+
		expect root@box:/#
		send jobs\r
		expect \[1\]\+ +Running +sleep 100 &
		expect root@box:/#
		send bash -c 'echo rea""dy; exec sed -u "s/^/</"'\r
		expect ready
		send hello\r
		expect <hello
		send \032
		expect \[2\]\+ +Stopped
		expect root@box:/#
		send jobs\r
		expect Running +sleep 100
		expect Stopped +bash
		expect root@box:/#
		send fg\r
		expect exec sed
		send again\r
		expect <again
		send \004
		expect root@box:/#
		send kill %1; wait; echo no more""jobs\r
		expect Terminated +sleep 100
		expect no morejobs
		expect root@box:/#
		send exit 7\r
	EOT
}

@test "Ctrl-C ends the program in the foreground, and neither bash nor run" {
	at_bash
	session 7 "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" <<-'EOT'
		expect root@box:/#
		send bash -c 'echo rea""dy; exec sleep 1000'\r
		expect ready
		send \003
		expect root@box:/#
		send echo code $?\r
		expect code 130
		expect root@box:/#
		send half a line\003
		expect root@box:/#
		send exit 7\r
	EOT
}

@test "the terminal of the caller has its own mode again after bash, whatever bash did to its" {
	at_bash
	printf '%q ' "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" >"$T/command"
	session 7 sh -c "stty -echo ixany intr ^A; stty -g >'$T/before'; . '$T/command'
		code=\$?; stty -g >'$T/after'; exit \$code" <<-'EOT'
		expect root@box:/#
		send stty raw -echo intr ^B\r
		expect root@box:/#
		send exit 7\r
	EOT
	is "$(cat "$T/after")" "$(cat "$T/before")"
}

@test "Ctrl-D at the prompt ends bash with the code of its last command" {
	at_bash
	session 9 "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" <<-'EOT'
		expect root@box:/#
		send (exit 9)\r
		expect root@box:/#
		send \004
	EOT
}

@test "over a console socket: create, start, the same session, and the exit code goes to the reaper" {
	at_bash
	printf '%q ' "$BULKHEAD" --root "$ROOT" create --console-socket "$T/console" -b "$BUNDLE" "$ID" >"$T/command"
	printf '&& %q --root %q start %q' "$BULKHEAD" "$ROOT" "$ID" >>"$T/command"
	session 7 "$HELPERS/recvtty" "$T/console" sh "$T/command" <<-'EOT'
		expect root@box:/#
		send PERL_SIGNALS=unsafe perl -e '$SIG{WINCH} = sub { exec "stty size" }; $| = 1; print "rea", "dy\\n"; sleep'\r
		expect ready
		size 50 132
		expect 50 132
		expect root@box:/#
		send bash -c 'echo rea""dy; exec sed -u "s/^/</"'\r
		expect ready
		send \032
		expect \[1\]\+ +Stopped
		expect root@box:/#
		send fg\r
		expect exec sed
		send again\r
		expect <again
		send \003
		expect root@box:/#
		send echo code $?\r
		expect code 130
		expect root@box:/#
		send exit 7\r
	EOT
	is "$(status_of)" stopped
	bh delete "$ID"
}

@test "exec --tty gives a second bash of its own beside the first program" {
	debian sleep 1000
	bh run -d -b "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	session 7 "$BULKHEAD" --root "$ROOT" exec --tty "$ID" bash <<-'EOT'
		expect root@box:/#
		send stty size; tty\r
		expect 24 80
		expect /dev/pts/0
		expect root@box:/#
		send PERL_SIGNALS=unsafe perl -e '$SIG{WINCH} = sub { exec "stty size" }; $| = 1; print "rea", "dy\\n"; sleep'\r
		expect ready
		size 50 132
		expect 50 132
		expect root@box:/#
		send bash -c 'echo rea""dy; exec sleep 1000'\r
		expect ready
		send \003
		expect root@box:/#
		send exit 7\r
	EOT
	is "$(status_of)" running
}

@test "dpkg and apt read, build, install and remove packages" {
	debian bash -ec 'dpkg -l bash | grep -q "^ii  bash "
		apt-get check
		mkdir -p /tmp/box/DEBIAN /tmp/box/opt
		printf "%s\n" "Package: box" "Version: 1" "Architecture: all" "Maintainer: none" \
			"Description: a box" >/tmp/box/DEBIAN/control
		echo inside >/tmp/box/opt/box
		chown -R nobody /tmp/box/opt/box
		dpkg-deb --build /tmp/box
		dpkg -i /tmp/box.deb
		test "$(stat -c %U /opt/box)" = nobody
		dpkg -P box
		test ! -e /opt/box'
	code 0 bh run -b "$BUNDLE" "$ID"
}

@test "su becomes another user, with a login shell's environment" {
	debian su - nobody -s /bin/sh -c 'id; echo "$USER"'
	code 0 bh run -b "$BUNDLE" "$ID"
	is "$(tail -n 2 "$T/out")" $'uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)\nnobody'
}

@test "a setuid program gets its owner's rights only without noNewPrivileges" {
	debian bash -ec 'install -m 4755 /usr/bin/id /tmp/id
		exec setpriv --reuid nobody --regid nogroup --clear-groups /tmp/id'
	code 0 bh run -b "$BUNDLE" "$ID"
	is "$(cat "$T/out")" 'uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)'
	update_config '.process.noNewPrivileges = false'
	code 0 bh run -b "$BUNDLE" "$ID"
	is "$(cat "$T/out")" 'uid=65534(nobody) gid=65534(nogroup) euid=0(root) groups=65534(nogroup)'
}
