// SPDX-License-Identifier: Apache-2.0
#include "userspace/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/alert.h"
#include "userspace/dataplane.h"
#include "userspace/ktls.h"
#include "userspace/log.h"
#include "userspace/message.h"
#include "userspace/order.h"
#include "userspace/tls_resume.h"

/* what a refused peer may still send before it is cut off */
#define LINGER_BYTES_MAX 65536

static void connection_release(struct loop_garbage *garbage)
{
	free(CONTAINER_OF(garbage, struct connection, garbage));
}

static struct loop_timeouts *connection_queue(struct connection *connection)
{
	switch (connection->phase) {
	case PHASE_CONNECTING:
	case PHASE_DIALLING:
		return &connection->worker->connects;
	case PHASE_WAITING:
		return &connection->worker->retries;
	case PHASE_LINGERING:
		return &connection->worker->lingers;
	default:
		return &connection->worker->handshakes;
	}
}

static void connection_tell(struct connection *connection, const struct message *message,
			    const int *fd)
{
	struct worker *worker = connection->worker;
	int err;

	if (worker->stopping)
		return;
	err = message_send(worker->setup.main_fd, message, fd, fd ? 1 : 0);
	if (err) {
		/* no audit, no service */
		log_line(LOG_ERR, "the main process does not listen: %s", strerror(-err));
		loop_stop(worker->loop);
	}
}

static void connection_report(struct connection *connection)
{
	struct message message = {
		.type = MESSAGE_RECORD,
		.cookie = connection->cookie,
		.record = *connection->record,
	};

	message.record.time_ms = record_clock_ms();
	connection_tell(connection, &message, NULL);
	free(connection->record);
	connection->record = NULL;
}

static void connection_report_end(struct connection *connection, const char *why)
{
	struct message message = {
		.type = MESSAGE_END,
		.cookie = connection->cookie,
		.end = {
			.bytes_in = connection->relayed.relay.up.bytes,
			.bytes_out = connection->relayed.relay.down.bytes,
		},
	};

	snprintf(message.end.why, sizeof(message.end.why), "%s", why);
	/* inbound: what the kernel keeps of the socket to the app is forgotten by it */
	connection_tell(connection, &message,
			connection->app_fd >= 0 && !connection_is_outbound(connection) ?
				&connection->app_fd :
				NULL);
}

int connection_ask(struct connection *connection, const struct message *message, int another)
{
	struct worker *worker = connection->worker;
	struct message question = *message;
	size_t count = 0;
	int fds[3], err;

	question.order = connection->order ? connection->order->id : 0;
	if (connection->fd >= 0)
		fds[count++] = connection->fd;
	if (connection->app_fd >= 0)
		fds[count++] = connection->app_fd;
	if (another >= 0)
		fds[count++] = another;
	err = message_send(worker->setup.main_fd, &question, fds, count);
	if (question.type == MESSAGE_CARRY)
		carry_wipe(&question.carry);
	if (err)
		return err;
	connection->answer_due = true;
	connection->phase = PHASE_ASKED;
	STAILQ_INSERT_TAIL(&worker->asked, connection, asked);
	return 0;
}

static void connection_set_reset(int fd)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* An app whose connect() came to nothing hears of that as it would from the peer. */
static void connection_reset_app(struct connection *connection)
{
	if (connection->app_fd < 0)
		return;
	loop_remove(connection->worker->loop, &connection->app);
	connection_set_reset(connection->app_fd);
	close(connection->app_fd);
	connection->app_fd = -1;
}

void connection_forget_app(struct connection *connection)
{
	const struct message message = { .type = MESSAGE_FORGET, .cookie = connection->cookie };

	connection_tell(connection, &message, &connection->app_fd);
	close(connection->app_fd);
	connection->app_fd = -1;
}

void connection_close(struct connection *connection, bool reset, const char *why)
{
	struct worker *worker = connection->worker;

	if (connection->phase == PHASE_CLOSED)
		return;
	loop_timeout_stop(connection_queue(connection), &connection->timeout);
	loop_timeout_stop(&worker->carries, &connection->carry);
	loop_remove(worker->loop, &connection->client);
	loop_remove(worker->loop, &connection->app);
	if (connection->is_session)
		connection_report_end(connection, why);
	else if (!connection->handed_over)
		worker->half_open--;
	free(connection->record);
	connection->record = NULL;
	order_end(connection);
	relayed_release(&connection->relayed);
	SSL_free(connection->tls);
	connection->tls = NULL;
	tls_resume_end(connection);
	presented_free(&connection->presented);
	if (reset) {
		connection_set_reset(connection->fd);
		connection_set_reset(connection->app_fd);
	}
	if (connection->fd >= 0)
		close(connection->fd);
	if (connection->app_fd >= 0)
		close(connection->app_fd);
	connection->fd = connection->app_fd = -1;
	connection->phase = PHASE_CLOSED;
	LIST_REMOVE(connection, entry);
	worker_rest(worker);
	/* while a question is under way its answer still finds it in the queue */
	if (!connection->answer_due)
		loop_discard(worker->loop, &connection->garbage);
}

