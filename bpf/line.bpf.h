/* SPDX-License-Identifier: GPL-2.0-only */
/* From a connection to its line. */
#ifndef BPF_LINE_BPF_H
#define BPF_LINE_BPF_H

#include "bpf/address.bpf.h"
#include "bpf/maps.bpf.h"

/* The longest range that has a peer; port in host order. NULL: no line's. */
static __always_inline const struct line_match *
line_match(__u32 netns, enum direction direction, __u16 port, const __u8 addr[16])
{
	struct line_key key = {
		.netns = netns,
		.port = port,
		.ipv6 = !address_is_ip4(addr),
		.direction = direction,
	};
	struct lengths_key which = {
		.netns = netns,
		.ipv6 = key.ipv6,
		.direction = direction,
	};
	const struct lengths *lengths = bpf_map_lookup_elem(&line_lengths, &which);
	const __u32 *from = (const __u32 *)addr;
	const struct line_match *match;
	__u32 *to = (__u32 *)key.addr;
	__u32 i;

	if (!lengths)
		return NULL;
	for (i = 0; i < LW_LENGTHS_MAX && i < lengths->count; i++) {
		key.length = lengths->entries[i].length;
		to[0] = from[0] & lengths->entries[i].mask[0];
		to[1] = from[1] & lengths->entries[i].mask[1];
		to[2] = from[2] & lengths->entries[i].mask[2];
		to[3] = from[3] & lengths->entries[i].mask[3];
		match = bpf_map_lookup_elem(&line_prefixes, &key);
		if (match)
			return match;
	}
	return NULL;
}

#endif
