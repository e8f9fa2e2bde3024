// SPDX-License-Identifier: GPL-2.0-only
/*
 * The app sees the connections that it believes to have, not the agent's.
 *
 * One that it accepted: getpeername(), and the address that accept() returns, which comes
 * through here too (net/ipv4/af_inet.c, inet_getname), show the client. One that it made:
 * getpeername() shows where it dialled, getsockname() the source of the agent's connection.
 */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/maps.bpf.h"

#define PEERNAME_OK 1 /* the only value these hooks may return */

struct shown {
	const __u8 *addr; /* NULL: the kernel's own answer stands */
	__u16 port;
};

static __always_inline struct shown peername_peer(struct bpf_sock_addr *ctx)
{
	const struct destination *destination;
	struct bpf_sock *sk = ctx->sk;
	const struct origin *origin;
	struct shown shown = {};

	if (!sk)
		return shown;
	origin = bpf_sk_storage_get(&origins, sk, 0, 0);
	if (origin) {
		shown.addr = origin->addr;
		shown.port = origin->port;
		return shown;
	}
	destination = bpf_sk_storage_get(&destinations, sk, 0, 0);
	if (destination) {
		shown.addr = destination->addr;
		shown.port = destination->port;
	}
	return shown;
}

/* zero where there was no route to the peer when the lines were written */
static __always_inline bool peername_is_known(const __u8 addr[16])
{
	const __u32 *words = (const __u32 *)addr;

	return words[0] || words[1] || words[2] || words[3];
}

static __always_inline struct shown peername_host(struct bpf_sock_addr *ctx)
{
	const struct destination *destination;
	struct bpf_sock *sk = ctx->sk;
	struct shown shown = {};

	if (!sk)
		return shown;
	destination = bpf_sk_storage_get(&destinations, sk, 0, 0);
	if (destination && destination->source_port && peername_is_known(destination->source)) {
		shown.addr = destination->source;
		shown.port = destination->source_port;
	}
	return shown;
}

static __always_inline int peername_show4(struct bpf_sock_addr *ctx, struct shown shown)
{
	if (!shown.addr)
		return PEERNAME_OK;
	ctx->user_ip4 = *(const __u32 *)&shown.addr[12];
	ctx->user_port = bpf_htons(shown.port);
	return PEERNAME_OK;
}

static __always_inline int peername_show6(struct bpf_sock_addr *ctx, struct shown shown)
{
	const __u32 *words = (const __u32 *)shown.addr;

	if (!words)
		return PEERNAME_OK;
	ctx->user_ip6[0] = words[0];
	ctx->user_ip6[1] = words[1];
	ctx->user_ip6[2] = words[2];
	ctx->user_ip6[3] = words[3];
	ctx->user_port = bpf_htons(shown.port);
	return PEERNAME_OK;
}

SEC("cgroup/getpeername4")
int peername4(struct bpf_sock_addr *ctx)
{
	return peername_show4(ctx, peername_peer(ctx));
}

SEC("cgroup/getpeername6")
int peername6(struct bpf_sock_addr *ctx)
{
	return peername_show6(ctx, peername_peer(ctx));
}

SEC("cgroup/getsockname4")
int sockname4(struct bpf_sock_addr *ctx)
{
	return peername_show4(ctx, peername_host(ctx));
}

SEC("cgroup/getsockname6")
int sockname6(struct bpf_sock_addr *ctx)
{
	return peername_show6(ctx, peername_host(ctx));
}

char LICENSE[] SEC("license") = "GPL";