void connection_hand_over(struct connection *connection)
{
	order_forget(connection);
	connection->is_session = false;
	connection->handed_over = true;
	connection_close(connection, false, "");
}

/* Reads and forgets until the peer has closed: a close with unread bytes would be a RST. */
static void connection_linger(struct connection *connection)
{
	char waste[4096];
	ssize_t n;

	do {
		n = recv(connection->fd, waste, sizeof(waste), MSG_DONTWAIT);
		if (n > 0)
			connection->lingered += (uint64_t)n;
	} while (n > 0 && connection->lingered < LINGER_BYTES_MAX);
	if (n < 0 && errno == EAGAIN)
		return;
	connection_close(connection, false, "");
}

void connection_refuse(struct connection *connection, enum record_event event, const char *reason)
{
	struct worker *worker = connection->worker;
	struct record *record = connection->record;

	loop_timeout_stop(connection_queue(connection), &connection->timeout);
	record->event = event;
	snprintf(record->reason, sizeof(record->reason), "%s", reason);
	if (connection->alert)
		snprintf(record->alert, sizeof(record->alert), "%s",
			 alert_name(connection->alert));
	connection_report(connection);
	order_end(connection);
	SSL_free(connection->tls);
	connection->tls = NULL;
	connection->phase = PHASE_LINGERING;
	/* before a verdict only an outbound connection has an app */
	connection_reset_app(connection);
	loop_timeout_start(worker->loop, &worker->lingers, &connection->timeout);
	if (shutdown(connection->fd, SHUT_WR) < 0)
		connection_close(connection, true, "");
	else
		connection_linger(connection);
}

void connection_cut(struct connection *connection, const char *why)
{
	struct worker *worker = connection->worker;

	loop_timeout_stop(connection_queue(connection), &connection->timeout);
	loop_timeout_stop(&worker->carries, &connection->carry);
	loop_remove(worker->loop, &connection->client);
	loop_remove(worker->loop, &connection->app);
	connection_report_end(connection, why);
	/* one that has not begun ends for the app as one that was refused */
	if (connection->phase == PHASE_ASKED && connection_is_outbound(connection))
		connection_reset_app(connection);
	relayed_linger(&connection->relayed);
	if (connection->app_fd >= 0)
		close(connection->app_fd);
	connection->app_fd = -1;
	connection->is_session = false;
	connection->phase = PHASE_LINGERING;
	worker->half_open++;
	loop_timeout_start(worker->loop, &worker->lingers, &connection->timeout);
}

static void connection_relayed(struct relayed *relayed, enum relayed_end how)
{
	struct connection *connection = CONTAINER_OF(relayed, struct connection, relayed);

	switch (how) {
	case RELAYED_CUT:
		connection_cut(connection, relayed->relay.why);
		return;
	case RELAYED_CLOSED:
	case RELAYED_BROKEN:
		connection_close(connection, how == RELAYED_BROKEN, relayed->relay.why);
		return;
	case RELAYED_GONE:
		connection_close(connection, false, "");
		return;
	}
}

static void connection_client_ready(struct loop_io *io, uint32_t events)
{
	struct connection *connection = CONTAINER_OF(io, struct connection, client);

	(void)events;
	switch (connection->phase) {
	case PHASE_HANDSHAKE:
		connection_handshake(connection);
		return;
	case PHASE_DIALLING:
		connection_dialled(connection);
		return;
	case PHASE_RELAYING:
		return; /* relayed.c */
	case PHASE_LINGERING:
		connection_linger(connection);
		return;
	case PHASE_ASKED:
	case PHASE_CONNECTING:
	case PHASE_WAITING:
		return; /* the relay asks the socket itself when it begins */
	case PHASE_CLOSED:
		return;
	}
}

static void connection_app_ready(struct loop_io *io, uint32_t events)
{
	struct connection *connection = CONTAINER_OF(io, struct connection, app);

	if (connection->phase == PHASE_CONNECTING)
		connection_app_connected(connection);
	else if ((connection->phase == PHASE_DIALLING || connection->phase == PHASE_HANDSHAKE) &&
		 (events & (EPOLLHUP | EPOLLERR)))
		connection_refuse(connection, RECORD_FAILED,
				  "the app gave up before the TLS handshake was over");
}

