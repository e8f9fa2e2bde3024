// SPDX-License-Identifier: Apache-2.0
#include "tests/peer/address.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int address_parse(const char *text, struct sockaddr_storage *address, socklen_t *size)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM }, *info;
	const char *colon = strrchr(text, ':'), *port = "0";
	size_t length = strlen(text);
	char host[64];

	if (colon && (strchr(text, ':') == colon || colon[-1] == ']')) {
		port = colon + 1;
		length = (size_t)(colon - text);
	}
	if (length > 1 && *text == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (getaddrinfo(host, port, &hints, &info))
		return -EINVAL;
	memcpy(address, info->ai_addr, info->ai_addrlen);
	*size = info->ai_addrlen;
	freeaddrinfo(info);
	return 0;
}

void address_format(const struct sockaddr_storage *address, socklen_t size, char text[ADDRESS_MAX])
{
	char host[48], port[8];

	if (getnameinfo((const struct sockaddr *)address, size, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, ADDRESS_MAX, "none");
	else
		snprintf(text, ADDRESS_MAX, address->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s",
			 host, port);
}
