/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a TCP connection. */
#ifndef USERSPACE_ENDPOINT_H
#define USERSPACE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bpf/abi.h"

struct endpoint {
	uint8_t addr[16]; /* network order, IPv4 as v4-mapped */
	uint16_t port;
	uint32_t scope; /* interface of a link-local IPv6 address, else 0 */
};

/* The peer (getpeername) or this side (getsockname) of a socket. -errno; -EAFNOSUPPORT. */
int endpoint_peer(int fd, struct endpoint *out);
int endpoint_local(int fd, struct endpoint *out);

/*
 * Accepts, without blocking; a peer that has gone already is still named, which
 * endpoint_peer() could not. The socket; -errno.
 */
int endpoint_accept(int listener, struct endpoint *peer);

/* True for IPv4, v4-mapped too. */
bool endpoint_is_ip4(const struct endpoint *endpoint);

/* As a socket address of family AF_INET where endpoint_is_ip4(), else AF_INET6. */
socklen_t endpoint_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *out);

/* As one of family AF_INET6, whatever it is: IPv4 as v4-mapped. */
socklen_t endpoint_sockaddr6(const struct endpoint *endpoint, struct sockaddr_storage *out);

/* From one that sockets of these two families have. -EAFNOSUPPORT. */
int endpoint_from(const struct sockaddr_storage *ss, struct endpoint *out);

/* 127.0.0.1 or ::1, of the same family, with the same port. */
struct endpoint endpoint_loopback(const struct endpoint *like);

/* "192.0.2.1:5061", "[2001:db8::1]:5061" */
void endpoint_format(const struct endpoint *endpoint, char out[LW_ENDPOINT_LEN]);

/* What endpoint_format() wrote. -EINVAL. */
int endpoint_parse(const char *text, struct endpoint *out);

#endif
