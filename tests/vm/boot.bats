# A Debian kernel on the VMM itself, up to user space: CPUs, memory, devices, ends.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154

bats_require_minimum_version 1.8.0
BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300}
BATS_TEST_RETRIES=${BULKHEAD_TEST_RETRIES:-0}

# The modules that the devices want, in this order, with what they depend on.
readonly MODULES="virtio_mmio virtio_console virtio_rng virtio_blk virtio_balloon virtiofs virtio_net"

setup_file() {
	local boot=$HELPERS/boot cache=${XDG_CACHE_HOME:-$HOME/.cache}/bulkhead why
	export BOOT=$boot KERNEL='' LACK=''
	if ! why=$("$boot" --probe 2>&1); then
		LACK="a KVM that runs kernels (${why#boot: })"
		return
	fi
	find_kernel "$cache"
	[ -n "$KERNEL" ] || { LACK="a guest kernel (.ci/kernel)"; return; }
	export SMALL_KERNEL=$cache/vmlinux	# of make kernel
	make_initramfs "$BATS_FILE_TMPDIR/initramfs"
	# The first boot unpacks the kernel, the others find it.
	mkdir "$BATS_FILE_TMPDIR/kernels"
}

# Debian's kernel for clouds where it is, else the test host's own.
find_kernel() {
	local image
	for image in "$1"/debian/*/boot/vmlinuz-* "$1"/host/linux-*/vmlinuz; do
		[ -e "$image" ] || continue
		KERNEL=$image
		case $image in
		*/boot/*) MODULES_ROOT=${image%/boot/*} RELEASE=${image##*/vmlinuz-} ;;
		*) MODULES_ROOT=${image%/*} RELEASE=$(<"${image%/*}/release") ;;
		esac
		return
	done
}

# pack DIR: its files as an archive on stdout.
pack() {
	(cd "$1" && find . -print0 | cpio --quiet -0 -o -H newc -R 0:0)
}

make_initramfs() {
	local dir=$BATS_FILE_TMPDIR/root module n=10
	mkdir -p "$dir"/{bin,dev,proc,sys,mnt,modules}
	cp "$(type -P busybox)" "$dir/bin/busybox"
	# shellcheck disable=SC2086 # a list of words
	modprobe -d "$MODULES_ROOT" -S "$RELEASE" -a --show-depends $MODULES | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
		cp "$module" "$dir/modules/$((n++))-${module##*/}"
	done
	cat >"$dir/init" <<-'END'
	#!/bin/busybox sh
	/bin/busybox --install -s /bin
	mount -t devtmpfs devtmpfs /dev
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	exec >/dev/kmsg 2>&1 </dev/null
	for module in /modules/*; do
		insmod "$module"
	done
	. /test
	echo "the test has ended"
	reboot -f
	END
	chmod 755 "$dir/init"
	pack "$dir" >"$1"
}

setup() {
	[ -z "$LACK" ] || skip "$LACK"
	T=$BATS_TEST_TMPDIR
}

# boot SCRIPT OPTION...: lets the guest's init run the script; what it says is in $output.
boot() {
	mkdir "$T/job"
	printf '%s\n' "$1" >"$T/job/test"
	{ cat "$BATS_FILE_TMPDIR/initramfs"; pack "$T/job"; } >"$T/initramfs"
	run "$BOOT" --kernel "$KERNEL" --cache "$BATS_FILE_TMPDIR/kernels" \
		--initramfs "$T/initramfs" \
		--append "printk.devkmsg=on mitigations=off ${APPEND:-}" "${@:2}"
	echo "$output"; [ "$status" = 0 ]
	[[ $output == *"the test has ended"* ]]
}

@test "Debian's kernel boots to user space, and its reboot ends the machine" {
	boot 'echo "cpus: $(nproc), pid: $$"; dmesg | grep "Hypervisor detected"'
	[[ $output == *"cpus: 1, pid: 1"* ]]
	[[ $output == *"Hypervisor detected: KVM"* ]]
	[ "$(find "$BATS_FILE_TMPDIR/kernels" -name '*.vmlinux' | wc -l)" = 1 ]
}

@test "four CPUs come up, each a core of one package" {
	boot 'cd /sys/devices/system/cpu
		echo "cpus: $(nproc), cores: $(cat cpu*/topology/core_id | sort -u | wc -l)"
		echo "packages: $(cat cpu*/topology/physical_package_id | sort -u | wc -l)"
		dmesg | grep "Brought up"' --cpus 4
	[[ $output == *"cpus: 4, cores: 4"* ]]
	[[ $output == *"packages: 1"* ]]
	[[ $output == *"smp: Brought up 1 node, 4 CPUs"* ]]
}

@test "our own small kernel boots with one CPU and with four" {
	[ -e "$SMALL_KERNEL" ] || skip "the small kernel (make kernel)"
	local cpus
	for cpus in 1 4; do
		rm -rf "$T/job"
		KERNEL=$SMALL_KERNEL boot 'echo "$(uname -r), cpus: $(nproc)"
			for d in /sys/bus/virtio/devices/*; do
				echo "device: $(cat $d/device) $(basename $(readlink $d/driver))"
			done' --cpus "$cpus"
		[[ $output == *"-bulkhead, cpus: $cpus"* ]]
		[[ $output == *"device: 0x0003 virtio_console"* ]]
		[[ $output == *"device: 0x0004 virtio_rng"* ]]
	done
}

@test "memory beyond the 32-bit hole is the guest's" {
	boot 'grep MemTotal /proc/meminfo' --memory 4096
	local kib=${output##*MemTotal:}
	kib=${kib%% kB*}
	((kib > 3900000))
}

@test "a kernel's panic ends the machine" {
	run "$BOOT" --kernel "$KERNEL" --cache "$BATS_FILE_TMPDIR/kernels" --serial
	[[ $output == *"Kernel panic - not syncing: VFS: Unable to mount root fs"* ]]
}

@test "SIGTERM ends the machine at once" {
	mkfifo "$T/log"
	"$BOOT" --kernel "$KERNEL" --cache "$BATS_FILE_TMPDIR/kernels" --serial \
		--append "initcall_debug" >"$T/log" 3>&- &
	local pid=$! rc=0
	read -r _ <"$T/log"
	kill -TERM $pid
	wait $pid || rc=$?
	[ $rc = 3 ]
}

@test "each virtio device is found by ACPI and gets its driver" {
	truncate -s 1M "$T/disk"
	mkdir "$T/share"
	boot 'for d in /sys/bus/virtio/devices/*; do
			echo "device: $(cat $d/device) $(basename $(readlink $d/driver))"
		done
		echo "random: $(cat /sys/class/misc/hw_random/rng_current)"
		echo "sectors: $(cat /sys/block/vda/size)"' \
		--disk "$T/disk" --share "$T/share" --balloon
	[[ $output == *"device: 0x0003 virtio_console"* ]]
	[[ $output == *"device: 0x0004 virtio_rng"* ]]
	[[ $output == *"device: 0x001a virtiofs"* ]]
	[[ $output == *"device: 0x0002 virtio_blk"* ]]
	[[ $output == *"device: 0x0005 virtio_balloon"* ]]
	[[ $output == *"random: virtio_rng.0"* ]]
	[[ $output == *"sectors: 2048"* ]]
}
