// SPDX-License-Identifier: GPL-2.0-only
/*
 * The app sees the client, not the relay: getpeername() and the address that accept()
 * returns both come through here (net/ipv4/af_inet.c, inet_getname).
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/maps.bpf.h"

#define PEERNAME_OK 1 /* the only value these hooks may return */

static __always_inline const struct origin *peername_origin(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	return sk ? bpf_sk_storage_get(&origins, sk, 0, 0) : NULL;
}

SEC("cgroup/getpeername4")
int peername4(struct bpf_sock_addr *ctx)
{
	const struct origin *origin = peername_origin(ctx);

	if (!origin)
		return PEERNAME_OK;
	ctx->user_ip4 = *(const __u32 *)&origin->addr[12];
	ctx->user_port = bpf_htons(origin->port);
	return PEERNAME_OK;
}

SEC("cgroup/getpeername6")
int peername6(struct bpf_sock_addr *ctx)
{
	const struct origin *origin = peername_origin(ctx);
	const __u32 *words;

	if (!origin)
		return PEERNAME_OK;
	words = (const __u32 *)origin->addr;
	ctx->user_ip6[0] = words[0];
	ctx->user_ip6[1] = words[1];
	ctx->user_ip6[2] = words[2];
	ctx->user_ip6[3] = words[3];
	ctx->user_port = bpf_htons(origin->port);
	return PEERNAME_OK;
}

char LICENSE[] SEC("license") = "GPL";
