// SPDX-License-Identifier: Apache-2.0
/*
 * What a worker may ask of the main process. Each request is a row; what it claims about a
 * socket is read from the socket itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "userspace/agent.h"
#include "userspace/fd.h"
#include "userspace/log.h"
#include "userspace/message.h"

struct monitor_request {
	struct supervised *worker;
	const struct message *message;
	int client, app; /* -1 where the message brings none */
};

static void monitor_audit(struct agent *agent, const struct record *record)
{
	int err = audit_write(agent->audit, record);

	if (!err)
		return;
	/* once: a full disk is not to fill the journal as well */
	if (!agent->audit_lost++)
		log_line(LOG_ERR, "audit log %s: %s; records are being lost",
			 agent->config->audit_log, strerror(-err));
}

/* The worker's record, with what the kernel knows better. -EPERM where the two differ. */
static int monitor_identify(const struct monitor_request *request, struct endpoint *peer)
{
	const struct record *record = &request->message->record;
	char text[LW_ENDPOINT_LEN];
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int err;

	err = endpoint_peer(request->client, peer);
	if (err)
		return err;
	if (getsockopt(request->client, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0)
		return -errno;
	if (cookie != request->message->cookie)
		return -EPERM;
	if (request->message->type != MESSAGE_SESSION)
		return 0;
	endpoint_format(peer, text);
	return strcmp(text, record->peer) || record->cookie != cookie ? -EPERM : 0;
}

static int monitor_enter_relay(const struct monitor_request *request, const struct endpoint *peer)
{
	struct agent *agent = request->worker->agent;
	struct endpoint source, local;
	int err;

	err = endpoint_local(request->app, &source);
	if (!err)
		err = endpoint_local(request->client, &local);
	if (err)
		return err;
	if (!source.port)
		return -EINVAL;
	return dataplane_relay_add(agent->dataplane, &source, local.port, peer);
}

static int monitor_add_session(const struct monitor_request *request)
{
	const struct record *record = &request->message->record;
	struct session session = {
		.function = record->function,
		.level = (enum lw_level)record->level,
		.state = STATE_VERIFIED,
		.worker = request->worker->id,
		.opened = (uint64_t)time(NULL),
		.not_after = (uint64_t)record->not_after,
	};

	snprintf(session.line, sizeof(session.line), "%s", record->line);
	snprintf(session.peer, sizeof(session.peer), "%s", record->peer);
	snprintf(session.local, sizeof(session.local), "%s", record->local);
	snprintf(session.fingerprint, sizeof(session.fingerprint), "%s", record->fingerprint);
	snprintf(session.tls, sizeof(session.tls), "%s", record->tls);
	snprintf(session.cipher, sizeof(session.cipher), "%s", record->cipher);
	snprintf(session.ktls, sizeof(session.ktls), "%s", record->ktls);
	return dataplane_session_add(request->worker->agent->dataplane, record->cookie, &session);
}

static int monitor_record(const struct monitor_request *request)
{
	const struct record *record = &request->message->record;

	/* an acceptance comes with its socket, as MESSAGE_SESSION */
	if (record->event != RECORD_REFUSED && record->event != RECORD_FAILED)
		return -EPROTO;
	dataplane_count_verdict(request->worker->agent->dataplane, record);
	monitor_audit(request->worker->agent, record);
	return 0;
}

static int monitor_session(const struct monitor_request *request)
{
	struct agent *agent = request->worker->agent;
	const struct record *record = &request->message->record;
	struct endpoint peer;
	int err;

	if (record->event != RECORD_ACCEPTED)
		return -EPROTO;
	err = monitor_identify(request, &peer);
	if (err == -EPERM)
		return err;
	/* the entries first: the gate opens when everything else is in place */
	if (!err)
		err = monitor_add_session(request);
	if (!err)
		err = monitor_enter_relay(request, &peer);
	if (!err)
		err = dataplane_verify(agent->dataplane, request->client);
	if (err)
		dataplane_session_remove(agent->dataplane, record->cookie);
	else
		dataplane_count_verdict(agent->dataplane, record);
	monitor_audit(agent, record);
	return err;
}

static int monitor_relay(const struct monitor_request *request)
{
	struct endpoint peer;
	int err;

	err = monitor_identify(request, &peer);
	return err ? err : monitor_enter_relay(request, &peer);
}

static int monitor_end(const struct monitor_request *request)
{
	const struct record *record = &request->message->record;

	if (record->event != RECORD_ENDED)
		return -EPROTO;
	dataplane_session_remove(request->worker->agent->dataplane, record->cookie);
	monitor_audit(request->worker->agent, record);
	return 0;
}

/* a type without a row is one that only the main process sends */
static const struct monitor_row {
	int (*handle)(const struct monitor_request *request);
	bool answered;
} monitor_rows[MESSAGE_TYPE_COUNT] = {
	[MESSAGE_RECORD] = { monitor_record, false },
	[MESSAGE_SESSION] = { monitor_session, true },
	[MESSAGE_RELAY] = { monitor_relay, true },
	[MESSAGE_END] = { monitor_end, false },
};

int monitor_handle(struct supervised *worker)
{
	struct message message, answer = { .type = MESSAGE_ANSWER };
	struct monitor_request request = { .worker = worker, .message = &message };
	const struct monitor_row *row;
	int fds[MESSAGE_FDS_MAX];
	int err;

	err = message_receive(worker->io.fd, &message, fds);
	if (err)
		return err;
	_cleanup_fd_ int client = fds[0];
	_cleanup_fd_ int app = fds[1];

	request.client = client;
	request.app = app;
	row = &monitor_rows[message.type];
	if (!row->handle)
		return -EPROTO;
	err = row->handle(&request);
	/* a worker that lies about a socket, or says what is not its to say */
	if (err == -EPERM || err == -EPROTO)
		return -EPROTO;
	if (!row->answered)
		return 0;
	answer.cookie = message.cookie;
	answer.error = err;
	return message_send(worker->io.fd, &answer, NULL, 0);
}