static int connection_identify(struct connection *connection)
{
	const struct config *config = connection->worker->setup.config;
	struct record *record = connection->record;
	struct tag tag;
	int err;

	endpoint_format(&connection->peer, record->peer);
	err = endpoint_local(connection->fd, &connection->local);
	if (err)
		return err;
	endpoint_format(&connection->local, record->local);
	err = dataplane_tag(connection->worker->setup.tags_fd, connection->fd, &tag);
	if (err)
		return err;
	connection->cookie = record->cookie = tag.cookie;
	if (tag.state != STATE_HANDSHAKE || !tag.line)
		return -EADDRNOTAVAIL;
	connection->line = config_line_of(config, tag.line);
	/* other lines were in force when it was established */
	if (tag.generation != connection->worker->setup.generation || !connection->line)
		return -ESTALE;
	if (connection->line->direction != DIRECTION_INBOUND)
		return -EADDRNOTAVAIL;
	record_set_line(record, connection->line);
	return 0;
}

/* Before the first byte: once the peer has half-closed it fails, and writes would be plain. */
static int connection_prepare_socket(struct connection *connection)
{
	const int on = 1;

	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(connection->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return connection->worker->setup.kernel_tls ? ktls_attach(connection->fd) : 0;
}

/* The oldest half-open connection makes room, so that a flood cannot keep a good peer out. */
static void connection_make_room(struct worker *worker)
{
	struct loop_timeout *oldest = TAILQ_FIRST(&worker->lingers.waiting);

	if (worker->half_open < worker->setup.config->max_handshakes)
		return;
	if (oldest) {
		connection_close(CONTAINER_OF(oldest, struct connection, timeout), true, "");
		return;
	}
	oldest = TAILQ_FIRST(&worker->handshakes.waiting);
	if (oldest)
		connection_refuse(CONTAINER_OF(oldest, struct connection, timeout), RECORD_FAILED,
				  "too many half-open handshakes: the oldest made room");
}

struct connection *connection_new(struct worker *worker, int fd, int app_fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct record *record = calloc(1, sizeof(*record));

	if (!connection || !record) {
		free(connection);
		free(record);
		if (fd >= 0)
			close(fd);
		if (app_fd >= 0)
			close(app_fd);
		return NULL;
	}
	connection_make_room(worker);
	worker->half_open++;
	*connection = (struct connection){
		.worker = worker,
		.fd = fd,
		.app_fd = app_fd,
		.client = { -1, connection_client_ready },
		.app = { -1, connection_app_ready },
		.garbage.release = connection_release,
		.record = record,
	};
	relayed_init(&connection->relayed, worker->loop, connection_relayed);
	LIST_INSERT_HEAD(&worker->connections, connection, entry);
	return connection;
}

int connection_begin(struct connection *connection)
{
	int err;

	err = connection_prepare_socket(connection);
	if (!err)
		err = connection_handshake_start(connection);
	return err;
}

void connection_turn_away(struct connection *connection, const char *why)
{
	struct record *record = connection->record;

	record->event = RECORD_FAILED;
	snprintf(record->reason, sizeof(record->reason), "%s", why);
	connection_report(connection);
	connection_close(connection, true, "");
}

void connection_enter(struct connection *connection)
{
	struct worker *worker = connection->worker;
	int err = connection_identify(connection);

	if (err == -ESTALE && connection_retag(connection))
		return;
	if (err) {
		connection_turn_away(connection, err == -EADDRNOTAVAIL || err == -ESTALE ?
							 "no line claims this address" :
							 "the socket cannot be told");
		return;
	}
	err = connection_begin(connection);
	if (!err)
		err = loop_add(worker->loop, &connection->client, connection->fd,
			       EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (err) {
		connection_refuse(connection, RECORD_FAILED,
				  err == -ENOTCONN ? "the client closed before the TLS handshake" :
						     strerror(-err));
		return;
	}
	loop_timeout_start(worker->loop, &worker->handshakes, &connection->timeout);
	connection_handshake(connection);
}

void connection_accept(struct worker *worker, int fd, const struct endpoint *peer)
{
	struct connection *connection = connection_new(worker, fd, -1);

	if (!connection)
		return;
	connection->peer = *peer;
	connection_enter(connection);
}

void connection_close_all(struct worker *worker)
{
	struct connection *connection, *next;

	worker->stopping = true;
	for (connection = LIST_FIRST(&worker->connections); connection; connection = next) {
		next = LIST_NEXT(connection, entry);
		if (connection->phase == PHASE_RELAYING)
			stream_close_write(&connection->relayed.stream);
		connection->answer_due = false;
		connection_close(connection, false, "");
	}
}
