// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/adopter.h"

/* include/uapi/asm-generic/socket.h; glibc of Debian 12 has it, older headers do not */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static int listener_int(int fd, int level, int name)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, level, name, &value, &size) < 0 ? -errno : value;
}

int listener_netns(const struct adopter *adopter, uint32_t *out)
{
	const uint64_t cookie = adopter->netns;

	if (adopter->maps[HANDOVER_MAP_NAMESPACES] < 0)
		return -ENOENT;
	return bpf_map_lookup_elem(adopter->maps[HANDOVER_MAP_NAMESPACES], &cookie, out);
}

static bool listener_is_governed(const struct adopter *adopter, int fd, uint16_t port)
{
	struct port_key key = { .port = port };
	struct port_rule rule;
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	/* an app may have sockets of a namespace that it is not in: those are not rung at */
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0 ||
	    cookie != adopter->netns || listener_netns(adopter, &key.netns) < 0)
		return false;
	return bpf_map_lookup_elem(adopter->maps[HANDOVER_MAP_PORTS], &key, &rule) == 0 &&
	       rule.action == ACTION_STEER && rule.direction == DIRECTION_INBOUND;
}

bool listener_address(const struct adopter *adopter, int fd, struct app_address *out)
{
	memset(out, 0, sizeof(*out));
	if (listener_int(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP ||
	    endpoint_local(fd, &out->at) < 0 ||
	    !listener_is_governed(adopter, fd, out->at.port))
		return false;
	out->v6only = listener_int(fd, IPPROTO_IPV6, IPV6_V6ONLY) > 0;
	return true;
}

static void listener_tell(struct adopter *adopter, const struct app_address *address,
			  enum handover_type type)
{
	struct handover message = {
		.type = type,
		.at = address->at,
		.v6only = address->v6only,
	};

	adopter_tell(adopter, &message);
}

void listener_note(struct adopter *adopter, const struct app_address *address)
{
	struct ledger *ledger = adopter->ledger;
	uint32_t i;

	for (i = 0; i < ledger->listener_count; i++)
		if (app_address_equals(&ledger->listeners[i], address))
			return;
	if (ledger->listener_count == LEDGER_LISTENERS)
		return; /* its clients are relayed */
	/* whole, before it counts: this process may end in between */
	ledger->listeners[ledger->listener_count] = *address;
	ledger->listener_count++;
	listener_tell(adopter, address, HANDOVER_LISTENS);
}

bool listener_serves(const struct adopter *adopter, const struct app_address *address,
		     const struct endpoint *at)
{
	enum app_fit fit = app_address_fit(address, at);
	const struct ledger *ledger = adopter->ledger;
	uint32_t i;

	if (!fit)
		return false;
	for (i = 0; i < ledger->listener_count; i++)
		if (app_address_fit(&ledger->listeners[i], at) > fit)
			return false;
	return true;
}

static void listener_remove(struct adopter *adopter, uint32_t i)
{
	struct ledger *ledger = adopter->ledger;

	listener_tell(adopter, &ledger->listeners[i], HANDOVER_CLOSED);
	ledger->listeners[i] = ledger->listeners[ledger->listener_count - 1];
	ledger->listener_count--;
}

void listener_forget(struct adopter *adopter, const struct endpoint *at)
{
	uint32_t i;

	for (i = adopter->ledger->listener_count; i--;)
		if (app_address_fit(&adopter->ledger->listeners[i], at))
			listener_remove(adopter, i);
}

void listener_forget_all(struct adopter *adopter)
{
	while (adopter->ledger->listener_count)
		listener_remove(adopter, adopter->ledger->listener_count - 1);
}

void listener_tell_all(struct adopter *adopter)
{
	uint32_t i;

	for (i = 0; i < adopter->ledger->listener_count; i++)
		listener_tell(adopter, &adopter->ledger->listeners[i], HANDOVER_LISTENS);
}
