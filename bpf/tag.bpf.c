// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who a connection is: resolved once, when it is established, and kept on its socket.
 *
 * The agent's listener carries a tag in state *handshake*; its children are born with a
 * copy (BPF_F_CLONE), so there is no packet without a tag. Here the copy learns its
 * line. A connection that no line claims turns *blocked*.
 *
 * The app's end of a relayed connection gets the address of the client that it stands
 * for; peername.bpf.c shows it.
 */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/address.bpf.h"
#include "bpf/counters.bpf.h"
#include "bpf/maps.bpf.h"

static __always_inline const struct line *tag_line(struct bpf_sock_ops *skops)
{
	struct line_key key = {
		.prefixlen = LW_LINE_KEY_FIXED_BITS + 128,
		.port = bpf_htons(skops->local_port),
		.direction = DIRECTION_INBOUND,
	};
	__u32 *id;

	address_of_peer(key.addr, skops);
	key.ipv6 = !address_is_ip4(key.addr);
	id = bpf_map_lookup_elem(&line_prefixes, &key);
	return id ? bpf_map_lookup_elem(&lines, id) : NULL;
}

/* true: this is the app's end of a connection that the agent relays */
static __always_inline bool tag_relay(struct bpf_sock_ops *skops, struct bpf_sock *sk)
{
	struct relay_key key = {
		.sport = bpf_ntohl(skops->remote_port),
		.dport = skops->local_port,
	};
	struct origin *from, *to;

	address_of_peer(key.addr, skops);
	from = bpf_map_lookup_elem(&relays, &key);
	if (!from)
		return false;
	to = bpf_sk_storage_get(&origins, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (to)
		*to = *from;
	bpf_map_delete_elem(&relays, &key);
	return true;
}

SEC("sockops")
int tag_established(struct bpf_sock_ops *skops)
{
	struct line_counters *counters;
	const struct line *line;
	struct bpf_sock *sk;
	struct tag *tag;
	__u16 port;

	if (skops->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;
	port = skops->local_port;
	if (!bpf_map_lookup_elem(&ports, &port))
		return 1;
	sk = skops->sk;
	if (!sk || tag_relay(skops, sk))
		return 1;

	/* Created here, it is zero and so blocked: a connection of a governed port that
	 * did not come through the agent's listener (its SYN was answered before the
	 * steering began). */
	tag = bpf_sk_storage_get(&tags, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!tag)
		return 1;
	tag->cookie = bpf_get_socket_cookie(skops);
	line = tag->state == STATE_HANDSHAKE ? tag_line(skops) : NULL;
	if (!line) {
		tag->state = STATE_BLOCKED;
		counters = counters_of(0);
		if (counters)
			counters->blocked++;
		return 1;
	}
	tag->line = line->id;
	tag->function = line->function;
	tag->level = line->level;
	counters = counters_of(line->id);
	if (counters)
		counters->established++;
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
