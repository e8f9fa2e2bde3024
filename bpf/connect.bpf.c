// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connect() to an address that a line claims goes to the agent instead, which makes the
 * connection on in TLS.
 *
 * Attached where the gate is, not to the PBX's own cgroup: a service manager makes that one
 * anew each time the PBX starts, and until somebody had attached to it again the PBX would
 * speak plain text. What is attached to it is the filter of `unmatched = block`.
 *
 * The agent's outlet is a governed port: steer.bpf.c answers with a RST when the agent is
 * dead, so that the connect() fails at once, and nobody else can listen there in its place.
 */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/address.bpf.h"
#include "bpf/counters.bpf.h"
#include "bpf/line.bpf.h"
#include "bpf/maps.bpf.h"

/* of headers that are not for BPF */
#define SOCK_STREAM 1
#define SOL_SOCKET 1
#define SO_REUSEADDR 2

#define CONNECT_GO 1
#define CONNECT_REFUSE 0 /* connect() gives EPERM */

enum verdict { VERDICT_PASS, VERDICT_SENT, VERDICT_REFUSE };

static __always_inline bool connect_is_loopback(const __u8 addr[16])
{
	const __u32 *words = (const __u32 *)addr;

	if (address_is_ip4(addr))
		return addr[12] == 127;
	return !words[0] && !words[1] && !words[2] && words[3] == bpf_htonl(1);
}

/* The address that the app has bound its socket to; false where it has left that open. */
static __always_inline bool connect_bound(struct bpf_sock *sk, __u8 addr[16])
{
	__u32 a, b, c, d;

	if (sk->family == AF_INET) {
		if (!sk->src_ip4)
			return false;
		address_set(addr, 0, 0, bpf_htonl(0xffff), sk->src_ip4);
		return true;
	}
	a = sk->src_ip6[0];
	b = sk->src_ip6[1];
	c = sk->src_ip6[2];
	d = sk->src_ip6[3];
	if (!a && !b && !d) /* ::, or v4-mapped without an address */
		return false;
	address_set(addr, a, b, c, d);
	return true;
}

/* A connection of the agent's own: on to the peer (tagged), or to the app (entered). */
static __always_inline bool connect_is_agents(struct bpf_sock *sk, __u32 netns, __u16 port)
{
	struct tag *tag = bpf_sk_storage_get(&tags, sk, 0, 0);
	struct relay_key key = {
		.netns = LW_NETNS_INDEX(netns),
		.sport = sk->src_port,
		.dport = port,
	};

	if (tag)
		return tag->state == STATE_HANDSHAKE;
	return connect_bound(sk, key.addr) && bpf_map_lookup_elem(&relays, &key);
}

/* Where the agent takes intercepted connections of this family, in host order; 0: nowhere. */
static __always_inline __u16 connect_outlet(__u32 netns, bool ip4)
{
	const struct outlet *outlet = bpf_map_lookup_elem(&outlets, &netns);

	if (!outlet)
		return 0;
	return ip4 ? outlet->port4 : outlet->port6;
}

/* The line that claims an address; NULL where none does, or the namespace is not governed. */
static __always_inline const struct line_match *connect_line(struct bpf_sock_addr *ctx,
							     const __u8 addr[16], __u32 *netns)
{
	__u64 cookie = bpf_get_netns_cookie(ctx);
	const __u32 *number = bpf_map_lookup_elem(&namespaces, &cookie);

	if (!number || ctx->type != SOCK_STREAM)
		return NULL;
	*netns = *number;
	return line_match(*number, DIRECTION_OUTBOUND, bpf_ntohs((__be16)ctx->user_port), addr);
}

/* Notes on the app's socket where it meant to go; port: of the agent's outlet. */
static __always_inline enum verdict connect_intercept(struct bpf_sock_addr *ctx,
						      const __u8 addr[16], __u16 *port)
{
	__u32 netns = 0;
	const struct line_match *match = connect_line(ctx, addr, &netns);
	__u16 to_port = bpf_ntohs((__be16)ctx->user_port);
	struct bpf_sock *sk = ctx->sk;
	struct destination *to;
	int on = 1;

	if (!match) {
		/* a socket that is used again must not show where it once went */
		if (sk)
			bpf_sk_storage_delete(&destinations, sk);
		return VERDICT_PASS;
	}
	if (sk && connect_is_agents(sk, netns, to_port))
		return VERDICT_PASS;
	*port = connect_outlet(netns, address_is_ip4(addr));
	if (!*port || !sk)
		return VERDICT_REFUSE;
	to = bpf_sk_storage_get(&destinations, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!to)
		return VERDICT_REFUSE;
	__builtin_memcpy(to->addr, addr, sizeof(to->addr));
	to->port = to_port;
	to->source_port = 0;
	to->line = match->line;
	if (!connect_bound(sk, to->source))
		__builtin_memcpy(to->source, match->source, sizeof(to->source));
	/* the agent is to have the app's own address and port as well: see departure.c */
	bpf_setsockopt(ctx, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return VERDICT_SENT;
}

/* unmatched = block: what neither a line claims nor loopback is */
static __always_inline int connect_unmatched(struct bpf_sock_addr *ctx, const __u8 addr[16])
{
	struct line_counters *counters;
	__u32 netns = 0;

	if (ctx->type != SOCK_STREAM || connect_is_loopback(addr) ||
	    connect_line(ctx, addr, &netns))
		return CONNECT_GO;
	counters = counters_of(0);
	if (counters)
		counters->blocked++;
	return CONNECT_REFUSE;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	enum verdict verdict;
	__u8 addr[16];
	__u16 port = 0;

	address_set(addr, 0, 0, bpf_htonl(0xffff), ctx->user_ip4);
	verdict = connect_intercept(ctx, addr, &port);
	if (verdict != VERDICT_SENT)
		return verdict == VERDICT_PASS ? CONNECT_GO : CONNECT_REFUSE;
	ctx->user_ip4 = bpf_htonl(0x7f000001);
	ctx->user_port = bpf_htons(port);
	return CONNECT_GO;
}

/* An IPv6 socket that dials a v4-mapped address speaks IPv4 (RFC 4038 section 4.2). */
SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	__u32 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2],
	      d = ctx->user_ip6[3];
	enum verdict verdict;
	__u16 port = 0;
	__u8 addr[16];

	address_set(addr, a, b, c, d);
	verdict = connect_intercept(ctx, addr, &port);
	if (verdict != VERDICT_SENT)
		return verdict == VERDICT_PASS ? CONNECT_GO : CONNECT_REFUSE;
	if (address_is_ip4(addr)) {
		ctx->user_ip6[3] = bpf_htonl(0x7f000001);
	} else {
		ctx->user_ip6[0] = 0;
		ctx->user_ip6[1] = 0;
		ctx->user_ip6[2] = 0;
		ctx->user_ip6[3] = bpf_htonl(1);
	}
	ctx->user_port = bpf_htons(port);
	return CONNECT_GO;
}

SEC("cgroup/connect4")
int unmatched4(struct bpf_sock_addr *ctx)
{
	__u8 addr[16];

	address_set(addr, 0, 0, bpf_htonl(0xffff), ctx->user_ip4);
	return connect_unmatched(ctx, addr);
}

SEC("cgroup/connect6")
int unmatched6(struct bpf_sock_addr *ctx)
{
	__u32 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2],
	      d = ctx->user_ip6[3];
	__u8 addr[16];

	address_set(addr, a, b, c, d);
	return connect_unmatched(ctx, addr);
}

char LICENSE[] SEC("license") = "GPL";
