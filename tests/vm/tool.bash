# SPDX-License-Identifier: Apache-2.0
#
# The host's tools, and the Debian package that each one comes from. A tool that
# is missing is reported by its package; nothing is ever installed from here.

declare -A tool_package=(
	[apt-get]=apt
	[apt-cache]=apt
	[busybox]=busybox-static
	[cpio]=cpio
	[depmod]=kmod
	[dpkg]=dpkg
	[file]=file
	[flock]=util-linux
	[lz4]=lz4
	[modprobe]=kmod
	[qemu-system-x86_64]=qemu-system-x86
	[setpriv]=util-linux
	[setsid]=util-linux
	[udevadm]=udev
	[xz]=xz-utils
	[zstd]=zstd
)

# depmod and modprobe live where a plain user's PATH does not reach.
PATH=$PATH:/usr/sbin:/sbin

# tool_need TOOL...: exits 125 and names the packages if any tool is missing.
tool_need() {
	local tool
	local -A missing=()

	for tool; do
		command -v "$tool" >/dev/null || missing[${tool_package[$tool]}]=1
	done
	[ ${#missing[@]} -eq 0 ] ||
		die "missing tools: install the Debian packages ${!missing[*]}"
}
