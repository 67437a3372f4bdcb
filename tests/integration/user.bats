#!/usr/bin/env bats
# user: ids, groups, umask and home of the process.
# SPDX-License-Identifier: MIT

load helpers

# bats test_tags=vm
@test "the process has the uid and gid of the configuration, in all four kinds" {
	update_config '.process.user = {uid: 1000, gid: 2000}'
	is "$(inside 'grep "^[UG]id" /proc/self/status | tr "\t\n" "  "')" \
		"Uid: 1000 1000 1000 1000 Gid: 2000 2000 2000 2000 "
}

# bats test_tags=vm
@test "the process has the additional groups and none of the caller's" {
	update_config '.process.user = {uid: 1000, gid: 1000, additionalGids: [5, 77, 4294967294]}'
	set_args grep Groups /proc/self/status
	is "$(setpriv --groups 4242 "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" | tr -s '\t ' ' ')" \
		"Groups: 5 77 4294967294 "
	update_config '.process.user = {uid: 0, gid: 0}'
	is "$(setpriv --groups 4242 "$BULKHEAD" --root "$ROOT" run -b "$BUNDLE" "$ID" | tr -s '\t ' ' ')" "Groups: "
}

# bats test_tags=vm
@test "a uid that no passwd file knows works" {
	update_config '.process.user = {uid: 123456, gid: 654321}'
	is "$(inside 'id -u; id -g' | tr '\n' ' ')" "123456 654321 "
	rm "$ROOTFS/etc/passwd" "$ROOTFS/etc/group"
	is "$(inside 'id -u')" 123456
}

# bats test_tags=vm
@test "HOME is set from the passwd file of the container when the configuration has none" {
	is "$(inside 'echo $HOME')" /root
	update_config '.process.user = {uid: 1000, gid: 1000}'
	is "$(inside 'echo $HOME')" /home/user
	update_config '.process.env += ["HOME=/elsewhere"]'
	is "$(inside 'echo $HOME')" /elsewhere
}

# bats test_tags=vm
@test "HOME is / for a user that the passwd file does not know" {
	update_config '.process.user = {uid: 4321, gid: 4321}'
	is "$(inside 'echo $HOME')" /
}

# bats test_tags=vm
@test "umask is that of the configuration, and 022 where it has none" {
	is "$(inside umask)" 0022
	update_config '.process.user.umask = 63'
	is "$(inside 'umask; touch /f; stat -c %a /f' | tr '\n' ' ')" "0077 600 "
	update_config '.process.user.umask = 0'
	is "$(inside umask)" 0000
}

# bats test_tags=vm
@test "the umask of the caller does not reach the process" {
	umask 027
	is "$(inside umask)" 0022
}

# bats test_tags=vm
@test "the standard streams belong to the user, so that /dev/stdout can be opened" {
	update_config '.process.user = {uid: 1000, gid: 1000}'
	set_args sh -c 'echo fine >/dev/stdout'
	is "$(bh run -b "$BUNDLE" "$ID" | cat)" fine
}
