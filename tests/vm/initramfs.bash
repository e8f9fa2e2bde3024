# SPDX-License-Identifier: Apache-2.0
#
# The cached part of the initramfs: busybox, and in load order the modules that
# it takes to see the host's files. What differs between runs (the init script
# and the command) is a second archive that the kernel unpacks over this one.

# virtio_console brings the ports that carry the output and the exit code.
initramfs_modules=(virtio_pci virtio_console 9pnet_virtio 9p overlay)

# initramfs_build BASE RELEASE OUT: BASE has lib/modules/RELEASE.
initramfs_build() {
	local base=$1 release=$2 out=$3 root module modules

	root=$(mktemp -d "$out.XXXXXX")
	mkdir -p "$root"/{bin,dev,proc,sys,lower,upper,root,modules}
	cp -L "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	modules=$(initramfs_module_files "$base" "$release")
	for module in $modules; do
		initramfs_add_module "$module" "$root/modules"
	done
	initramfs_archive "$root" >"$out"
	rm -rf "$root"
}

# One path per line, each after what it depends on. Of a module that is built
# into the kernel there is no path.
initramfs_module_files() {
	local module

	for module in "${initramfs_modules[@]}"; do
		modprobe -d "$1" -S "$2" --show-depends "$module" ||
			die "kernel $2 has no module $module"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# Unpacked here, once, as busybox insmod does not unpack.
initramfs_add_module() {
	local name=${1##*/}

	case $name in
	*.xz) xz -dc "$1" >"$2/${name%.xz}" ;;
	*.zst) zstd -dcq "$1" >"$2/${name%.zst}" ;;
	*.gz) gzip -dc "$1" >"$2/${name%.gz}" ;;
	*) cp "$1" "$2/" ;;
	esac
	printf '%s\n' "${name%.ko*}.ko" >>"$2/order"
}

# initramfs_archive DIR: the directory as a newc archive on stdout, all of it
# root's whoever runs this. cpio pads its output to 512 bytes, so archives can
# be put one after the other.
initramfs_archive() {
	(cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet)
}
