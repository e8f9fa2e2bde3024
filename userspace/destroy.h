/* SPDX-License-Identifier: Apache-2.0 */
/* Ends TCP connections from outside of the processes that have them: sock_diag(7). */
#ifndef USERSPACE_DESTROY_H
#define USERSPACE_DESTROY_H

#include <stdint.h>

#include "userspace/endpoint.h"

struct nl_sock;

/* For any number of connections of the caller's network namespace; libnl's. NULL: -EIO. */
struct nl_sock *destroy_open(void);

/*
 * Ends one: its peer gets a RST, whoever reads or writes it ECONNABORTED (net/ipv4/tcp.c,
 * tcp_abort). -ENOENT: there is none; -ESTALE: the cookie is of another socket; -EOPNOTSUPP: a
 * kernel without CONFIG_INET_DIAG_DESTROY; -EPERM: takes CAP_NET_ADMIN; -EIO.
 */
int destroy_connection(struct nl_sock *socket, const struct endpoint *local,
		       const struct endpoint *peer, uint64_t cookie);

/* NULL is fine. */
void destroy_close(struct nl_sock *socket);

#endif
