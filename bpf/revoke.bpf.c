// SPDX-License-Identifier: GPL-2.0-only
/*
 * Closes the gate of a live session. Main has no descriptor of its socket, whose tag only a
 * program can reach then. This one is attached nowhere: main runs it with the session's cookie
 * (BPF_PROG_TEST_RUN), in the session's network namespace. A tracing program would do the same
 * on fewer hosts.
 */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/maps.bpf.h"

/* the last four bytes of a v4-mapped address (RFC 4291 section 2.5.5.2) */
static __always_inline __be32 revoke_ip4(const __u8 addr[16])
{
	__be32 ip4;

	__builtin_memcpy(&ip4, addr + 12, sizeof(ip4));
	return ip4;
}

static __always_inline bool revoke_is_ip4(const __u8 addr[16])
{
	const __u32 *words = (const __u32 *)addr;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

/* As a packet of the peer's is addressed: that is how the kernel looks for its socket. */
static __always_inline struct bpf_sock *revoke_find(struct __sk_buff *skb,
						    const struct session *session)
{
	struct bpf_sock_tuple tuple = {};

	if (revoke_is_ip4(session->local_addr)) {
		tuple.ipv4.saddr = revoke_ip4(session->peer_addr);
		tuple.ipv4.daddr = revoke_ip4(session->local_addr);
		tuple.ipv4.sport = bpf_htons(session->peer_port);
		tuple.ipv4.dport = bpf_htons(session->local_port);
		return bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(tuple.ipv6.saddr, session->peer_addr, sizeof(tuple.ipv6.saddr));
	__builtin_memcpy(tuple.ipv6.daddr, session->local_addr, sizeof(tuple.ipv6.daddr));
	tuple.ipv6.sport = bpf_htons(session->peer_port);
	tuple.ipv6.dport = bpf_htons(session->local_port);
	return bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
}

/* 1: no payload of that session passes any more; 0: its socket is not there */
SEC("cgroup_skb/ingress")
int revoke(struct __sk_buff *skb)
{
	__u64 cookie = skb->cb[0] | (__u64)skb->cb[1] << 32;
	struct session *session = bpf_map_lookup_elem(&sessions, &cookie);
	struct bpf_sock *sk;
	struct tag *tag;
	int found = 0;

	if (!session)
		return 0;
	sk = revoke_find(skb, session);
	if (!sk)
		return 0;
	tag = bpf_sk_storage_get(&tags, sk, 0, 0);
	/* another connection may have the same addresses by now */
	if (tag && tag->cookie == cookie) {
		tag->state = STATE_REVOKED;
		found = 1;
	}
	bpf_sk_release(sk);
	return found;
}

char LICENSE[] SEC("license") = "GPL";
