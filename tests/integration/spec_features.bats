#!/usr/bin/env bats
# spec, features, version and help: what the program says about itself, and a first config.json.
# SPDX-License-Identifier: MIT

load helpers

@test "spec writes a config.json that runs" {
	rm "$BUNDLE/config.json"
	cd "$BUNDLE"
	"$BULKHEAD" spec
	is "$(stat -c %F config.json)" "regular file"
	update_config '.process.terminal = false | .process.args = ["hostname"] | .process.env += ["BH_TEST_ID=\($i)"] |
		.linux.cgroupsPath = "/\($i)"' --arg i "$ID"
	isnt "$(bh run "$ID")" ""
}

@test "spec --bundle writes into that directory" {
	rm "$BUNDLE/config.json"
	cd /
	"$BULKHEAD" spec -b "$BUNDLE"
	jq -e .ociVersion "$BUNDLE/config.json"
}

@test "spec does not overwrite a config.json" {
	cp "$BUNDLE/config.json" "$T/before"
	fails "config.json.*exists" "$BULKHEAD" spec --bundle "$BUNDLE"
	cmp "$T/before" "$BUNDLE/config.json"
}

@test "spec --file writes to another name" {
	cd "$BUNDLE"
	"$BULKHEAD" spec -f other.json
	jq -e .process "$BUNDLE/other.json"
}

@test "spec writes a terminal, all the usual mounts and masked paths, and no user namespace" {
	"$BULKHEAD" spec -b "$T"
	is "$(jq .process.terminal "$T/config.json")" true
	is "$(jq -r '[.mounts[].destination] | sort | join(" ")' "$T/config.json")" \
		"/dev /dev/mqueue /dev/pts /dev/shm /proc /sys /sys/fs/cgroup"
	is "$(jq '.linux.maskedPaths | index("/proc/kcore") != null' "$T/config.json")" true
	is "$(jq '[.linux.namespaces[].type] | index("user")' "$T/config.json")" null
}

@test "spec --rootless maps the caller and has no limits" {
	"$BULKHEAD" spec --rootless -b "$T"
	is "$(jq '[.linux.namespaces[].type] | index("user") != null' "$T/config.json")" true
	is "$(jq -c '.linux.uidMappings' "$T/config.json")" '[{"containerID":0,"hostID":0,"size":1}]'
	is "$(jq '.linux.resources // {} | length' "$T/config.json")" 0
}

@test "features is one JSON object on stdout and nothing on stderr" {
	"$BULKHEAD" features >"$T/out" 2>"$T/err"
	is "$(jq -s length "$T/out")" 1
	is "$(cat "$T/err")" ""
}

@test "features names what engines look for" {
	"$BULKHEAD" features >"$T/features"
	local filter
	while read -r filter; do
		jq -e "$filter" "$T/features" >/dev/null || is "$filter" "true in features"
	done <<-'EOT'
		.ociVersionMin | startswith("1.")
		.ociVersionMax | startswith("1.")
		.hooks | sort == ["createContainer","createRuntime","poststart","poststop","prestart","startContainer"]
		.mountOptions | index("rro") and index("bind") and index("rprivate") and index("idmap") and index("nosymfollow")
		.linux.namespaces | sort == ["cgroup","ipc","mount","network","pid","time","user","uts"]
		.linux.capabilities | index("CAP_SYS_ADMIN") and index("CAP_CHECKPOINT_RESTORE")
		.linux.cgroup | .v1 and .v2
		.linux.seccomp.enabled
		.linux.seccomp.actions | index("SCMP_ACT_ERRNO") and index("SCMP_ACT_KILL_PROCESS")
		.linux.seccomp.operators | length == 7
		.linux.seccomp.archs | index("SCMP_ARCH_X86_64")
		.linux.seccomp.knownFlags | type == "array"
		.linux.seccomp.supportedFlags | type == "array"
		.linux.apparmor.enabled | type == "boolean"
		.linux.selinux.enabled | type == "boolean"
		.linux.mountExtensions.idmap.enabled | type == "boolean"
		.potentiallyUnsafeConfigAnnotations | type == "array"
	EOT
}

@test "every mount option of features is taken in a configuration" {
	local option
	mkdir "$T/shared"
	for option in $("$BULKHEAD" features | jq -r '.mountOptions[]' | grep -v 'idmap\|remount\|tmpcopyup\|mand\|symlink\|-nofollow'); do
		update_config '.mounts |= map(select(.destination != "/mnt")) +
			[{destination: "/mnt", type: "bind", source: $s, options: ["rbind", $o]}]' --arg s "$T/shared" --arg o "$option"
		inside true || is "$option" "taken"
	done
}

@test "every capability of features is taken in a configuration" {
	update_config '.process.capabilities = {bounding: [], inheritable: $c}' \
		--argjson c "$("$BULKHEAD" features | jq -c .linux.capabilities)"
	local seen
	seen=$(inside true 2>&1) || true
	unlike "$seen" '/process/capabilities/inheritable/[0-9]+: unknown'
}

@test "the version is told in the lines that engines read" {
	local option
	for option in --version -v -V -version; do
		"$BULKHEAD" $option >"$T/out"
		like "$(sed -n 1p "$T/out")" '^bulkhead version [0-9]+\.[0-9]+'
		# A build outside a clone knows no commit.
		like "$(sed 1d "$T/out")" $'^(commit: [0-9a-f]+\n)?spec: 1\\.[0-9]+\\.[0-9]+\n(\\+[A-Z]+ )*\\+SECCOMP( \\+[A-Z]+)*$'
	done
}

@test "help is shown on stdout and names every command" {
	local option command
	for option in --help -h -help; do
		"$BULKHEAD" $option >"$T/out" 2>"$T/err"
		is "$(cat "$T/err")" ""
		for command in create start run exec kill delete list state ps pause resume spec features; do
			like "$(cat "$T/out")" "(^|[^a-z])$command([^a-z]|$)"
		done
	done
}

@test "each command has its own help" {
	local command
	for command in create start run exec kill delete list state ps pause resume spec features; do
		code 0 bh $command --help
		like "$(cat "$T/out")" "$command"
	done
}

@test "state, list, kill, features and spec do not need root's capabilities" {
	up
	is "$(setpriv --bounding-set=-all --inh-caps=-all "$BULKHEAD" --root "$ROOT" state "$ID" | jq -r .id)" "$ID"
	is "$(setpriv --bounding-set=-all --inh-caps=-all "$BULKHEAD" --root "$ROOT" list -q)" "$ID"
	setpriv --bounding-set=-all --inh-caps=-all "$BULKHEAD" features >"$T/features"
	jq -e .ociVersionMax "$T/features"
}
