// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who a connection is: resolved once, when it is established, and kept on its socket.
 *
 * The agent's listener carries a tag in state *handshake*; its children are born with a
 * copy (BPF_F_CLONE), so there is no packet without a tag. Here the copy learns its
 * line. A connection that no line claims turns *blocked*.
 *
 * The app's end of a relayed connection gets the address of the client that it stands
 * for, and the agent's end of an intercepted one the address that the app dialled;
 * peername.bpf.c shows both to the app.
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

static __always_inline const struct line *tag_line(struct bpf_sock_ops *skops, __u32 netns,
						   struct tag *tag)
{
	const struct line_match *match;
	__u8 addr[16];

	address_of_peer(addr, skops);
	match = line_match(netns, DIRECTION_INBOUND, skops->local_port, addr);
	if (!match)
		return NULL;
	tag->generation = match->generation;
	return bpf_map_lookup_elem(&lines, &match->line);
}

static __always_inline struct relay_key tag_arrival(struct bpf_sock_ops *skops, __u32 netns)
{
	struct relay_key key = {
		.netns = LW_NETNS_INDEX(netns),
		.sport = bpf_ntohl(skops->remote_port),
		.dport = skops->local_port,
	};

	address_of_peer(key.addr, skops);
	return key;
}

/* true: this is the app's end of a connection that the agent relays */
static __always_inline bool tag_relay(struct bpf_sock_ops *skops, struct bpf_sock *sk, __u32 netns)
{
	struct relay_key key = tag_arrival(skops, netns);
	struct origin *from, *to;

	from = bpf_map_lookup_elem(&relays, &key);
	if (!from)
		return false;
	to = bpf_sk_storage_get(&origins, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (to)
		*to = *from;
	bpf_map_delete_elem(&relays, &key);
	return true;
}

/* The agent's end of an intercepted connect() learns where that was meant to go. */
static __always_inline const struct line *tag_intercepted(struct bpf_sock_ops *skops,
							  struct bpf_sock *sk, __u32 netns)
{
	struct relay_key key = tag_arrival(skops, netns);
	struct destination *from, *to;
	__u32 id;

	from = bpf_map_lookup_elem(&departures, &key);
	if (!from) /* somebody dialled the agent's port without being sent there */
		return NULL;
	to = bpf_sk_storage_get(&targets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!to)
		return NULL;
	*to = *from;
	bpf_map_delete_elem(&departures, &key);
	id = to->line;
	return bpf_map_lookup_elem(&lines, &id);
}

static __always_inline void tag_accepted(struct bpf_sock_ops *skops, __u32 netns)
{
	struct port_key port = { .netns = netns, .port = skops->local_port };
	struct bpf_sock *sk = skops->sk;
	struct line_counters *counters;
	const struct port_rule *rule;
	const struct line *line;
	struct tag *tag;

	rule = bpf_map_lookup_elem(&ports, &port);
	if (!rule || !sk || tag_relay(skops, sk, netns))
		return;
	/* Created here, it is zero and so blocked: a connection of a governed port that
	 * did not come through the agent's listener (its SYN was answered before the
	 * steering began). */
	tag = bpf_sk_storage_get(&tags, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!tag)
		return;
	tag->cookie = bpf_get_socket_cookie(skops);
	if (tag->state != STATE_HANDSHAKE)
		line = NULL;
	else if (rule->direction == DIRECTION_OUTBOUND)
		line = tag_intercepted(skops, sk, netns);
	else
		line = tag_line(skops, netns, tag);
	if (!line) {
		tag->state = STATE_BLOCKED;
		counters = counters_of(0);
		if (counters)
			counters->blocked++;
		return;
	}
	tag->line = line->id;
	tag->function = line->function;
	tag->level = line->level;
	/* its end is going to be asked for: tag_closed() */
	bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	counters = counters_of(line->id);
	if (counters)
		counters->established++;
}

/*
 * An intercepted socket is about to send its SYN: only now is its source port known. The
 * entry is there before the agent's end can be.
 */
static __always_inline void tag_departing(struct bpf_sock_ops *skops, __u32 netns)
{
	struct destination *destination;
	struct bpf_sock *sk = skops->sk;
	struct relay_key key = {
		.netns = LW_NETNS_INDEX(netns),
		.sport = skops->local_port,
		.dport = bpf_ntohl(skops->remote_port),
	};

	if (!sk)
		return;
	destination = bpf_sk_storage_get(&destinations, sk, 0, 0);
	if (!destination)
		return;
	destination->source_port = skops->local_port;
	address_of_host(key.addr, skops);
	bpf_map_update_elem(&departures, &key, destination, BPF_ANY);
}

/*
 * A socket that the app has itself, or a carrier: its session ends with it, whatever else runs or
 * does not. The sessions of workers are theirs to end. Whoever deletes the entry tells of the end:
 * where the daemon does so at this moment, it is not told twice.
 */
static __always_inline void tag_closed(struct bpf_sock_ops *skops)
{
	__u64 cookie = bpf_get_socket_cookie(skops);
	struct session *session = bpf_map_lookup_elem(&sessions, &cookie);
	struct ending *ending;
	__u32 worker;

	if (!session)
		return;
	worker = session->worker;
	if (worker != LW_WORKER_ADOPTED && worker != LW_WORKER_CARRIED)
		return;
	ending = bpf_ringbuf_reserve(&endings, sizeof(*ending), 0);
	if (!ending) {
		/* a carrier tells of it as well, and the daemon looks for those of one that died */
		if (worker == LW_WORKER_ADOPTED)
			bpf_map_delete_elem(&sessions, &cookie);
		return;
	}
	ending->session = *session;
	ending->cookie = cookie;
	ending->bytes_in = skops->bytes_received;
	ending->bytes_out = skops->bytes_acked;
	if (bpf_map_delete_elem(&sessions, &cookie))
		bpf_ringbuf_discard(ending, 0);
	else
		bpf_ringbuf_submit(ending, 0);
}

/*
 * A connection of the agent to a peer: its end is going to be asked for, as of those it accepts. One
 * that an app is to have in place of its own is counted here: nobody else hears of it.
 */
static __always_inline void tag_dialled(struct bpf_sock_ops *skops)
{
	struct tag *tag = skops->sk ? bpf_sk_storage_get(&tags, skops->sk, 0, 0) : NULL;
	struct line_counters *counters;

	if (!tag)
		return;
	bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	counters = tag->in_place ? counters_of(tag->line) : NULL;
	if (counters)
		counters->established++;
}

SEC("sockops")
int tag_established(struct bpf_sock_ops *skops)
{
	__u64 cookie = bpf_get_netns_cookie(skops);
	__u32 *netns;

	/* also of a namespace that is not governed any more */
	if (skops->op == BPF_SOCK_OPS_STATE_CB) {
		if (skops->args[1] == BPF_TCP_CLOSE)
			tag_closed(skops);
		return 1;
	}
	netns = bpf_map_lookup_elem(&namespaces, &cookie);
	if (!netns)
		return 1;
	if (skops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		tag_accepted(skops, *netns);
	else if (skops->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		tag_dialled(skops);
	else if (skops->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		tag_departing(skops, *netns);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
