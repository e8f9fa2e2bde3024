// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which socket a new connection to a governed port meets.
 *
 * Every way out that is not the agent's listener or the agent's own relay connection
 * is SK_DROP, which the client sees as a RST: with the agent dead the listeners map is
 * empty, and the app behind never hears of the connection.
 *
 * "From loopback" is no criterion for the agent's own connections: any local process
 * can come from there. Their exact source is entered before their connect().
 */
#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/address.bpf.h"
#include "bpf/maps.bpf.h"

/*
 * The namespace that this copy of the program is attached to: there is no way to ask for it
 * here, so that each namespace gets a copy of its own.
 */
const volatile __u32 steer_index = 0;

static __always_inline bool steer_is_relay(struct bpf_sk_lookup *ctx, __u16 port)
{
	struct relay_key key = {
		.netns = steer_index,
		.sport = bpf_ntohs((__be16)ctx->remote_port),
		.dport = port,
	};

	address_of_peer(key.addr, ctx);
	return bpf_map_lookup_elem(&relays, &key);
}

static __always_inline bool steer_assign(struct bpf_sk_lookup *ctx, const struct port_rule *rule)
{
	__u32 index = 2 * rule->slot + (ctx->family == AF_INET6 || rule->mapped);
	struct bpf_sock *sk;
	long err;

	if (rule->action != ACTION_STEER)
		return false;
	sk = bpf_map_lookup_elem(&listeners, &index);
	if (!sk) /* no agent */
		return false;
	err = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return !err;
}

static __always_inline struct port_counters *steer_counters(const struct port_key *key)
{
	struct port_counters *c = bpf_map_lookup_elem(&port_counters, key);
	struct port_counters zero = {};

	if (c)
		return c;
	bpf_map_update_elem(&port_counters, key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&port_counters, key);
}

SEC("sk_lookup")
int steer(struct bpf_sk_lookup *ctx)
{
	struct port_key key = { .port = ctx->local_port };
	struct port_counters *counters;
	__u32 index = steer_index;
	struct port_rule *rule;
	const __u32 *number;

	if (ctx->protocol != IPPROTO_TCP)
		return SK_PASS;
	number = bpf_map_lookup_elem(&steering, &index);
	if (!number)
		return SK_DROP;
	key.netns = *number;
	rule = bpf_map_lookup_elem(&ports, &key);
	if (!rule) /* not governed */
		return SK_PASS;
	counters = steer_counters(&key);
	if (!counters)
		return SK_DROP;
	if (steer_is_relay(ctx, key.port)) {
		counters->relayed++;
		return SK_PASS;
	}
	if (steer_assign(ctx, rule)) {
		counters->steered++;
		return SK_PASS;
	}
	counters->refused++;
	return SK_DROP;
}

char LICENSE[] SEC("license") = "GPL";
