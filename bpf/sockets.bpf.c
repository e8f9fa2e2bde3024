// SPDX-License-Identifier: GPL-2.0-only
/*
 * `cat` of the pinned iterator lists every tagged socket, read from the sockets
 * themselves: what the gate goes by, with no daemon in between.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi.h"
#include "bpf/address.bpf.h"
#include "bpf/maps.bpf.h"

/* Of the kernel's types just the members that are read: CO-RE finds them by name. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 seq_num;
};

struct in6_addr {
	__u8 octets[16];
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct sock *sk;
	void *value;
};
#pragma clang attribute pop

static const char sockets_state[STATE_COUNT][10] = { "blocked", "handshake", "verified",
						     "revoked" };
static const char sockets_function[FUNCTION_COUNT][16] = { "none",     "admin",
							   "sip-line", "sm-line",
							   "sip-phone", "ip-office-line" };
static const char sockets_level[LW_LEVEL_COUNT][14] = { "-",	"none",	  "low",	 "medium",
							"high", "medium+remote", "high+remote" };

SEC("iter/bpf_sk_storage_map")
int sockets(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct sock *sk = ctx->sk;
	struct tag *tag = ctx->value;
	__u32 state, function, level;

	if (ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(seq, "COOKIE LINE FUNCTION LEVEL STATE LOCAL PEER\n");
	if (!sk || !tag)
		return 0;
	state = tag->state;
	function = tag->function;
	level = tag->level;
	if (state >= STATE_COUNT || function >= FUNCTION_COUNT || level >= LW_LEVEL_COUNT)
		return 0;
	BPF_SEQ_PRINTF(seq, "%llu %u %s %s %s ", tag->cookie, tag->line,
		       sockets_function[function], sockets_level[level], sockets_state[state]);
	if (sk->__sk_common.skc_family == AF_INET)
		BPF_SEQ_PRINTF(seq, "%pI4:%u %pI4:%u\n", &sk->__sk_common.skc_rcv_saddr,
			       sk->__sk_common.skc_num, &sk->__sk_common.skc_daddr,
			       bpf_ntohs(sk->__sk_common.skc_dport));
	else
		BPF_SEQ_PRINTF(seq, "[%pI6c]:%u [%pI6c]:%u\n", &sk->__sk_common.skc_v6_rcv_saddr,
			       sk->__sk_common.skc_num, &sk->__sk_common.skc_v6_daddr,
			       bpf_ntohs(sk->__sk_common.skc_dport));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
