#!/usr/bin/env bats
# A whole Debian root: bash on a terminal, with job control; programs that expect a real system.
# SPDX-License-Identifier: MIT

load helpers
load terminal

# The root is made once and kept in the cache: it depends on the release only.
setup_file() {
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead
	export DEBIAN=$cache/debian-12
	[ -e "$DEBIAN/etc/os-release" ] && return
	command -v mmdebstrap >/dev/null || return 0
	mkdir -p "$cache"
	rm -rf "$DEBIAN".new.*
	local new=$DEBIAN.new.$$
	mmdebstrap --quiet --variant=essential --include=procps bookworm "$new" >"$BATS_FILE_TMPDIR/mmdebstrap" 2>&1 &&
		mv -T "$new" "$DEBIAN"
}

# bash_bundle ARG...: a bundle whose program is bash on a terminal, in a Debian root that stays as it is. What the test
# and the container share is in T/share, at /share inside.
bash_bundle() {
	[ -e "$DEBIAN/etc/os-release" ] || skip "no Debian root: $(tail -n 1 "$BATS_FILE_TMPDIR/mmdebstrap" || echo no mmdebstrap)"
	mkdir "$T/share"
	mkfifo "$T/share/ready"
	update_config '.root = {path: $root, readonly: true}
		| .process.terminal = true
		| .process.env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", "HOME=/root", "PS1=# ", "BH_TEST_ID=\($id)"]
		| .mounts += [{destination: "/share", type: "bind", source: $share, options: ["rbind"]},
			      {destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["mode=1777"]}]' \
		--arg root "$DEBIAN" --arg share "$T/share" --arg id "$ID"
	set_args bash --norc --noprofile "$@"
}

ready() {
	line_of "$T/share/ready"
}

# The same conversation on any terminal: what bash says of itself, size, job control, Ctrl-C, exit code.
converse() {
	type_keys 'echo "$BASH_VERSION $(tty) $(ps -o stat= -p $$)" >/share/ready\n'
	like "$(ready)" '^5\..* /dev/pts/0 Ss\+?'

	type_keys 'trap "stty size >/share/ready" WINCH\n'
	type_keys 'echo set >/share/ready\n'
	is "$(ready)" set
	resize 47 119
	is "$(ready)" "47 119"

	type_keys 'sh -c "echo up >/share/ready; read line"\n'
	is "$(ready)" up
	type_keys '\032'
	shown 'Stopped'
	type_keys 'jobs >/share/ready\n'
	like "$(ready)" "Stopped"
	type_keys 'fg\n'
	type_keys 'to the job\n'

	type_keys 'sh -c "echo sleeping >/share/ready; exec sleep 1000"; echo "code $?" >/share/ready\n'
	is "$(ready)" sleeping
	type_keys '\003'
	type_keys 'echo "last $?" >/share/ready\n'
	is "$(ready)" "last 130"
	type_keys 'exit 7\n'
}

@test "bash on a terminal: size, job control, Ctrl-C, exit code" {
	bash_bundle
	resize() { stty -F "$TTY" rows "$1" cols "$2"; }
	on_terminal "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID"
	converse
	ends_with 7
	unlike "$(cat "$T/screen")" 'no job control|cannot set terminal'
}

@test "the same, created with a console socket and started from another process" {
	bash_bundle
	resize() {
		echo "$1 $2" >"$T/console.size"
		kill -WINCH "$BG"
	}
	printf '%q ' env "BH_TEST_ID=$ID" "$BULKHEAD" --root "$ROOT" create --console-socket "$T/console" -b "$BUNDLE" "$ID" >"$T/command"
	over_socket sh -c ". '$T/command' && echo done >'$T/share/ready'"
	is "$(ready)" 'done'
	is "$(status_of)" created
	bh start "$ID"
	converse
	ends_with 0
	is "$(status_of)" stopped
	unlike "$(cat "$T/screen")" 'no job control|cannot set terminal'
}

@test "the programs of a Debian root work: dpkg, su, apt's user, a setuid program without new privileges" {
	bash_bundle -ec 'dpkg-query -W -f "\${db:Status-Abbrev}" bash
		su nobody -s /bin/sh -c "id -un; ls -ld /root >/dev/null"
		su nobody -s /bin/sh -c "mount -t tmpfs none /tmp" 2>/dev/null || echo refused
		ps -e | wc -l >/dev/null'
	update_config '.process.terminal = false
		| .process.capabilities |= map_values(. + ["CAP_SETUID", "CAP_SETGID"])'
	code 0 bh run -b "$BUNDLE" "$ID"
	is "$(cat "$T/out")" "$(printf 'ii nobody\nrefused')"
}
