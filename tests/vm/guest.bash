# SPDX-License-Identifier: Apache-2.0
#
# What a guest gets from its runner, besides busybox: the scripts that run in
# it, the command, and run.conf, which tells the scripts what this run is about.

# guest_files DIR SCRIPT COMMAND [ARG...]: SCRIPT is where the runner's guest
# begins and leads to session.
guest_files() {
	local dir=$1 script=$2
	shift 2

	mkdir "$dir"
	cp "$vm/$script" "$vm/session" "$dir/"
	chmod 755 "$dir/$script"
	guest_conf >"$dir/run.conf"
	guest_command "$@" >"$dir/command"
}

guest_conf() {
	local i

	printf 'vm_modules=%s\n' "$(guest_quote "$kernel_dir/tree/lib/modules")"
	printf 'vm_load=%s\n' "$(guest_quote "$(guest_modules)")"
	printf 'vm_shares=%d\n' ${#run_shares[@]}
	for i in "${!run_shares[@]}"; do
		printf 'vm_share_%d=%s\n' "$i" "$(guest_quote "${run_shares[i]}")"
	done
}

guest_modules() {
	# aesni_intel: without it, kTLS would count the instructions of generic
	# AES, and the comparison of paths would drown in them.
	[ -z "$run_icount" ] || printf 'aesni_intel '
	printf 'tls\n'
}

# A shell script that becomes the command. session starts it with an empty
# environment, so that a test does not depend on whose shell it was started from.
guest_command() {
	local name word

	printf 'cd %s || exit 125\nunset OLDPWD\n' "$(guest_quote "$PWD")"
	for name in $(compgen -e); do
		case $name in
		ASAN_OPTIONS | UBSAN_OPTIONS | LSAN_OPTIONS | LW_*)
			printf 'export %s=%s\n' "$name" "$(guest_quote "${!name}")"
			;;
		esac
	done
	printf 'export LINEWARDEN_VM=1 LINEWARDEN_VM_KERNEL=%s\n' "$(guest_quote "$run_kernel")"
	printf 'exec'
	for word; do
		printf ' %s' "$(guest_quote "$word")"
	done
	printf '\n'
}

# The word in single quotes, which is exact for every byte in any POSIX shell.
guest_quote() {
	local quote="'\\''"

	printf "'%s'" "${1//\'/"$quote"}"
}
