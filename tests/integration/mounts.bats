#!/usr/bin/env bats
# mounts: kinds, options, propagation, order, masked and read-only paths.
# SPDX-License-Identifier: MIT

load helpers

add_mount() {	# JSON
	update_config '.mounts += [$m]' --argjson m "$1"
}

# bind SOURCE DESTINATION [OPTION...]
bind() {
	update_config '.mounts += [{type: "bind", source: $s, destination: $d, options: $ARGS.positional}]' \
		--arg s "$1" --arg d "$2" --args -- "${@:3}"
}

# mount_line POINT: mountinfo of what is mounted there in the container, the uppermost.
mount_line() {
	inside "grep ' $1 ' /proc/self/mountinfo | tail -n 1"
}

@test "a tmpfs has the size, mode and flags that were asked for" {
	add_mount '{"destination": "/scratch", "type": "tmpfs", "source": "tmpfs",
		"options": ["nosuid", "nodev", "noexec", "size=64k", "mode=0751"]}'
	is "$(inside 'stat -c %a /scratch')" 751
	like "$(mount_line /scratch)" ' rw,[^ ]*nosuid,nodev,noexec.* - tmpfs tmpfs .*size=64k'
}

@test "a bind mount shows the directory of the host, and writes reach it" {
	mkdir "$T/shared"
	echo from-host >"$T/shared/file"
	bind "$T/shared" /mnt/deep/er rbind rw
	is "$(inside 'cat /mnt/deep/er/file; echo from-inside >/mnt/deep/er/new')" from-host
	is "$(cat "$T/shared/new")" from-inside
}

@test "a bind mount of a file makes its target" {
	echo content >"$T/file"
	bind "$T/file" /etc/deep/target bind ro
	is "$(inside 'cat /etc/deep/target; echo x 2>/dev/null >/etc/deep/target || echo read-only')" \
		"content"$'\n'"read-only"
	is "$(cat "$T/file")" content
}

@test "a relative source is taken from the bundle" {
	mkdir "$BUNDLE/beside"
	echo beside >"$BUNDLE/beside/file"
	bind beside /mnt rbind
	cd /
	is "$(inside 'cat /mnt/file')" beside
}

@test "a relative destination is taken from the root" {
	add_mount '{"destination": "scratch", "type": "tmpfs", "source": "tmpfs"}'
	like "$(mount_line /scratch)" tmpfs
}

@test "the options word bind is enough, without a type" {
	mkdir "$T/shared"
	echo mark >"$T/shared/file"
	update_config '.mounts += [{source: $s, destination: "/mnt", options: ["bind"]}]' --arg s "$T/shared"
	is "$(inside 'cat /mnt/file')" mark
}

@test "bind mount flags hold: ro nosuid nodev noexec noatime" {
	mkdir "$T/shared"
	cp "$(command -v busybox)" "$T/shared/busybox"
	bind "$T/shared" /mnt bind ro nosuid nodev noexec noatime
	like "$(mount_line /mnt)" ' ro,nosuid,nodev,noexec,noatime'
	code 1 inside 'touch /mnt/x'
	like "$(cat "$T/err")" 'Read-only file system'
	code 126 inside '/mnt/busybox true'
}

@test "later options win over earlier ones" {
	mkdir "$T/shared"
	bind "$T/shared" /mnt bind ro rw
	inside 'touch /mnt/x'
	[ -e "$T/shared/x" ]
}

@test "bind takes one mount, rbind takes what is mounted beneath too" {
	mkdir -p "$T/shared/sub"
	mount -t tmpfs tmpfs "$T/shared/sub"
	touch "$T/shared/sub/beneath"
	bind "$T/shared" /one bind
	bind "$T/shared" /all rbind
	local seen=0
	seen=$(inside 'ls /one/sub | wc -l; ls /all/sub | wc -l' | tr '\n' ' ') || true
	umount "$T/shared/sub"
	is "$seen" "0 1 "
}

@test "rro makes the whole tree read-only, ro only its top" {
	mkdir -p "$T/shared/sub"
	mount -t tmpfs tmpfs "$T/shared/sub"
	bind "$T/shared" /top rbind ro
	bind "$T/shared" /tree rbind rro
	local seen
	seen=$(inside 'for d in /top /top/sub /tree /tree/sub; do touch $d/x 2>/dev/null && echo rw || echo ro; done' |
		tr '\n' ' ') || true
	umount "$T/shared/sub"
	is "$seen" "ro rw ro ro "
}

