// SPDX-License-Identifier: Apache-2.0
#include "userspace/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "userspace/fd.h"

/* the kernel caps it at net.core.somaxconn */
#define LISTENER_BACKLOG 4096

static int listener_open(bool ipv6)
{
	_cleanup_fd_ int fd = socket(ipv6 ? AF_INET6 : AF_INET,
				     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int on = 1;

	if (fd < 0)
		return -errno;
	if (ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -errno;
	/* port 0: any that is free; nobody is meant to dial it */
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

static int listeners_add(struct listeners *listeners, uint32_t index, bool ipv6)
{
	int fd = listener_open(ipv6);

	if (ipv6 && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL))
		return 0; /* no IPv6 on this host, so no IPv6 connection either */
	if (fd < 0)
		return fd;
	listeners->entries[listeners->count++] = (struct listener){ fd, index, ipv6 };
	return 0;
}

static void listeners_add_port(struct listeners *listeners, uint16_t port)
{
	uint32_t i;

	for (i = 0; i < listeners->port_count; i++)
		if (listeners->ports[i] == port)
			return;
	listeners->ports[listeners->port_count++] = port;
}

int listeners_open(const struct config *config, struct listeners *out)
{
	struct listeners listeners = { 0 };
	int err = -ENOMEM;
	uint32_t i;
	size_t n;

	listeners.ports = calloc(config->line_count, sizeof(*listeners.ports));
	listeners.entries = calloc(2 * config->line_count, sizeof(*listeners.entries));
	if (!listeners.ports || !listeners.entries)
		goto fail;
	for (n = 0; n < config->line_count; n++)
		listeners_add_port(&listeners, config->lines[n].port);
	err = -E2BIG;
	if (listeners.port_count > LW_PORTS_MAX)
		goto fail;
	for (i = 0; i < listeners.port_count; i++) {
		err = listeners_add(&listeners, i, false);
		if (!err)
			err = listeners_add(&listeners, i, true);
		if (err)
			goto fail;
	}
	*out = listeners;
	return 0;
fail:
	listeners_close(&listeners);
	return err;
}

void listeners_close(struct listeners *listeners)
{
	size_t i;

	for (i = 0; i < listeners->count; i++)
		close(listeners->entries[i].fd);
	free(listeners->entries);
	free(listeners->ports);
	memset(listeners, 0, sizeof(*listeners));
}
