// SPDX-License-Identifier: Apache-2.0
#include "userspace/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t endpoint_mapped[12] = { [10] = 0xff, [11] = 0xff };

int endpoint_from(const struct sockaddr_storage *ss, struct endpoint *out)
{
	const struct sockaddr_in6 *in6 = (const void *)ss;
	const struct sockaddr_in *in = (const void *)ss;

	switch (ss->ss_family) {
	case AF_INET:
		memcpy(out->addr, endpoint_mapped, sizeof(endpoint_mapped));
		memcpy(out->addr + 12, &in->sin_addr, 4);
		out->port = ntohs(in->sin_port);
		out->scope = 0;
		return 0;
	case AF_INET6:
		memcpy(out->addr, &in6->sin6_addr, 16);
		out->port = ntohs(in6->sin6_port);
		out->scope = in6->sin6_scope_id;
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

int endpoint_peer(int fd, struct endpoint *out)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	return getpeername(fd, (struct sockaddr *)&ss, &len) < 0 ? -errno : endpoint_from(&ss, out);
}

int endpoint_local(int fd, struct endpoint *out)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);

	return getsockname(fd, (struct sockaddr *)&ss, &len) < 0 ? -errno : endpoint_from(&ss, out);
}

int endpoint_accept(int listener, struct endpoint *peer)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	int fd, err;

	fd = accept4(listener, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = endpoint_from(&ss, peer);
	if (!err)
		return fd;
	close(fd);
	return err;
}

bool endpoint_is_ip4(const struct endpoint *endpoint)
{
	return !memcmp(endpoint->addr, endpoint_mapped, sizeof(endpoint_mapped));
}

socklen_t endpoint_sockaddr6(const struct endpoint *endpoint, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (void *)out;

	memset(out, 0, sizeof(*out));
	in6->sin6_family = AF_INET6;
	memcpy(&in6->sin6_addr, endpoint->addr, 16);
	in6->sin6_port = htons(endpoint->port);
	in6->sin6_scope_id = endpoint->scope;
	return sizeof(*in6);
}

socklen_t endpoint_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (void *)out;

	memset(out, 0, sizeof(*out));
	if (endpoint_is_ip4(endpoint)) {
		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, endpoint->addr + 12, 4);
		in->sin_port = htons(endpoint->port);
		return sizeof(*in);
	}
	return endpoint_sockaddr6(endpoint, out);
}

struct endpoint endpoint_loopback(const struct endpoint *like)
{
	struct endpoint out = { .port = like->port };
	const in_addr_t loopback = htonl(INADDR_LOOPBACK);

	if (endpoint_is_ip4(like)) {
		memcpy(out.addr, endpoint_mapped, sizeof(endpoint_mapped));
		memcpy(out.addr + 12, &loopback, 4);
	} else {
		memcpy(out.addr, &in6addr_loopback, 16);
	}
	return out;
}

void endpoint_format(const struct endpoint *endpoint, char out[LW_ENDPOINT_LEN])
{
	char text[INET6_ADDRSTRLEN];

	if (endpoint_is_ip4(endpoint)) {
		inet_ntop(AF_INET, endpoint->addr + 12, text, sizeof(text));
		snprintf(out, LW_ENDPOINT_LEN, "%s:%u", text, endpoint->port);
	} else {
		inet_ntop(AF_INET6, endpoint->addr, text, sizeof(text));
		snprintf(out, LW_ENDPOINT_LEN, "[%s]:%u", text, endpoint->port);
	}
}

int endpoint_parse(const char *text, struct endpoint *out)
{
	const char *colon = strrchr(text, ':');
	const bool bracket = *text == '[';
	char host[INET6_ADDRSTRLEN], *end;
	unsigned long port;
	size_t len;

	*out = (struct endpoint){ 0 };
	len = colon ? (size_t)(colon - text) : 0;
	if (len < 2 + 2 * (size_t)bracket || len >= sizeof(host) || (bracket && colon[-1] != ']'))
		return -EINVAL;
	memcpy(host, text + bracket, len - 2 * (size_t)bracket);
	host[len - 2 * (size_t)bracket] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (!colon[1] || *end || port > UINT16_MAX)
		return -EINVAL;
	out->port = (uint16_t)port;
	memcpy(out->addr, endpoint_mapped, sizeof(endpoint_mapped));
	if (inet_pton(bracket ? AF_INET6 : AF_INET, host,
		      bracket ? out->addr : out->addr + sizeof(endpoint_mapped)) != 1)
		return -EINVAL;
	return 0;
}
