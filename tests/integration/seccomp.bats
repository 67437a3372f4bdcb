#!/usr/bin/env bats
# seccomp: actions, arguments, architectures, and calls that the profile does not know.
# SPDX-License-Identifier: MIT

load helpers

profile() {	# JSON
	update_config '.linux.seccomp = $s' --argjson s "$1"
}

MKDIR_REFUSED='{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
	"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'

@test "a call with the action ERRNO fails with EPERM, others go on" {
	profile "$MKDIR_REFUSED"
	code 1 inside 'touch /fine && mkdir /not'
	like "$(cat "$T/err")" 'Operation not permitted'
	[ -e "$ROOTFS/fine" ]
	[ ! -e "$ROOTFS/not" ]
}

@test "errnoRet names the error" {
	profile "$MKDIR_REFUSED"
	update_config '.linux.seccomp.syscalls[0].errnoRet = 28'
	code 1 inside 'mkdir /not'
	like "$(cat "$T/err")" 'No space left on device'
}

@test "two profiles that differ in errnoRet only are two filters" {
	local errno
	profile "$MKDIR_REFUSED"
	for errno in 28 30 28; do
		update_config '.linux.seccomp.syscalls[0].errnoRet = $e' --argjson e "$errno"
		code 1 inside 'mkdir /not'
		like "$(cat "$T/err")" "$(if [ $errno = 28 ]; then echo 'No space'; else echo 'Read-only'; fi)"
	done
}

@test "KILL_PROCESS ends the process with SIGSYS" {
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"}]}'
	code 159 inside 'exec hostname other'
}

@test "arguments are compared by value, mask and order" {
	# getpriority(which, who): which is ours to vary
	local op value two which want
	while read -r op value two which want; do
		profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getpriority"], "action": "SCMP_ACT_ERRNO",
			"errnoRet": 99, "args": [{"index": 0, "value": '"$value"', "valueTwo": '"$two"', "op": "'"$op"'"}]}]}'
		is "$op $value $two $which: $(inside "probe syscall 140 $which 0")" "$op $value $two $which: $want"
	done <<-'EOT'
		SCMP_CMP_EQ 1 0 1 EADDRNOTAVAIL
		SCMP_CMP_EQ 1 0 0 ok
		SCMP_CMP_NE 1 0 0 EADDRNOTAVAIL
		SCMP_CMP_NE 1 0 1 ok
		SCMP_CMP_GT 0 0 1 EADDRNOTAVAIL
		SCMP_CMP_GT 1 0 1 ok
		SCMP_CMP_GE 1 0 1 EADDRNOTAVAIL
		SCMP_CMP_LT 1 0 0 EADDRNOTAVAIL
		SCMP_CMP_LE 1 0 2 ok
		SCMP_CMP_MASKED_EQ 2 2 2 EADDRNOTAVAIL
		SCMP_CMP_MASKED_EQ 2 2 0 ok
	EOT
}

@test "several arguments must all match" {
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99,
		"args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 0, "op": "SCMP_CMP_EQ"}]}]}'
	is "$(inside 'probe syscall 140 0 0; probe syscall 140 0 1; probe syscall 140 2 0' | tr '\n' ' ')" "EADDRNOTAVAIL ok ok "
}

@test "a call newer than the profile answers ENOSYS, not EPERM" {
	local names
	# everything up to the calls of Linux 5.x, by allowing all that a shell needs
	names='["read","write","open","openat","close","stat","fstat","newfstatat","lstat","mmap","mprotect","munmap","brk","rt_sigaction",
		"rt_sigprocmask","rt_sigreturn","ioctl","access","execve","exit","exit_group","wait4","clone","fork","vfork","uname",
		"fcntl","getcwd","readlink","getuid","geteuid","getgid","getegid","getppid","getpid","gettid","arch_prctl","set_tid_address",
		"set_robust_list","prlimit64","getrandom","rseq","dup2","pipe","pipe2","futex","writev","poll","sigaltstack","tgkill","prctl",
		"capget","capset","setgroups","setuid","setgid","chdir","close_range","faccessat2","execveat","sched_yield","getdents64",
		"setresuid","setresgid","statx","openat2","clone3","kill","umask","madvise","nanosleep","fstatfs","statfs","lseek","pread64","setsid","getpgrp","dup","dup3","unlink","unlinkat","readlinkat",
		"sendmsg","recvmsg","sendto","recvfrom","sched_getaffinity","mremap","eventfd2","epoll_create1","getpgid","clock_nanosleep","epoll_ctl","epoll_pwait"]'
	profile '{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86_64"],
		"syscalls": [{"names": '"$names"', "action": "SCMP_ACT_ALLOW"}]}'
	is "$(inside 'probe syscall 1000; probe syscall 83 0 0' | tr '\n' ' ')" "ENOSYS EPERM "
}

@test "a name that this machine's library does not know is passed over" {
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["no_such_call_yet", "mkdir"], "action": "SCMP_ACT_ERRNO"}]}'
	code 1 inside 'mkdir /not'
}

@test "the filter is there without noNewPrivileges too" {
	profile "$MKDIR_REFUSED"
	update_config '.process.noNewPrivileges = false'
	is "$(inside 'sed -n "s/^NoNewPrivs:.//p; s/^Seccomp:.//p" /proc/self/status' | tr '\n' ' ')" "0 2 "
	code 1 inside 'mkdir /not'
}

@test "no filter is there where the configuration has none" {
	is "$(inside 'sed -n "s/^Seccomp:.//p" /proc/self/status')" 0
}

@test "exec is under the same filter" {
	profile "$MKDIR_REFUSED"
	up
	code 1 bh exec "$ID" mkdir /not
	like "$(cat "$T/err")" 'Operation not permitted'
	is "$(bh exec "$ID" sed -n 's/^Seccomp_filters:.//p' /proc/self/status)" 1
}

@test "the filter holds for a user who is not root" {
	profile "$MKDIR_REFUSED"
	update_config '.process.user = {uid: 1000, gid: 1000}'
	chmod 777 "$ROOTFS"
	code 1 inside 'touch /fine && mkdir /not'
	[ -e "$ROOTFS/fine" ]
}

@test "every action, flag and architecture word of the specification is taken" {
	local word
	for word in ALLOW ERRNO TRACE LOG; do
		profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_'$word'"}]}'
		inside true
	done
	for word in TRAP KILL KILL_PROCESS KILL_THREAD; do
		profile '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["sethostname"], "action": "SCMP_ACT_'$word'"}]}'
		inside true
	done
	profile '{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
		"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "syscalls": []}'
	inside true
}
