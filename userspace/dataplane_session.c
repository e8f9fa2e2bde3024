// SPDX-License-Identifier: Apache-2.0
/* Sessions that live: what changes about them, and by whose line they would come today. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "userspace/dataplane_internal.h"

/* what the kernel asks of a packet that a program is run with: linux/if_ether.h, ETH_HLEN, and
 * room for the header of IPv6 */
#define REVOKE_PACKET_LEN 64

int dataplane_session_update(struct dataplane *dataplane, uint64_t cookie,
			     const struct session *session)
{
	return bpf_map_update_elem(bpf_map__fd(dataplane->skel->maps.sessions), &cookie, session,
				   BPF_EXIST) < 0 ?
		       -errno :
		       0;
}

int dataplane_revoke(struct dataplane *dataplane, uint64_t cookie, uint32_t scope)
{
	static const uint8_t packet[REVOKE_PACKET_LEN];
	struct __sk_buff skb = {
		.cb = { (__u32)cookie, (__u32)(cookie >> 32) },
		/* a link-local peer's socket is found by its interface alone */
		.ifindex = scope,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb));

	if (bpf_prog_test_run_opts(bpf_program__fd(dataplane->skel->progs.revoke), &opts) < 0)
		return -errno;
	return opts.retval == 1 ? 0 : -ENOENT;
}

static void claims_mask(struct line_key *key, const __u32 mask[4], const __u8 addr[16])
{
	const __u8 *bytes = (const __u8 *)mask;
	size_t i;

	for (i = 0; i < sizeof(key->addr); i++)
		key->addr[i] = addr[i] & bytes[i];
}

uint32_t dataplane_claims(const struct dataplane *dataplane, uint32_t netns,
			  const struct session *session)
{
	struct endpoint peer = { .port = session->peer_port };
	struct lengths_key lengths_key = {
		.netns = dataplane_number_in_force(dataplane, netns),
		.direction = (__u16)session->direction,
	};
	struct line_key key = {
		.netns = lengths_key.netns,
		.port = session->direction == DIRECTION_OUTBOUND ? session->peer_port :
								   session->local_port,
		.direction = (__u8)session->direction,
	};
	struct line_match match;
	struct lengths lengths;
	uint32_t i;

	memcpy(peer.addr, session->peer_addr, sizeof(peer.addr));
	lengths_key.ipv6 = key.ipv6 = !endpoint_is_ip4(&peer);
	if (bpf_map_lookup_elem(bpf_map__fd(dataplane->skel->maps.line_lengths), &lengths_key,
				&lengths) < 0)
		return 0;
	for (i = 0; i < lengths.count && i < LW_LENGTHS_MAX; i++) {
		key.length = lengths.entries[i].length;
		claims_mask(&key, lengths.entries[i].mask, session->peer_addr);
		if (bpf_map_lookup_elem(bpf_map__fd(dataplane->skel->maps.line_prefixes), &key,
					&match) == 0)
			return match.line;
	}
	return 0;
}
