// SPDX-License-Identifier: Apache-2.0
/*
 * An accepted client and the app: PHASE_ASKED, PHASE_CONNECTING and PHASE_WAITING.
 *
 * The app is dialled at the very address that the client dialled: an app that listens on
 * one address, or has several listeners on one port, is met where the client meant it.
 * Where nobody listens there the loopback address of the family is tried, since an app
 * behind Linewarden need not listen anywhere else.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "userspace/connection.h"
#include "userspace/fd.h"
#include "userspace/message.h"
#include "userspace/order.h"

#define APP_RESTART_NS (2 * LOOP_SECOND)

/* A socket bound to the address that it will dial: its source is known before the SYN. */
static int delivery_bind(const struct endpoint *target)
{
	struct sockaddr_storage ss;
	struct endpoint source = *target;
	_cleanup_fd_ int fd = -1;
	const int on = 1;
	socklen_t len;

	source.port = 0;
	len = endpoint_sockaddr(&source, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&ss, len) < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return TAKE_FD(fd);
}

static struct endpoint delivery_target(const struct connection *connection)
{
	return connection->app_is_loopback ? endpoint_loopback(&connection->local) :
					     connection->local;
}

static int delivery_ask(struct connection *connection, enum message_type type)
{
	struct message message = {
		.type = type,
		.cookie = connection->cookie,
		.policy = connection->policy,
	};
	_cleanup_fd_ int presented = -1;
	int err;

	if (type == MESSAGE_SESSION) {
		message.record = *connection->record;
		message.record.time_ms = record_clock_ms();
		presented = presented_seal(&connection->presented);
		if (presented < 0)
			return presented;
	}
	err = connection_ask(connection, &message, presented);
	if (err)
		return err;
	presented_free(&connection->presented);
	/* said; a live session needs none of it */
	free(connection->record);
	connection->record = NULL;
	connection->is_session = true;
	return 0;
}

static void delivery_give_up(struct connection *connection, const char *what, int err)
{
	char why[RECORD_TEXT_LEN];

	snprintf(why, sizeof(why), "%s: %s", what, strerror(-err));
	/* the client's handshake was fine: say at least that it is not its fault */
	connection->relayed.stream.alert = SSL_AD_INTERNAL_ERROR;
	stream_close_write(&connection->relayed.stream);
	connection_cut(connection, why);
}

void connection_deliver(struct connection *connection)
{
	struct endpoint target = delivery_target(connection);
	struct record *record = connection->record;
	char reason[RECORD_TEXT_LEN];
	int err;

	record->event = record->verdict.accepted ? RECORD_ACCEPTED : RECORD_OBSERVED;
	/* without a certificate the level's checks have not held: they did not apply */
	if (*record->fingerprint && record->verdict.accepted)
		snprintf(record->reason, sizeof(record->reason), "every check of level %s holds",
			 level_name(record->level));
	else
		snprintf(record->reason, sizeof(record->reason), "%s", record->verdict.reason);
	/* an app that connected is there already */
	err = 0;
	if (!connection_is_outbound(connection))
		err = connection->app_fd = delivery_bind(&target);
	if (err >= 0)
		err = delivery_ask(connection, MESSAGE_SESSION);
	if (!err) {
		connection->worker->half_open--;
		return;
	}
	snprintf(reason, sizeof(reason), "the session cannot be opened: %s", strerror(-err));
	connection->relayed.stream.alert = SSL_AD_INTERNAL_ERROR;
	stream_close_write(&connection->relayed.stream);
	connection_refuse(connection, RECORD_FAILED, reason);
}

/* Another socket to the app, which the main process has to know before it is connected. */
static void delivery_try(struct connection *connection)
{
	struct endpoint target = delivery_target(connection);
	int err = connection->app_fd = delivery_bind(&target);

	if (err >= 0)
		err = delivery_ask(connection, MESSAGE_RELAY);
	if (err)
		delivery_give_up(connection, "the app cannot be reached", err);
}

void connection_retry_app(struct connection *connection)
{
	connection->app_is_loopback = false;
	delivery_try(connection);
}

/* An app that starts again, or loads its listener anew, is back within this time. */
static void delivery_wait(struct connection *connection, int err)
{
	struct worker *worker = connection->worker;
	uint64_t now = loop_now(worker->loop);

	if (!connection->app_refused)
		connection->app_refused = now;
	if (err != -ECONNREFUSED || now - connection->app_refused >= APP_RESTART_NS) {
		delivery_give_up(connection, "the app cannot be reached", err);
		return;
	}
	connection->phase = PHASE_WAITING;
	loop_timeout_start(worker->loop, &worker->retries, &connection->timeout);
}

static void delivery_refused(struct connection *connection, int err)
{
	struct worker *worker = connection->worker;
	struct endpoint target = endpoint_loopback(&connection->local);

	loop_timeout_stop(&worker->connects, &connection->timeout);
	loop_remove(worker->loop, &connection->app);
	connection_forget_app(connection);
	if (connection->app_is_loopback ||
	    !memcmp(target.addr, connection->local.addr, sizeof(target.addr))) {
		delivery_wait(connection, err);
		return;
	}
	connection->app_is_loopback = true;
	delivery_try(connection);
}

static void delivery_connect(struct connection *connection)
{
	struct endpoint target = delivery_target(connection);
	struct worker *worker = connection->worker;
	struct sockaddr_storage ss;
	socklen_t len = endpoint_sockaddr(&target, &ss);
	int err;

	connection->phase = PHASE_CONNECTING;
	if (connect(connection->app_fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS) {
		delivery_refused(connection, -errno);
		return;
	}
	err = loop_add(worker->loop, &connection->app, connection->app_fd,
		       EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (err) {
		delivery_give_up(connection, "the app cannot be watched", err);
		return;
	}
	loop_timeout_start(worker->loop, &worker->connects, &connection->timeout);
}

void connection_app_connected(struct connection *connection)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (getsockopt(connection->app_fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err) {
		delivery_refused(connection, -err);
		return;
	}
	loop_timeout_stop(&connection->worker->connects, &connection->timeout);
	connection_relay(connection);
}

/* The app is given the socket when this worker has it no more. */
static void delivery_let_go(struct connection *connection)
{
	struct worker *worker = connection->worker;
	const struct message message = {
		.type = MESSAGE_LET_GO,
		.cookie = connection->cookie,
		.order = connection->order ? connection->order->id : 0,
	};

	/* it may have come to its end while the main process was asked */
	if (connection->phase != PHASE_CLOSED)
		connection_hand_over(connection);
	if (message_send(worker->setup.main_fd, &message, NULL, 0) < 0)
		loop_stop(worker->loop);
}

void connection_answered(struct connection *connection, int error)
{
	connection->answer_due = false;
	if (connection->phase == PHASE_CLOSED) {
		if (error == MESSAGE_ADOPTED)
			delivery_let_go(connection);
		loop_discard(connection->worker->loop, &connection->garbage);
		return;
	}
	if (connection->retagging)
		connection_retagged(connection, error);
	else if (connection->departing)
		connection_departed(connection, error);
	else if (connection->carrying)
		connection_carried(connection, error);
	else if (error == MESSAGE_ADOPTED)
		delivery_let_go(connection);
	else if (error < 0)
		delivery_give_up(connection, "the main process refuses the session", error);
	else if (connection_is_outbound(connection))
		connection_relay(connection);
	else
		delivery_connect(connection);
}
