// SPDX-License-Identifier: GPL-2.0-only
/*
 * No payload passes a tagged socket that is neither in its handshake nor verified, in
 * either direction. Whatever cannot be parsed on such a socket counts as payload.
 * SYN, ACK, FIN and RST without payload pass, so that connections can end.
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/counters.bpf.h"
#include "bpf/maps.bpf.h"

#define GATE_PASS 1
#define GATE_DROP 0

#define IPV6_HEADER_LEN 40
#define IPV6_NEXT_HEADER 6 /* offset */
#define TCP_DATA_OFFSET 12 /* offset */

/* RFC 791 section 3.1, RFC 8200 section 3; 0 where TCP does not follow at once */
static __always_inline __u32 gate_ip_header_len(struct __sk_buff *skb)
{
	__u8 byte;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, 0, &byte, 1))
			return 0;
		return (byte & 0x0f) * 4;
	}
	if (bpf_skb_load_bytes(skb, IPV6_NEXT_HEADER, &byte, 1) || byte != IPPROTO_TCP)
		return 0;
	return IPV6_HEADER_LEN;
}

static __always_inline bool gate_has_payload(struct __sk_buff *skb)
{
	__u32 ip_len = gate_ip_header_len(skb);
	__u8 offset;

	if (!ip_len || bpf_skb_load_bytes(skb, ip_len + TCP_DATA_OFFSET, &offset, 1))
		return true;
	return skb->len > ip_len + (offset >> 4) * 4;
}

/* the tag of a packet's socket where that forbids the packet, else NULL */
static __always_inline const struct tag *gate_refuses(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct tag *tag;

	if (!sk)
		return NULL;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return NULL;
	tag = bpf_sk_storage_get(&tags, sk, 0, 0);
	if (!tag || tag->state == STATE_VERIFIED || tag->state == STATE_HANDSHAKE)
		return NULL;
	return gate_has_payload(skb) ? tag : NULL;
}

static __always_inline int gate(struct __sk_buff *skb, bool incoming)
{
	const struct tag *tag = gate_refuses(skb);
	struct line_counters *counters;

	if (!tag)
		return GATE_PASS;
	counters = counters_of(tag->line);
	if (counters && incoming)
		counters->dropped_in++;
	else if (counters)
		counters->dropped_out++;
	return GATE_DROP;
}

SEC("cgroup_skb/ingress")
int gate_ingress(struct __sk_buff *skb)
{
	return gate(skb, true);
}

SEC("cgroup_skb/egress")
int gate_egress(struct __sk_buff *skb)
{
	return gate(skb, false);
}

char LICENSE[] SEC("license") = "GPL";
