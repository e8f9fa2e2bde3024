// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/adopter.h"

/* include/uapi/asm-generic/socket.h; glibc of Debian 12 has it, older headers do not */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

struct app_listener {
	LIST_ENTRY(app_listener) entry;
	struct app_address address;
};

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

static void listener_tell(struct adopter *adopter, const struct app_listener *listener,
			  enum handover_type type)
{
	struct handover message = {
		.type = type,
		.at = listener->address.at,
		.v6only = listener->address.v6only,
	};

	adopter_tell(adopter, &message);
}

void listener_note(struct adopter *adopter, const struct app_address *address)
{
	struct app_listener *listener;

	LIST_FOREACH(listener, &adopter->listeners, entry)
		if (app_address_equals(&listener->address, address))
			return;
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return; /* its next accept() comes by here again */
	listener->address = *address;
	LIST_INSERT_HEAD(&adopter->listeners, listener, entry);
	listener_tell(adopter, listener, HANDOVER_LISTENS);
}

bool listener_serves(const struct adopter *adopter, const struct app_address *address,
		     const struct endpoint *at)
{
	enum app_fit fit = app_address_fit(address, at);
	const struct app_listener *other;

	if (!fit)
		return false;
	LIST_FOREACH(other, &adopter->listeners, entry)
		if (app_address_fit(&other->address, at) > fit)
			return false;
	return true;
}

static void listener_remove(struct adopter *adopter, struct app_listener *listener)
{
	listener_tell(adopter, listener, HANDOVER_CLOSED);
	LIST_REMOVE(listener, entry);
	free(listener);
}

void listener_forget(struct adopter *adopter, const struct endpoint *at)
{
	struct app_listener *listener, *next;

	for (listener = LIST_FIRST(&adopter->listeners); listener; listener = next) {
		next = LIST_NEXT(listener, entry);
		if (app_address_fit(&listener->address, at))
			listener_remove(adopter, listener);
	}
}

void listener_forget_all(struct adopter *adopter)
{
	while (!LIST_EMPTY(&adopter->listeners))
		listener_remove(adopter, LIST_FIRST(&adopter->listeners));
}

void listener_tell_all(struct adopter *adopter)
{
	const struct app_listener *listener;

	LIST_FOREACH(listener, &adopter->listeners, entry)
		listener_tell(adopter, listener, HANDOVER_LISTENS);
}
