/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that the main process has a worker make for a wrapped app's connect(): the app is to
 * have it itself, so that there is no app's side, and TLS is of version 1.2. With TLS 1.3 the
 * server's NewSessionTicket comes after the handshake, in a record that the app's read() fails
 * on for ever, and nothing says that none will come.
 */
#ifndef USERSPACE_ORDER_H
#define USERSPACE_ORDER_H

#include <openssl/ssl.h>

#include "userspace/connection.h"

struct order {
	uint64_t id;
	struct message_order what;
	int error; /* that main is told where it comes to nothing */
};

/* Before the handshake: the version. -EIO. */
int order_limit(const struct order *order, SSL *tls);

/* Whether the server ended the handshake since it has no TLS 1.2. err: of OpenSSL. */
bool order_met_tls13(const struct connection *connection, unsigned long err);

/* What main is to be told, where there is an order. */
void order_set_error(struct connection *connection, int err);

/* It came to nothing, if it has not come to something: main is told, once. */
void order_end(struct connection *connection);

/* Main knows what became of it. */
void order_forget(struct connection *connection);

/* The socket for it, of the family of the app's own, and an address of that family. */
int order_socket(const struct connection *connection);
socklen_t order_sockaddr(const struct connection *connection, const struct endpoint *endpoint,
			 struct sockaddr_storage *out);

#endif
