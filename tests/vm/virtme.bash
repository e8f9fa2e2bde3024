# SPDX-License-Identifier: Apache-2.0
#
# The virtme-ng runner: a second opinion on what a guest is like, from a tool
# that is not ours. Output and exit code come the same way as in qemu.bash,
# through session and its ports; boot, root and modules are virtme-ng's.

virtme_format=2
# Debian 12 has no virtme-ng. Debian 13's is pure Python and runs on both.
virtme_suite=trixie
virtme_packages=(virtme-ng python3-argcomplete)
# Debian's own Python: another one in PATH would not find Debian's modules.
virtme_python=/usr/bin/python3

virtme_check() {
	tool_need qemu-system-x86_64 setpriv setsid busybox file modprobe udevadm
	[ -x "$virtme_python" ] || die "missing $virtme_python: install the Debian package python3"
}

virtme_prepare() {
	virtme_locate
	guest_files "$run_dir/guest" virtme "$@"
	cp -L "$(command -v busybox)" "$run_dir/guest/"
}

# An installed vng, or else one in the cache.
virtme_locate() {
	if command -v vng >/dev/null; then
		virtme_command=(vng)
	else
		cache_build virtme-ng "$virtme_format" virtme_fetch
		virtme_command=("$virtme_python" "$cache_dir/virtme-ng/usr/bin/virtme-ng")
		export PYTHONPATH=$cache_dir/virtme-ng/usr/lib/python3/dist-packages
		# vng starts virtme-run by its name.
		PATH=$cache_dir/virtme-ng/usr/bin:$PATH
	fi
}

virtme_fetch() {
	apt_open virtme-ng "$virtme_suite"
	apt_unpack "$1" "${virtme_packages[@]}"
	# For downloads that the runner never asks for, vng wants python3-requests
	# to be there, which in turn wants a machine set up for HTTPS.
	: >"$1/usr/lib/python3/dist-packages/requests.py"
}

virtme_start() {
	local release dir options

	release=$(cat "$kernel_dir/release")
	qemu_options=()
	qemu_processor
	qemu_ports
	qemu_shares
	# vng discards the console of a guest that runs a script.
	qemu_chardev messages console
	qemu_options+=(-serial chardev:messages)
	options=(
		--run "$kernel_dir/tree/boot/vmlinuz-$release"
		# Does not tell whether it works from the presence of /dev/kvm. Its
		# microvm and virtiofs depend on KVM and on what is installed.
		--disable-kvm --disable-microvm --force-9p
		--cpus "$run_smp" --memory "${run_mem}M"
		--append "console=ttyS1 loglevel=4 ${qemu_kernel_arguments[*]}"
		--exec "sh $(guest_quote "$run_dir/guest/virtme")"
		# Becomes part of a shell command in vng.
		--qemu-opts="${qemu_options[*]@Q}"
	)
	for dir in $(virtme_overlays); do
		options+=(--overlay-rwdir "$dir")
	done
	TMPDIR=$run_dir attempt_spawn "${virtme_command[@]}" "${options[@]}" \
		</dev/null > >(cat >>"$run_dir/console") 2>&1
}

# virtme-ng has overlays for /etc, /home and so on only, but the command may want
# to write next to its sources. These are the other directories of the root.
virtme_overlays() {
	local dir

	for dir in /*; do
		case $dir in
		/etc | /lib | /home | /opt | /srv | /usr | /var | /tmp) ;;
		/dev | /proc | /sys | /run | *[[:space:]]*) ;;
		*) [ -L "$dir" ] || [ ! -d "$dir" ] || printf '%s\n' "$dir" ;;
		esac
	done
}
