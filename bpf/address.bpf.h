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

/*
 * The peer's address out of a struct bpf_sk_lookup or bpf_sock_ops. The barriers keep
 * the compiler from merging the loads of both families into one through a computed
 * context pointer, which the verifier refuses.
 */
#define address_of_peer(addr, ctx)                                                                 \
	do {                                                                                       \
		__u32 ip4_ = (ctx)->remote_ip4, ip6_0_ = (ctx)->remote_ip6[0],                     \
		      ip6_1_ = (ctx)->remote_ip6[1], ip6_2_ = (ctx)->remote_ip6[2],                \
		      ip6_3_ = (ctx)->remote_ip6[3];                                               \
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

static __always_inline void address_set(__u8 addr[16], __u32 a, __u32 b, __u32 c, __u32 d)
{
	__u32 words[4] = { a, b, c, d };

	__builtin_memcpy(addr, words, sizeof(words));
}

/* the address that a connection arrived at, out of a struct bpf_sock_ops; barriers as above */
#define address_of_host(addr, ctx)                                                                 \
	do {                                                                                       \
		__u32 ip4_ = (ctx)->local_ip4, ip6_0_ = (ctx)->local_ip6[0],                       \
		      ip6_1_ = (ctx)->local_ip6[1], ip6_2_ = (ctx)->local_ip6[2],                  \
		      ip6_3_ = (ctx)->local_ip6[3];                                                \
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

static __always_inline bool address_is_ip4(const __u8 addr[16])
{
	const __u32 *words = (const __u32 *)addr;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

#endif
