# SPDX-License-Identifier: Apache-2.0
#
# The qemu runner. It boots the guest through init and session.
#
# A runner starts the guest with its console going to $run_dir/console, the
# command's output to $run_dir/output and the exit code to $run_dir/status.

qemu_kernel_arguments=(
	# A dying kernel prints its whole log and ends qemu at once, and so does
	# an oops: what it leaves behind may hang instead of failing.
	panic=-1 oops=panic panic_print=0x20
	# Emulated time on a loaded host is uneven. That is no fault of the guest.
	tsc=reliable no_timer_check nowatchdog
	mitigations=off audit=0
	# Their labels play no part in the tests; the BPF LSM stays on.
	apparmor=0 selinux=0
	# What was translated for one process is of use to the next one only where
	# both have the same code at the same address: else half the time of a
	# guest in which many are started goes into translating it anew.
	norandmaps
)

# Addresses that differ between guests would move the counts.
qemu_icount_arguments=(nokaslr)

qemu_check() {
	tool_need qemu-system-x86_64 cpio setpriv
}

qemu_prepare() {
	guest_files "$run_dir/guest" init "$@"
	{
		cat "$kernel_dir/initramfs"
		initramfs_archive "$run_dir/guest"
	} >"$run_dir/initramfs"
}

qemu_start() {
	qemu_options=()
	qemu_machine
	qemu_ports
	qemu_directory root / readonly=on
	qemu_shares
	attempt_spawn qemu-system-x86_64 "${qemu_options[@]}" >>"$run_dir/console" 2>&1
}

qemu_machine() {
	local arguments=(console=ttyS0 quiet "${qemu_kernel_arguments[@]}")

	qemu_processor
	[ -z "$run_icount" ] || arguments+=("${qemu_icount_arguments[@]}")
	qemu_options+=(
		# microvm would start faster, but 7.x kernels hang on it.
		-machine q35 -smp "$run_smp" -m "$run_mem"
		-nodefaults -no-user-config -display none -no-reboot
		-kernel "$kernel_dir/image" -initrd "$run_dir/initramfs" -append "${arguments[*]}"
	)
	qemu_chardev console console
	qemu_options+=(-serial chardev:console)
}

# Always emulated: results must not depend on whether the host has a /dev/kvm,
# and not every host that has one can boot a kernel on it.
qemu_processor() {
	if [ -n "$run_icount" ]; then
		# One instruction takes one nanosecond. Without erms and fsrm, the
		# kernel copies memory in loops: one rep movs would count as one
		# instruction for any number of bytes.
		qemu_options+=(
			-accel 'tcg,thread=single' -icount 'shift=0,sleep=off'
			-cpu 'max,-erms,-fsrm' -rtc clock=vm -seed 1
		)
	else
		qemu_options+=(-accel "tcg,thread=$(qemu_threads)" -cpu max)
	fi
}

# Before 8.1, a CPU that translates code while another one patches it may keep
# the old code. Kernels patch themselves all the time (static keys, tracing), and
# die of a breakpoint that is not there any more ("Oops: int3"). There, the CPUs
# take turns on one thread.
qemu_threads() {
	local version

	version=$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')
	if printf '8.1\n%s\n' "$version" | sort -V -C; then
		echo multi
	else
		echo single
	fi
}

qemu_ports() {
	qemu_options+=(-device virtio-serial-pci)
	qemu_port output
	qemu_port status
	qemu_port console
}

# A port is known to the guest as vm.NAME and ends in the file NAME.
qemu_port() {
	qemu_chardev "port-$1" "$1"
	qemu_options+=(-device "virtserialport,name=vm.$1,chardev=port-$1")
}

# Appended to, as two of them write to the console.
qemu_chardev() {
	qemu_options+=(-chardev "file,id=$1,append=on,path=$(qemu_quote "$run_dir/$2")")
}

qemu_shares() {
	local i

	for i in "${!run_shares[@]}"; do
		qemu_directory "share$i" "${run_shares[i]}" readonly=off
	done
}

# qemu_directory TAG PATH OPTION. security_model=none: what the guest's root
# makes belongs to the host's user, as far as that one may not give files away.
# multidevs=remap: PATH may have other file systems mounted in it, and inode
# numbers must stay unique.
qemu_directory() {
	qemu_options+=(
		-fsdev "local,id=$1,security_model=none,multidevs=remap,$3,path=$(qemu_quote "$2")"
		-device "virtio-9p-pci,fsdev=$1,mount_tag=$1"
	)
}

# A comma ends a value unless it is doubled.
qemu_quote() {
	printf '%s\n' "${1//,/,,}"
}