@test "mounts are made in the order of the configuration" {
	add_mount '{"destination": "/a", "type": "tmpfs", "source": "first"}'
	add_mount '{"destination": "/a/b", "type": "tmpfs", "source": "second"}'
	add_mount '{"destination": "/a", "type": "tmpfs", "source": "third"}'
	is "$(inside 'ls /a | wc -l; grep -c " /a" /proc/self/mountinfo' | tr '\n' ' ')" "0 3 "
}

@test "tmpcopyup fills a tmpfs with what it covers" {
	mkdir -p "$ROOTFS/data/sub"
	echo kept >"$ROOTFS/data/sub/file"
	chmod 644 "$ROOTFS/data/sub/file"
	chown 12:34 "$ROOTFS/data/sub/file"
	ln -s sub/file "$ROOTFS/data/link"
	add_mount '{"destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}'
	is "$(inside 'cat /data/link; stat -c "%a %u:%g" /data/sub/file; touch /data/new')" "kept"$'\n'"644 12:34"
	[ ! -e "$ROOTFS/data/new" ]
}

@test "nosymfollow keeps links in the mount from being followed" {
	mkdir "$T/shared"
	ln -s /etc/passwd "$T/shared/link"
	bind "$T/shared" /mnt bind nosymfollow
	code 1 inside 'cat /mnt/link'
	like "$(cat "$T/err")" 'symbolic links'
}

@test "mounts made on the host later do not appear with rprivate, and do with rslave" {
	mkdir -p "$T/shared/sub"
	mount --bind "$T/shared" "$T/shared"
	mount --make-shared "$T/shared"
	bind "$T/shared" /private rbind rprivate
	bind "$T/shared" /slave rbind rslave
	local seen=failed
	if up; then
		mount -t tmpfs tmpfs "$T/shared/sub"
		touch "$T/shared/sub/late"
		seen=$(bh exec "$ID" sh -c 'ls /private/sub | wc -l; ls /slave/sub | wc -l' | tr '\n' ' ') || true
		bh delete --force "$ID"
		umount "$T/shared/sub"
	fi
	umount "$T/shared"
	is "$seen" "0 1 "
}

@test "nothing that is mounted in a container appears on the host" {
	add_mount '{"destination": "/scratch", "type": "tmpfs", "source": "tmpfs", "options": ["rshared"]}'
	up
	! grep -q "$T/" /proc/self/mountinfo
}

@test "the container sees its own mounts and none of the host's" {
	mkdir "$T/host-mount"
	mount -t tmpfs host-mark "$T/host-mount"
	local seen
	seen=$(inside 'grep -c host-mark /proc/self/mountinfo; cut -d" " -f5 /proc/self/mountinfo | tr "\n" " "') || true
	umount "$T/host-mount"
	is "$seen" "0"$'\n'"/ /proc /dev /dev/pts /dev/shm /dev/mqueue /sys "
}

