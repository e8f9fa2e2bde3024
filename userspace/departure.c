// SPDX-License-Identifier: Apache-2.0
/*
 * Outbound, from an app's connect() that the kernel sent here to the TCP connection to the
 * peer: PHASE_ASKED and PHASE_DIALLING. What the app writes meanwhile stays in its socket's
 * buffer; nothing is read of it before the verdict.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "userspace/connection.h"
#include "userspace/dataplane.h"
#include "userspace/destination.h"
#include "userspace/fd.h"
#include "userspace/order.h"

/* Whether there is such an address: it is zero where the kernel knew no way to the peer. */
static bool departure_knows(const uint8_t addr[16])
{
	static const uint8_t none[16];

	return memcmp(addr, none, sizeof(none)) != 0;
}

/* What was ordered is bound as the app's own socket, which may be to a port alone. */
static bool departure_is_bound(const struct connection *connection, const struct endpoint *source,
			       const struct endpoint *peer)
{
	if (connection->order && !departure_knows(source->addr))
		return source->port;
	return departure_knows(source->addr) && endpoint_is_ip4(source) == endpoint_is_ip4(peer);
}

/*
 * A socket for the connection to the peer, from the address and port that getsockname()
 * shows the app. Where these cannot be had (the address is gone, somebody has the port) the
 * kernel chooses: a connection that works is worth more than that it looks the same.
 */
static int departure_bind(const struct connection *connection,
			  const struct destination *destination)
{
	const struct endpoint *peer = &connection->peer;
	struct endpoint source = { .port = destination->source_port };
	struct sockaddr_storage ss;
	_cleanup_fd_ int fd = -1;
	const int on = 1;
	socklen_t len;

	memcpy(source.addr, destination->source, sizeof(source.addr));
	fd = order_socket(connection);
	if (fd < 0)
		return fd;
	/* the app's own socket may be in TIME-WAIT on that port */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (departure_is_bound(connection, &source, peer)) {
		len = order_sockaddr(connection, &source, &ss);
		if (bind(fd, (struct sockaddr *)&ss, len) == 0)
			return TAKE_FD(fd);
		source.port = 0;
		len = order_sockaddr(connection, &source, &ss);
		if (bind(fd, (struct sockaddr *)&ss, len) == 0)
			return TAKE_FD(fd);
	}
	return TAKE_FD(fd);
}

static int departure_identify(struct connection *connection, struct destination *destination)
{
	const struct worker_setup *setup = &connection->worker->setup;
	const struct config *config = setup->config;
	struct record *record = connection->record;
	struct tag tag;
	int err;

	if (connection->order) {
		*destination = connection->order->what.to;
		return 0;
	}
	err = dataplane_tag(setup->tags_fd, connection->app_fd, &tag);
	if (!err)
		err = dataplane_target(setup->targets_fd, connection->app_fd, destination);
	if (err)
		return err;
	if (tag.state != STATE_HANDSHAKE || !tag.line || tag.line != destination->line)
		return -EADDRNOTAVAIL;
	connection->cookie = record->cookie = tag.cookie;
	connection->line = config_line_of(config, tag.line);
	if (!connection->line || !destination_fits(destination, connection->line)) {
		connection->line = NULL;
		return -ESTALE;
	}
	record_set_line(record, connection->line);
	memcpy(connection->peer.addr, destination->addr, sizeof(connection->peer.addr));
	connection->peer.port = destination->port;
	endpoint_format(&connection->peer, record->peer);
	return 0;
}

int connection_prepare_departure(struct connection *connection,
				 const struct destination *destination)
{
	struct message message = { .type = MESSAGE_DEPART };
	socklen_t len = sizeof(message.cookie);
	int err;

	err = connection->fd = departure_bind(connection, destination);
	if (err < 0)
		return err;
	if (getsockopt(connection->fd, SOL_SOCKET, SO_COOKIE, &message.cookie, &len) < 0)
		return -errno;
	connection->cookie = connection->record->cookie = message.cookie;
	err = connection_ask(connection, &message, -1);
	connection->departing = !err;
	return err;
}

void connection_fail_departure(struct connection *connection, const char *what, int err)
{
	char reason[RECORD_TEXT_LEN];

	order_set_error(connection, err);
	snprintf(reason, sizeof(reason), "%s: %s", what, strerror(-err));
	connection_refuse(connection, RECORD_FAILED, reason);
}

void connection_leave(struct connection *connection)
{
	struct destination destination;
	int err;

	err = departure_identify(connection, &destination);
	if (err == -ESTALE && connection_retag(connection))
		return;
	if (err) {
		connection_refuse(connection, RECORD_FAILED,
				  err == -ENOENT || err == -EADDRNOTAVAIL ?
					  "a local process dialled the outlet itself" :
				  err == -ESTALE ? "no line claims that address any more" :
						   strerror(-err));
		return;
	}
	err = connection_prepare_departure(connection, &destination);
	if (err)
		connection_fail_departure(connection,
					  "the connection to the peer cannot be prepared", err);
}

void connection_depart(struct worker *worker, int fd, const struct endpoint *app)
{
	struct connection *connection = connection_new(worker, -1, fd);

	if (!connection)
		return;
	endpoint_format(app, connection->record->peer);
	connection_leave(connection);
}

void connection_departed(struct connection *connection, int error)
{
	struct worker *worker = connection->worker;
	struct sockaddr_storage ss;
	socklen_t len = order_sockaddr(connection, &connection->peer, &ss);
	int err;

	connection->departing = false;
	connection->phase = PHASE_DIALLING;
	if (error) {
		connection_fail_departure(connection, "the main process refuses the connection",
					  error);
		return;
	}
	if (connect(connection->fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS) {
		connection_fail_departure(connection, "the peer cannot be reached", -errno);
		return;
	}
	err = loop_add(worker->loop, &connection->client, connection->fd,
		       EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (!err && connection->app_fd >= 0 && connection->app.fd < 0)
		err = loop_add(worker->loop, &connection->app, connection->app_fd,
			       EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (err)
		connection_fail_departure(connection, "the connection cannot be watched", err);
	else
		loop_timeout_start(worker->loop, &worker->connects, &connection->timeout);
}

void connection_dialled(struct connection *connection)
{
	struct worker *worker = connection->worker;
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err) {
		connection_fail_departure(connection, "the peer cannot be reached", -err);
		return;
	}
	loop_timeout_stop(&worker->connects, &connection->timeout);
	connection->phase = PHASE_HANDSHAKE;
	err = endpoint_local(connection->fd, &connection->local);
	if (!err)
		err = connection_begin(connection);
	if (err) {
		connection_fail_departure(connection, "TLS cannot be begun", err);
		return;
	}
	endpoint_format(&connection->local, connection->record->local);
	loop_timeout_start(worker->loop, &worker->handshakes, &connection->timeout);
	connection_handshake(connection);
}

void connection_redial(struct connection *connection)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct worker *worker = connection->worker;
	struct destination destination;
	int err;

	loop_timeout_stop(&worker->handshakes, &connection->timeout);
	loop_remove(worker->loop, &connection->client);
	SSL_free(connection->tls);
	connection->tls = NULL;
	connection->alert = 0;
	/* the same port is going to be used */
	setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(connection->fd);
	connection->fd = -1;
	err = departure_identify(connection, &destination);
	if (!err)
		err = connection_prepare_departure(connection, &destination);
	if (err)
		connection_fail_departure(connection,
					  "the connection to the peer cannot be made again", err);
}
