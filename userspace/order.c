// SPDX-License-Identifier: Apache-2.0
#include "userspace/order.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/log.h"

int order_limit(const struct order *order, SSL *tls)
{
	return !order || SSL_set_max_proto_version(tls, TLS1_2_VERSION) ? 0 : -EIO;
}

/*
 * Before a certificate: an alert that says so, or that there is no suite in common, as some
 * servers put it (RFC 8446 section 4.2.1, RFC 5246 section 7.2.2).
 */
bool order_met_tls13(const struct connection *connection, unsigned long err)
{
	if (!connection->order || connection->decided || ERR_GET_LIB(err) != ERR_LIB_SSL)
		return false;
	switch (ERR_GET_REASON(err)) {
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
	case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
		return true;
	default:
		return false;
	}
}

void order_set_error(struct connection *connection, int err)
{
	if (connection->order)
		connection->order->error = err;
}

void order_forget(struct connection *connection)
{
	free(connection->order);
	connection->order = NULL;
}

void order_end(struct connection *connection)
{
	struct worker *worker = connection->worker;
	struct message message = { .type = MESSAGE_UNDONE };

	if (!connection->order)
		return;
	message.order = connection->order->id;
	message.error = connection->order->error;
	order_forget(connection);
	if (!worker->stopping && message_send(worker->setup.main_fd, &message, NULL, 0) < 0)
		loop_stop(worker->loop);
}

int order_socket(const struct connection *connection)
{
	const int peers = endpoint_is_ip4(&connection->peer) ? AF_INET : AF_INET6;
	const int fd = socket(connection->order ? connection->order->what.family : peers,
			      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

socklen_t order_sockaddr(const struct connection *connection, const struct endpoint *endpoint,
			 struct sockaddr_storage *out)
{
	if (connection->order && connection->order->what.family == AF_INET6)
		return endpoint_sockaddr6(endpoint, out);
	return endpoint_sockaddr(endpoint, out);
}

static void order_begin(struct connection *connection, const struct message *message)
{
	const struct destination *to = &message->what.to;
	int err;

	record_set_line(connection->record, connection->line);
	memcpy(connection->peer.addr, to->addr, sizeof(connection->peer.addr));
	connection->peer.port = to->port;
	connection->peer.scope = message->what.scope;
	endpoint_format(&connection->peer, connection->record->peer);
	err = connection_prepare_departure(connection, to);
	if (err)
		connection_fail_departure(connection,
					  "the connection to the peer cannot be prepared", err);
}

static void order_refuse(struct worker *worker, const struct message *message)
{
	const struct message undone = { .type = MESSAGE_UNDONE, .order = message->order };

	if (message_send(worker->setup.main_fd, &undone, NULL, 0) < 0)
		loop_stop(worker->loop);
}

void connection_order(struct worker *worker, const struct message *message)
{
	const struct config_line *line =
		config_line_of(worker->setup.config, message->what.to.line);
	struct order *order = line ? malloc(sizeof(*order)) : NULL;
	struct connection *connection = order ? connection_new(worker, -1, -1) : NULL;

	if (!connection) {
		free(order);
		order_refuse(worker, message);
		return;
	}
	*order = (struct order){ message->order, message->what, -ECONNREFUSED };
	connection->order = order;
	connection->line = line;
	order_begin(connection, message);
}

void connection_cancel(struct worker *worker, uint64_t order)
{
	struct connection *connection;

	LIST_FOREACH(connection, &worker->connections, entry)
		if (connection->order && connection->order->id == order)
			break;
	/* its own end and the cancellation may have met on the way */
	if (!connection)
		return;
	order_forget(connection);
	connection_close(connection, true, "the app does not wait any more");
}
