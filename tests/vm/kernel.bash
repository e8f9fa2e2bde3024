# SPDX-License-Identifier: Apache-2.0
#
# Kernels by name, and what a guest needs of each one:
#
#   release        the release, as uname -r prints it
#   image          what qemu boots: an uncompressed ELF where that is possible
#   initramfs      busybox and the modules that reach the root, see initramfs.bash
#   tree/          boot/vmlinuz-RELEASE and lib/modules/RELEASE as packaged, with
#                  depmod's index

kernel_format=2

kernel_names=(6.1 6.12 7.3 6.12-bpo)

# The suites to look in; the newest package of that series wins.
declare -A kernel_suites=(
	[6.1]='bookworm bookworm-security'
	[6.12]='trixie trixie-security'
	[7.3]='trixie-backports'
	# The 6.12 that bookworm users get. It lacks fixes that trixie's has.
	[6.12-bpo]='bookworm-backports'
)

# kernel_prepare NAME|DIRECTORY: sets kernel_dir to the assembled kernel.
kernel_prepare() {
	local entry

	if [ -n "${kernel_suites[$1]:-}" ]; then
		entry=kernel/$1
		cache_build "$entry" "$kernel_format" kernel_fetch "$1"
	elif [ -d "$1" ]; then
		entry=kernel/local-$(kernel_fingerprint "$1")
		cache_build "$entry" "$kernel_format" kernel_assemble "$(realpath "$1")"
	else
		die "no such kernel: $1 (one of ${kernel_names[*]}, or a directory)"
	fi
	kernel_dir=$cache_dir/$entry
}

# A kernel tree of the user's own is assembled anew when it was installed anew.
kernel_fingerprint() {
	local image modules

	image=$(kernel_packaged_image "$1")
	modules=$(kernel_modules "$1")
	stat -L -c '%n %s %y %i' "$(realpath "$image")" "$(realpath "$modules")"/modules.* |
		sha256sum | cut -c 1-16
}

kernel_fetch() {
	local dir=$1 name=$2 package=$1/package version=${2%-bpo} suites image parts

	# Before the download, not after it.
	kernel_tools
	read -ra suites <<<"${kernel_suites[$name]}"
	apt_open "$name" "${suites[@]}"
	# Excludes the meta package and the -rt, -cloud and -dbg flavours.
	image=$(apt_newest "linux-image-${version//./\\.}\\.[0-9]+[^a-z]*(deb[0-9.]+)?-amd64") ||
		die "${kernel_suites[$name]} carries no kernel $version"
	# From 7.x on the package is split, and linux-image only depends on its parts.
	mapfile -t parts < <(apt_depends "$image" "linux-(base|binary|modules)-${version//./\\.}.*")
	mkdir "$package"
	apt_unpack "$package" "$image" "${parts[@]}"
	kernel_assemble "$dir" "$package"
	rm -rf "$package"
}

# kernel_assemble DIR PACKAGE: PACKAGE is an unpacked kernel package.
kernel_assemble() {
	local dir=$1 package=$2 tree=$1/tree image modules release

	kernel_tools
	image=$(kernel_packaged_image "$package")
	modules=$(kernel_modules "$package")
	release=${modules##*/}
	note "assembling kernel $release"
	printf '%s\n' "$release" >"$dir/release"
	mkdir -p "$tree/boot" "$tree/lib/modules"
	cp -L "$image" "$tree/boot/vmlinuz-$release"
	cp -a --reflink=auto "$modules" "$tree/lib/modules/"
	depmod -b "$tree" "$release"
	vmlinux_extract "$tree/boot/vmlinuz-$release" "$dir/image"
	initramfs_build "$tree" "$release" "$dir/initramfs"
}

kernel_tools() {
	tool_need depmod modprobe cpio busybox xz zstd
	# The other busybox package would boot into a panic: no libraries there.
	! ldd "$(command -v busybox)" >/dev/null 2>&1 ||
		die "$(command -v busybox) is not static: install the Debian package busybox-static"
}

kernel_packaged_image() {
	local image

	for image in "$1"/boot/vmlinuz* "$1"/usr/lib/modules/*/vmlinuz "$1"/lib/modules/*/vmlinuz; do
		[ ! -f "$image" ] || { printf '%s\n' "$image"; return; }
	done
	die "no boot/vmlinuz* below $1"
}

kernel_modules() {
	local modules

	for modules in "$1"/usr/lib/modules/* "$1"/lib/modules/*; do
		[ ! -d "$modules/kernel" ] || { printf '%s\n' "$modules"; return; }
	done
	die "no lib/modules/*/kernel below $1"
}
