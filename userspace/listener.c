// SPDX-License-Identifier: Apache-2.0
#include "userspace/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/endpoint.h"
#include "userspace/fd.h"
#include "userspace/listener_keep.h"
#include "userspace/netns.h"

/* the kernel caps it at net.core.somaxconn */
#define LISTENER_BACKLOG 4096

/* where sockets wait for what the steering assigns to them: any port that is free */
enum listener_kind {
	LISTENER_IP4, /* 127.0.0.1 */
	LISTENER_IP6, /* ::1 */
	/*
	 * Of IPv6, and bpf_sk_assign() gives it IPv4 as well (struct port_rule, mapped): that takes
	 * one that is not V6ONLY, which it would become at ::1 (net/ipv6/af_inet6.c, __inet6_bind)
	 */
	LISTENER_BOTH, /* ::ffff:127.0.0.1 */
};

static int listener_open(enum listener_kind kind)
{
	_cleanup_fd_ int fd = socket(kind == LISTENER_IP4 ? AF_INET : AF_INET6,
				     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1, v6only = kind == LISTENER_IP6;
	const bool ipv6 = kind != LISTENER_IP4;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	if (fd < 0)
		return -errno;
	if (kind == LISTENER_BOTH)
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr);
	if (ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -errno;
	/* nobody is meant to dial it */
	if (bind(fd, ipv6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
		 ipv6 ? sizeof(in6) : sizeof(in)) < 0)
		return -errno;
	if (listen(fd, LISTENER_BACKLOG) < 0)
		return -errno;
	/*
	 * For the sockets that it accepts: they are on the app's port (__inet_inherit_port), and
	 * an app that starts while they live, or in TIME-WAIT, could not bind it.
	 */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static bool listener_port_is(const struct listener_port *a, const struct listener_port *b)
{
	return a->netns == b->netns && a->port == b->port && a->direction == b->direction;
}

const struct listener *listeners_find(const struct listeners *listeners,
				      const struct listener_port *port, bool ipv6)
{
	size_t i;

	for (i = 0; i < listeners->count; i++)
		if (listeners->entries[i].ipv6 == ipv6 &&
		    listener_port_is(&listeners->ports[listeners->entries[i].port], port))
			return &listeners->entries[i];
	return NULL;
}

/* what a set of listeners is opened from */
struct listener_sources {
	const struct listeners *before;
	struct listener_keep *keep;
};

/* The one that is there, with whoever waits in it, or a new one. */
static int listener_obtain(const struct listener_sources *from, const struct listener_port *port,
			   bool ipv6)
{
	const struct listener *known = from->before ? listeners_find(from->before, port, ipv6) : NULL;
	uint64_t cookie;
	int fd;

	if (known) {
		fd = fcntl(known->fd, F_DUPFD_CLOEXEC, 0);
		return fd < 0 ? -errno : fd;
	}
	if (port->direction == DIRECTION_OUTBOUND)
		return listener_open(ipv6 ? LISTENER_IP6 : LISTENER_IP4);
	if (netns_cookie(&cookie) == 0) {
		fd = listener_keep_take(from->keep, cookie, port->port, ipv6);
		if (fd >= 0)
			return fd;
	}
	return listener_open(ipv6 ? LISTENER_BOTH : LISTENER_IP4);
}

static int listeners_add(struct listeners *listeners, const struct listener_sources *from,
			 uint32_t port, bool ipv6)
{
	_cleanup_fd_ int fd = listener_obtain(from, &listeners->ports[port], ipv6);
	struct endpoint bound;
	int err;

	if (ipv6 && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL))
		return 0; /* no IPv6 in this namespace, so no IPv6 connection either */
	if (fd < 0)
		return fd;
	err = endpoint_local(fd, &bound);
	if (err)
		return err;
	listeners->entries[listeners->count++] = (struct listener){
		.fd = TAKE_FD(fd),
		.port = port,
		.slot = listeners->ports[port].slot,
		.netns = listeners->ports[port].netns,
		.bound = bound.port,
		.ipv6 = ipv6,
	};
	return 0;
}

static bool listeners_use_slot(const struct listeners *listeners, uint32_t slot)
{
	uint32_t i;

	for (i = 0; i < listeners->port_count; i++)
		if (listeners->ports[i].slot == slot)
			return true;
	return false;
}

/* That of the port before, or one that no port has, before or now: both are in force for a while. */
static int listeners_find_slot(const struct listeners *listeners, const struct listeners *before,
			       struct listener_port *port)
{
	uint32_t i;

	for (i = 0; before && i < before->port_count; i++) {
		if (!listener_port_is(&before->ports[i], port))
			continue;
		port->slot = before->ports[i].slot;
		return 0;
	}
	for (port->slot = 0; port->slot < LW_PORTS_MAX; port->slot++)
		if (!listeners_use_slot(listeners, port->slot) &&
		    (!before || !listeners_use_slot(before, port->slot)))
			return 0;
	return -E2BIG;
}

static int listeners_add_port(struct listeners *listeners, const struct listeners *before,
			      struct listener_port port)
{
	struct listener_port *ports;
	uint32_t i;

	for (i = 0; i < listeners->port_count; i++)
		if (listener_port_is(&listeners->ports[i], &port))
			return 0;
	/* an outlet takes up to two entries of the kernel's map */
	if (listeners->port_count >= LW_PORTS_MAX - 2 * LW_NAMESPACES_MAX)
		return -E2BIG;
	if (listeners_find_slot(listeners, before, &port) < 0)
		return -E2BIG;
	ports = reallocarray(listeners->ports, listeners->port_count + 1, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	listeners->ports = ports;
	listeners->ports[listeners->port_count++] = port;
	return 0;
}

static int listeners_find_ports(struct listeners *listeners, const struct listeners *before,
				const struct config *config)
{
	const struct config_line *line;
	int err = 0;
	size_t i;

	for (i = 0; !err && i < config->line_count; i++) {
		line = &config->lines[i];
		err = listeners_add_port(
			listeners, before,
			(struct listener_port){
				.netns = line->netns,
				.port = line->direction == DIRECTION_INBOUND ? line->port : 0,
				.direction = line->direction,
			});
	}
	return err;
}

/* Those of one namespace. */
static int listeners_open_in(struct listeners *listeners, const struct listener_sources *from,
			     uint32_t netns, const char *path)
{
	int back, err;
	uint32_t i;

	err = netns_enter(path, &back);
	if (err)
		return err;
	for (i = 0; !err && i < listeners->port_count; i++) {
		if (listeners->ports[i].netns != netns)
			continue;
		err = listeners_add(listeners, from, i, false);
		if (!err)
			err = listeners_add(listeners, from, i, true);
	}
	netns_leave(back);
	return err;
}

int listeners_open(const struct config *config, const struct listeners *before,
		   struct listener_keep *keep, struct listeners **out, char *why, size_t why_len)
{
	const struct listener_sources from = { before, keep };
	struct listeners *listeners = calloc(1, sizeof(*listeners));
	uint32_t i;
	int err;

	err = listeners ? listeners_find_ports(listeners, before, config) : -ENOMEM;
	if (!err)
		listeners->entries = calloc(2 * listeners->port_count,
					    sizeof(*listeners->entries));
	if (!err && !listeners->entries)
		err = -ENOMEM;
	if (err)
		snprintf(why, why_len, "listening sockets: %s", strerror(-err));
	for (i = 0; !err && i < config->namespace_count; i++) {
		err = listeners_open_in(listeners, &from, i, config->namespaces[i].path);
		if (err && i)
			snprintf(why, why_len, "namespace %s (%s): %s; make it with `ip netns add`",
				 config->namespaces[i].name, config->namespaces[i].path,
				 strerror(-err));
		else if (err)
			snprintf(why, why_len, "listening sockets: %s", strerror(-err));
	}
	if (err) {
		listeners_free(listeners);
		return err;
	}
	*out = listeners;
	return 0;
}

void listeners_free(struct listeners *listeners)
{
	size_t i;

	if (!listeners)
		return;
	for (i = 0; i < listeners->count; i++)
		close(listeners->entries[i].fd);
	free(listeners->entries);
	free(listeners->ports);
	free(listeners);
}
