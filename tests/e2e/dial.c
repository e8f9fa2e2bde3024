// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness.h"

#define LIMIT_MS (5000 * harness_time_scale())

static void dial_name(int fd, int (*ask)(int, struct sockaddr *, socklen_t *),
		      char name[LISTENER_NAME_MAX])
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char host[48] = "?", port[8] = "?";

	ASSERT_OK(ask(fd, (struct sockaddr *)&address, &size));
	getnameinfo((const struct sockaddr *)&address, size, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(name, LISTENER_NAME_MAX, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		 port);
}

static struct addrinfo *dial_resolve(const char *host, uint16_t port, bool ipv6_socket)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *info;
	char service[8], mapped[64];

	snprintf(service, sizeof(service), "%u", port);
	snprintf(mapped, sizeof(mapped), "::ffff:%s", host);
	ASSERT_OK(getaddrinfo(ipv6_socket && !strchr(host, ':') ? mapped : host, service, &hints,
			      &info));
	return info;
}

struct dialled dial(const struct dial *dial)
{
	struct addrinfo *info = dial_resolve(dial->host, dial->port, dial->ipv6_socket), *source;
	struct dialled out = { .fd = socket(info->ai_family,
					    SOCK_STREAM | SOCK_CLOEXEC |
						    (dial->waits ? 0 : SOCK_NONBLOCK),
					    0) };
	struct pollfd ready = { .fd = out.fd, .events = POLLOUT };
	socklen_t size = sizeof(out.error);

	ASSERT_LE(0, out.fd);
	if (dial->source) {
		source = dial_resolve(dial->source, 0, dial->ipv6_socket);
		ASSERT_OK(bind(out.fd, source->ai_addr, source->ai_addrlen));
		freeaddrinfo(source);
	}
	if (connect(out.fd, info->ai_addr, info->ai_addrlen) < 0)
		out.error = errno;
	freeaddrinfo(info);
	if (!dial->waits && out.error == EINPROGRESS) {
		dial_name(out.fd, getsockname, out.local);
		out.error = 0;
		ASSERT_EQ(1, poll(&ready, 1, LIMIT_MS));
		ASSERT_OK(getsockopt(out.fd, SOL_SOCKET, SO_ERROR, &out.error, &size));
	}
	if (!out.error)
		dial_name(out.fd, getsockname, out.local);
	/* one that was reset meanwhile has no peer any more */
	if (!out.error && send(out.fd, "", 0, MSG_NOSIGNAL) == 0)
		dial_name(out.fd, getpeername, out.peer);
	return out;
}

void dial_echo(const struct dialled *dialled, const char *text)
{
	char buf[256] = "";

	ASSERT_EQ((ssize_t)strlen(text), send(dialled->fd, text, strlen(text), MSG_NOSIGNAL));
	EXPECT_EQ((ssize_t)strlen(text), listener_read(dialled->fd, buf, strlen(text), LIMIT_MS));
	EXPECT_STREQ(text, buf);
}

int dial_end(const struct dialled *dialled)
{
	struct pollfd ready = { .fd = dialled->fd, .events = POLLIN };
	char waste[256];
	ssize_t n;

	do {
		if (poll(&ready, 1, LIMIT_MS) != 1)
			return ETIMEDOUT;
		n = recv(dialled->fd, waste, sizeof(waste), MSG_DONTWAIT);
	} while (n > 0);
	return n < 0 ? errno : 0;
}

void dial_expect_reset(struct dialled *dialled)
{
	EXPECT_EQ(ECONNRESET, dialled->error ? dialled->error : dial_end(dialled));
	close(dialled->fd);
}
