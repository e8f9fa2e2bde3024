# SPDX-License-Identifier: Apache-2.0
#
# The uncompressed kernel inside a bzImage. Unpacking it once here saves every
# guest from doing so in emulation, which takes longer than the rest of the boot.

# vmlinux_extract BZIMAGE OUT: falls back to the bzImage itself, which boots all
# the same, if the payload is not one that qemu can start.
vmlinux_extract() {
	local bzimage=$1 out=$2 payload=$2.payload

	vmlinux_payload "$bzimage" >"$payload"
	if vmlinux_decompress "$payload" >"$out" && vmlinux_bootable "$out"; then
		rm "$payload"
		return
	fi
	rm "$payload"
	warn "$bzimage has no kernel with a PVH entry inside: guests will boot the compressed image"
	cp "$bzimage" "$out"
}

# The Linux/x86 boot protocol (Documentation/arch/x86/boot.rst) says where the
# payload is: payload_offset and payload_length (0x248, 0x24c) are relative to
# the protected-mode code, which follows setup_sects (0x1f1) sectors and one.
vmlinux_payload() {
	local sectors offset length

	sectors=$(vmlinux_number "$1" $((0x1f1)) 1)
	offset=$(vmlinux_number "$1" $((0x248)) 4)
	length=$(vmlinux_number "$1" $((0x24c)) 4)
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip=$(((sectors + 1) * 512 + offset)) count="$length"
}

vmlinux_number() {
	od -An -v -j "$2" -N "$3" -t "u$3" --endian=little "$1" | tr -d ' '
}

# The build appends the unpacked size (4 bytes) to every format but gzip, which
# has it already. Decompressors reject what follows the end of the stream.
vmlinux_decompress() {
	case $(od -An -N 4 -t x1 "$1" | tr -d ' ') in
	1f8b*) gzip -dc "$1" ;;
	fd377a58) head -c -4 "$1" | xz -dc ;;
	28b52ffd) head -c -4 "$1" | zstd -dcq --long=31 ;;
	02214c18) tool_need lz4 && head -c -4 "$1" | lz4 -dcq ;;
	*) false ;;
	esac
}

# qemu boots an ELF kernel through the Xen PVH entry point only. Its address is
# in an ELF note: name size 4, any descriptor size, type XEN_ELFNOTE_PHYS32_ENTRY
# (18), name "Xen".
vmlinux_bootable() {
	[ "$(head -c 4 "$1")" = $'\x7fELF' ] &&
		LC_ALL=C grep -aqP '\x04\0\0\0[\x04\x08]\0\0\0\x12\0\0\0Xen\0' "$1"
}
