# Real terminals for tests: one in the foreground, one that comes over a console socket.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2059 # variables set here are read in the tests; keys are formats

# on_terminal CMD...: runs a command on a terminal of its own. What is written to the descriptor $KEYS is typed there;
# what it shows is in T/screen; TTY is the terminal's name.
on_terminal() {
	mkfifo "$T/keys" "$T/tty"
	exec {KEYS}<>"$T/keys"
	printf '%q ' env "BH_TEST_ID=$ID" "$@" >"$T/command"
	background script -qefc "stty rows 24 cols 80; tty >'$T/tty'; . '$T/command'" "$T/screen" <"$T/keys" >/dev/null
	TTY=$(line_of "$T/tty")
}

# over_socket CMD...: runs a command with a console socket at T/console; keys and screen as above.
over_socket() {
	mkfifo "$T/keys"
	exec {KEYS}<>"$T/keys"
	: >"$T/screen"	# to be watched from now on
	background env BH_TEST_ID="$ID" "$HELPERS/recvtty" "$T/console" "$@" <"$T/keys" >"$T/screen" 2>"$T/err"
}

type_keys() {
	printf "$1" >&"$KEYS"
}

# shown REGEX: waits, 20 seconds at most, until the screen shows it.
shown() {
	timeout 20 grep -qm 1 "$1" <(exec tail -n +1 -f "$T/screen")
}

ends_with() {
	local rc=0
	wait "$BG" || rc=$?
	exec {KEYS}>&-
	is "$rc" "$1" || { cat "$T/screen"; return 1; }
}
