/* SPDX-License-Identifier: GPL-2.0-only */
/* From a connection to its line. */
#ifndef BPF_LINE_BPF_H
#define BPF_LINE_BPF_H

#include <bpf/bpf_endian.h>

#include "bpf/address.bpf.h"
#include "bpf/maps.bpf.h"

/* The longest prefix that claims a peer; port in host order. NULL: no line's. */
static __always_inline const struct line_match *
line_match(__u32 netns, enum direction direction, __u16 port, const __u8 addr[16])
{
	struct line_key key = {
		.prefixlen = LW_LINE_KEY_FIXED_BITS + 128,
		.netns = bpf_htonl(netns),
		.port = bpf_htons(port),
		.ipv6 = !address_is_ip4(addr),
		.direction = direction,
	};

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return bpf_map_lookup_elem(&line_prefixes, &key);
}

#endif
