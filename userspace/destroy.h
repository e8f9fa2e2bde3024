/* SPDX-License-Identifier: Apache-2.0 */
/* Ends TCP connections from outside of the processes that have them: sock_diag(7). */
#ifndef USERSPACE_DESTROY_H
#define USERSPACE_DESTROY_H

#include <stdint.h>

#include "userspace/endpoint.h"

/*
 * Ends one of the caller's network namespace: its peer gets a RST, whoever reads or writes it
 * ECONNABORTED (net/ipv4/tcp.c, tcp_abort). -ENOENT: there is none; -ESTALE: the cookie is of
 * another socket; -EOPNOTSUPP: a kernel without CONFIG_INET_DIAG_DESTROY; -EPERM: takes
 * CAP_NET_ADMIN.
 */
int destroy_connection(const struct endpoint *local, const struct endpoint *peer, uint64_t cookie);

#endif
