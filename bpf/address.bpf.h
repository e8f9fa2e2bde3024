/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses in the form of the ABI: 16 bytes, IPv4 v4-mapped. */
#ifndef BPF_ADDRESS_BPF_H
#define BPF_ADDRESS_BPF_H

#include <stdbool.h>

#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define AF_INET 2
#define AF_INET6 10

static __always_inline void address_set(__u8 addr[16], __u32 a, __u32 b, __u32 c, __u32 d)
{
	__u32 words[4] = { a, b, c, d };

	__builtin_memcpy(addr, words, sizeof(words));
}

/*
 * An end's address out of a context. The barriers keep the compiler from merging the loads of
 * both families into one through a computed context pointer, which the verifier refuses.
 */
#define address_of(side, addr, ctx)                                                                \
	do {                                                                                       \
		__u32 ip4_ = (ctx)->side##_ip4, ip6_0_ = (ctx)->side##_ip6[0],                     \
		      ip6_1_ = (ctx)->side##_ip6[1], ip6_2_ = (ctx)->side##_ip6[2],                \
		      ip6_3_ = (ctx)->side##_ip6[3];                                               \
		barrier_var(ip4_);                                                                 \
		barrier_var(ip6_0_);                                                               \
		barrier_var(ip6_1_);                                                               \
		barrier_var(ip6_2_);                                                               \
		barrier_var(ip6_3_);                                                               \
		if ((ctx)->family == AF_INET)                                                      \
			address_set(addr, 0, 0, bpf_htonl(0xffff), ip4_);                          \
		else                                                                               \
			address_set(addr, ip6_0_, ip6_1_, ip6_2_, ip6_3_);                         \
	} while (0)

/* the peer's, of a struct bpf_sk_lookup or bpf_sock_ops */
#define address_of_peer(addr, ctx) address_of(remote, addr, ctx)

/* this host's, of a struct bpf_sock_ops */
#define address_of_host(addr, ctx) address_of(local, addr, ctx)

static __always_inline bool address_is_ip4(const __u8 addr[16])
{
	const __u32 *words = (const __u32 *)addr;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

#endif