@test "proc, sysfs, devpts, mqueue and shm are what they say" {
	is "$(inside 'for m in /proc /sys /dev /dev/pts /dev/shm /dev/mqueue; do
		while read a b c d point f; do [ $point = $m ] && echo ${f##* - }; done </proc/self/mountinfo; done |
		cut -d" " -f1 | tr "\n" " "')" "proc sysfs tmpfs devpts tmpfs mqueue "
	code 1 inside 'mkdir /sys/x'
}

@test "masked paths are empty, whether file or directory, and one that is missing is no error" {
	update_config '.linux.maskedPaths = ["/etc/secret", "/etc/secrets", "/proc/kcore", "/not/there"]'
	mkdir "$ROOTFS/etc/secrets"
	echo word >"$ROOTFS/etc/secret"
	echo word >"$ROOTFS/etc/secrets/one"
	is "$(inside 'cat /etc/secret; ls /etc/secrets; cat /proc/kcore; touch /etc/secrets/x 2>/dev/null || echo no')" no
	is "$(cat "$ROOTFS/etc/secret" "$ROOTFS/etc/secrets/one")" "word"$'\n'"word"
}

@test "read-only paths can be read and not written, and one that is missing is no error" {
	update_config '.linux.readonlyPaths = ["/proc/sys", "/etc/fixed", "/not/there"]'
	mkdir "$ROOTFS/etc/fixed"
	echo word >"$ROOTFS/etc/fixed/file"
	is "$(inside 'cat /etc/fixed/file; touch /etc/fixed/x 2>/dev/null || echo no
		echo x 2>/dev/null >/proc/sys/kernel/domainname || echo no')" "word"$'\n'"no"$'\n'"no"
}

@test "a file may be mounted over /proc/uptime, and other places in /proc are refused" {
	echo 12.34 >"$T/uptime"
	cp "$BUNDLE/config.json" "$T/base.json"
	bind "$T/uptime" /proc/uptime bind
	is "$(inside 'cat /proc/uptime')" 12.34
	for place in /proc/self/attr/exec /proc/sys/kernel/core_pattern /proc/1; do
		cp "$T/base.json" "$BUNDLE/config.json"
		bind "$T" "$place" bind
		fails "$place" inside true
	done
}

@test "a bind mount of something that is not there fails and names it" {
	bind /no/such/source /mnt bind
	fails '/no/such/source.*No such file or directory' inside true
	nothing_left
}

@test "a bind mount can be made on a read-only root where the target is there" {
	mkdir "$T/shared"
	update_config '.root.readonly = true'
	bind "$T/shared" /mnt bind ro
	mkdir "$ROOTFS/mnt"
	is "$(inside 'echo fine')" fine
}

@test "an idmapped bind mount shows files under other owners" {
	requires idmapped_mount
	mkdir "$T/shared"
	touch "$T/shared/file"
	chown 1000:1000 "$T/shared/file"
	update_config '.mounts += [{type: "bind", source: $s, destination: "/mnt", options: ["bind", "idmap"],
		uidMappings: [{containerID: 1000, hostID: 3000, size: 1}],
		gidMappings: [{containerID: 1000, hostID: 4000, size: 1}]}]' --arg s "$T/shared"
	is "$(inside 'stat -c %u:%g /mnt/file')" 3000:4000
	is "$(stat -c %u:%g "$T/shared/file")" 1000:1000
}

@test "a hundred mounts are a hundred mounts" {
	update_config '.mounts += [range(100) | {destination: "/m/\(.)", type: "tmpfs", source: "tmpfs", options: ["size=4k"]}]'
	is "$(inside 'grep -c " /m/" /proc/self/mountinfo')" 100
}

@test "a target with blanks, long names and other letters is made with all its parents" {
	local long
	long=$(printf 'x%.0s' $(seq 255))
	add_mount '{"destination": "/a b/'"$long"'/ü", "type": "tmpfs", "source": "tmpfs"}'
	is "$(inside "stat -f -c %T '/a b/$long/ü'")" tmpfs
}

@test "an overlay may have a list of layers that is far longer than one value" {
	local i dir layers=()
	dir="$T/$(printf 'l%.0s' $(seq 60))"
	for i in $(seq 30); do
		mkdir -p "$dir/$i:x"
		echo "layer $i" >"$dir/$i:x/file"
		touch "$dir/$i:x/only-$i"
		layers+=("$dir/$i\\:x")
	done
	local list
	list=$(IFS=:; i="${layers[*]}"; printf %s "$i")
	[ "${#list}" -gt 2048 ]
	update_config '.mounts += [{destination: "/mnt", type: "overlay", source: "overlay", options: ["lowerdir=" + $l]}]' \
		--arg l "$list"
	is "$(inside 'cat /mnt/file; ls /mnt | grep -c only-')" "layer 1"$'\n'"30"
}

@test "a value that the kernel cannot take is an error that says so" {
	local long
	long=$(printf 'x%.0s' $(seq 300))
	add_mount '{"destination": "/mnt", "type": "overlay", "source": "overlay", "options": ["lowerdir=/'"$long"':/b"]}'
	code 1 inside true
	like "$(cat "$T/err")" 'a layer of "lowerdir" is longer than 255 bytes'
	update_config '.mounts[-1].options = ["upperdir=/" + $l, "lowerdir=/"]' --arg l "$long"
	code 1 inside true
	like "$(cat "$T/err")" 'longer than 255 bytes'
}
