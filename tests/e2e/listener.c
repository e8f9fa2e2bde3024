// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/listener.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/process.h"
#include "tests/harness.h"
#include "tests/peer/address.h"

int listener_open(const char *host, uint16_t port, bool dual, int backlog)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *info;
	const int on = 1, v6only = !dual;
	char service[8];
	int fd;

	snprintf(service, sizeof(service), "%u", port);
	ASSERT_OK(getaddrinfo(host, service, &hints, &info));
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, fd);
	ASSERT_OK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	if (info->ai_family == AF_INET6)
		ASSERT_OK(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)));
	ASSERT_OK(bind(fd, info->ai_addr, info->ai_addrlen) < 0 ? -errno : 0);
	ASSERT_OK(listen(fd, backlog) < 0 ? -errno : 0);
	freeaddrinfo(info);
	return fd;
}

int listener_peer_name(int fd, char name[LISTENER_NAME_MAX])
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getpeername(fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	address_format(&address, size, name);
	return 0;
}

int listener_accept(int listener, int limit_ms, struct listener_client *client)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	int fd;

	if (poll(&ready, 1, limit_ms) <= 0)
		return -ETIMEDOUT;
	fd = accept4(listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!client)
		return fd;
	address_format(&address, size, client->accepted);
	listener_peer_name(fd, client->named);
	return fd;
}

ssize_t listener_read(int fd, void *data, size_t size, int limit_ms)
{
	long long end = process_now_ms() + limit_ms;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t got = 0;

	while (got < size) {
		long long left = end - process_now_ms();
		ssize_t n;

		if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
			return -ETIMEDOUT;
		n = recv(fd, (char *)data + got, size - got, 0);
		if (n <= 0)
			return n < 0 ? -errno : (ssize_t)got;
		got += (size_t)n;
	}
	return (ssize_t)got;
}
