// SPDX-License-Identifier: GPL-2.0-only
/* The look-up of a line as the programs do it, many times over, for the benchmark. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/line.bpf.h"
#include "bpf/maps.bpf.h"
#include "tests/lines/lookup.h"

__u8 peers[LOOKUP_PEERS][16];
__u32 found; /* in one run */

/* global, so that the verifier looks at it once and not for every peer */
__attribute__((noinline)) int lookup_one(__u32 peer)
{
	const struct line_match *match;
	const struct line *line;
	__u32 id;

	if (peer >= LOOKUP_PEERS)
		return 0;
	match = line_match(0, DIRECTION_INBOUND, LOOKUP_PORT, peers[peer]);
	if (!match)
		return 0;
	id = match->line;
	line = bpf_map_lookup_elem(&lines, &id);
	return line && line->id == id;
}

SEC("tc")
int lookup(struct __sk_buff *skb)
{
	__u32 count = 0, i;

	(void)skb;
	for (i = 0; i < LOOKUP_PEERS; i++)
		count += (__u32)lookup_one(i);
	found = count;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
