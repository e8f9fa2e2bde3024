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

#include "userspace/adoption.h"
#include "userspace/agent.h"
#include "userspace/carriers.h"
#include "userspace/destination.h"
#include "userspace/dispatch.h"
#include "userspace/fd.h"
#include "userspace/judge.h"
#include "userspace/ktls.h"
#include "userspace/message.h"
#include "userspace/reload.h"
#include "userspace/reverify.h"

/* records of connections without a verdict: 100 a second, after the first 2000 */
#define MONITOR_FAILURE_INTERVAL UINT64_C(10000000) /* ns */
#define MONITOR_FAILURE_BURST 2000

struct monitor_request {
	struct supervised *worker;
	const struct message *message;
	int client; /* the peer's socket, where TLS is spoken; -1 where the message brings none */
	int app;
	struct dispatched *dispatched; /* that it is made for, while somebody waits for it; NULL */
	int presented; /* of a session: sealed; else -1 */
};

/* -EPERM where the peer's socket is another one than the message is about. */
static int monitor_check_cookie(const struct monitor_request *request)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (getsockopt(request->client, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0)
		return -errno;
	return cookie == request->message->cookie ? 0 : -EPERM;
}

/* What the kernel says of the peer's socket. -EPERM where the worker says otherwise. */
static int monitor_identify(const struct monitor_request *request, struct endpoint *peer,
			    struct tag *tag)
{
	int err;

	err = endpoint_peer(request->client, peer);
	if (!err)
		err = monitor_check_cookie(request);
	if (err)
		return err;
	err = dataplane_tag(dataplane_tags_fd(request->worker->agent->dataplane), request->client,
			    tag);
	if (err)
		return err;
	return request->message->cookie == tag->cookie ? 0 : -EPERM;
}

/* A tag's line, in the configuration that the worker has: it may be one before today's. */
static const struct config_line *monitor_line(const struct monitor_request *request,
					      const struct tag *tag)
{
	return config_line_of(request->worker->shift->config, tag->line);
}

/* A worker's record must be of the line and the peer that the kernel knows for the socket. */
static bool monitor_record_fits(const struct monitor_request *request, const struct endpoint *peer,
				const struct tag *tag)
{
	const struct record *record = &request->message->record;
	const struct config_line *line = monitor_line(request, tag);
	char text[LW_ENDPOINT_LEN];

	if (!line || record->cookie != tag->cookie)
		return false;
	if (record->event == RECORD_OBSERVED && !judge_lets_pass(line, &record->verdict))
		return false;
	endpoint_format(peer, text);
	return !strcmp(text, record->peer) && !strcmp(line->name, record->line) &&
	       line->function == record->function && line->direction == record->direction &&
	       line->netns == request->worker->netns && line->rule.level == record->level;
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
	return dataplane_relay_add(agent->dataplane, request->worker->netns, &source, local.port,
				   peer, request->worker->id);
}

/* The app's end of an intercepted connection, of the line that the kernel gave it. */
static int monitor_target(const struct monitor_request *request, struct destination *target)
{
	const struct agent *agent = request->worker->agent;
	const struct config_line *line;
	struct tag tag;
	int err;

	if (request->dispatched) {
		*target = *dispatch_destination(request->dispatched);
		return 0;
	}
	err = dataplane_tag(dataplane_tags_fd(agent->dataplane), request->app, &tag);
	if (!err)
		err = dataplane_target(dataplane_targets_fd(agent->dataplane), request->app, target);
	if (err)
		return err;
	line = monitor_line(request, &tag);
	if (tag.state != STATE_HANDSHAKE || !line || tag.line != target->line ||
	    !destination_fits(target, line))
		return -EPERM;
	return 0;
}

/* The app's connection goes to that peer and by that line, and to no other. */
static int monitor_check_target(const struct monitor_request *request, const struct endpoint *peer,
				const struct tag *tag)
{
	struct destination target;
	int err;

	err = monitor_target(request, &target);
	if (err)
		return err;
	return target.line == tag->line && target.port == peer->port &&
			       !memcmp(target.addr, peer->addr, sizeof(target.addr)) ?
		       0 :
		       -EPERM;
}

/*
 * A connection of another configuration gets its line in the one in force. Whoever asks was started
 * with that one: a worker accepts no more before it is replaced.
 */
static int monitor_retag(const struct monitor_request *request)
{
	struct agent *agent = request->worker->agent;
	const struct config_line *line;
	struct destination target;
	struct endpoint peer, local;
	bool outbound;
	int err;

	err = endpoint_peer(request->client, &peer);
	if (!err)
		err = endpoint_local(request->client, &local);
	if (err)
		return err;
	if (request->worker->shift->config != agent->config)
		return -ESTALE;
	outbound = dataplane_target(dataplane_targets_fd(agent->dataplane), request->client,
				    &target) == 0;
	if (outbound) {
		memcpy(peer.addr, target.addr, sizeof(peer.addr));
		line = config_line_find(agent->config, request->worker->netns, DIRECTION_OUTBOUND,
					target.port, &peer);
	} else {
		line = config_line_find(agent->config, request->worker->netns, DIRECTION_INBOUND,
					local.port, &peer);
	}
	err = outbound && line ? dataplane_retarget(agent->dataplane, request->client,
						    config_line_number(agent->config, line)) :
				 0;
	if (!err)
		err = dataplane_retag(agent->dataplane, request->client, agent->config, line);
	return err ? err : line ? 0 : -ENOENT;
}

static int monitor_retired(const struct monitor_request *request)
{
	if (!request->worker->shift->retired)
		return -EPROTO;
	request->worker->accepts = false;
	reload_go_on(request->worker->agent->reload);
	return 0;
}

static int monitor_depart(const struct monitor_request *request)
{
	struct agent *agent = request->worker->agent;
	struct destination target;
	int err;

	err = monitor_check_cookie(request);
	if (!err)
		err = monitor_target(request, &target);
	if (err)
		return err;
	return dataplane_depart(agent->dataplane, request->client, request->message->cookie,
				request->worker->shift->config, target.line,
				request->dispatched);
}

static bool monitor_is_outbound(const struct monitor_request *request, const struct tag *tag)
{
	return monitor_line(request, tag)->direction == DIRECTION_OUTBOUND;
}

static int monitor_forget(const struct monitor_request *request)
{
	struct endpoint source;

	if (request->app >= 0 && !endpoint_local(request->app, &source))
		dataplane_relay_remove(request->worker->agent->dataplane, &source,
				       request->worker->id);
	return 0;
}

static void monitor_set_ends(struct session *session, const struct endpoint *peer,
			     const struct endpoint *local)
{
	memcpy(session->peer_addr, peer->addr, sizeof(session->peer_addr));
	memcpy(session->local_addr, local->addr, sizeof(session->local_addr));
	session->peer_port = peer->port;
	session->local_port = local->port;
	session->scope = local->scope;
}

/* An observed session's verdict does not hold at all: no second is its last. */
static uint64_t monitor_valid_until(const struct record *record)
{
	const int64_t until = record->verdict.holds_until;

	return record->event == RECORD_ACCEPTED && until != INT64_MAX ? (uint64_t)until : 0;
}

static int monitor_add_session(const struct monitor_request *request, const struct endpoint *peer,
			       const struct endpoint *local, bool adopted)
{
	struct agent *agent = request->worker->agent;
	const struct record *record = &request->message->record;
	struct session session = {
		.function = record->function,
		.level = (enum lw_level)record->level,
		.state = STATE_VERIFIED,
		.direction = record->direction,
		.netns = dataplane_cookie(request->worker->agent->dataplane, request->worker->netns),
		.worker = adopted ? LW_WORKER_ADOPTED : request->worker->id,
		.opened = (uint64_t)time(NULL),
		.not_after = (uint64_t)record->not_after,
		.valid_until = monitor_valid_until(record),
	};
	struct presented_marks marks;
	int err;

	snprintf(session.line, sizeof(session.line), "%s", record->line);
	snprintf(session.peer, sizeof(session.peer), "%s", record->peer);
	snprintf(session.local, sizeof(session.local), "%s", record->local);
	snprintf(session.fingerprint, sizeof(session.fingerprint), "%s", record->fingerprint);
	snprintf(session.tls, sizeof(session.tls), "%s", record->tls);
	snprintf(session.cipher, sizeof(session.cipher), "%s", record->cipher);
	snprintf(session.ktls, sizeof(session.ktls), "%s", record->ktls);
	snprintf(session.reason, sizeof(session.reason), "%s",
		 record->verdict.accepted ? "accepted" : check_name(record->verdict.failed));
	snprintf(session.delivery, sizeof(session.delivery), "%s", adopted ? "adopt" : "relay");
	monitor_set_ends(&session, peer, local);
	err = reverify_keep(agent->reverify, request->presented, session.chain, &marks);
	if (err)
		return err;
	err = dataplane_session_add(agent->dataplane, record->cookie, &session);
	if (!err)
		err = reverify_add(agent->reverify, record->cookie, &session,
				   record->event == RECORD_ACCEPTED ? &marks : NULL,
				   request->message->policy == agent->policy &&
					   request->worker->shift->config == agent->config);
	if (err)
		reverify_drop(agent->reverify, session.chain);
	return err;
}

static int monitor_record(const struct monitor_request *request)
{
	struct agent *agent = request->worker->agent;
	const struct record *record = &request->message->record;

	/* an acceptance comes with its socket, as MESSAGE_SESSION */
	if (record->event != RECORD_REFUSED && record->event != RECORD_FAILED)
		return -EPROTO;
	dataplane_count_verdict(agent->dataplane, record);
	/* anybody can make connections that fail; a verdict costs a handshake and is always told */
	if (record->event == RECORD_FAILED &&
	    !bucket_take(&agent->failures, loop_now(agent->loop), MONITOR_FAILURE_INTERVAL,
			 MONITOR_FAILURE_BURST))
		agent->audit_suppressed++;
	else
		monitor_audit(agent, record);
	return 0;
}

/*
 * Whether the app is given the socket itself. Only a session that the kernel has can be:
 * -ENOTSUP where the line is to have it so and it cannot be.
 */
static int monitor_adopts(const struct monitor_request *request, const struct tag *tag,
			  const struct endpoint *local, bool *adopts)
{
	const struct agent *agent = request->worker->agent;
	const struct config_line *line = monitor_line(request, tag);
	const bool kernel = ktls_is_installed(request->client);

	if (line->direction == DIRECTION_OUTBOUND) {
		*adopts = request->dispatched;
		return *adopts && !kernel ? -ENOTSUP : 0;
	}
	*adopts = line->delivery == CONFIG_DELIVERY_ADOPT ||
		  (line->delivery == CONFIG_DELIVERY_AUTO && kernel &&
		   adoption_has(agent->adoption, line->netns, local));
	if (*adopts && adoption_is_full(agent->adoption, line->netns, local))
		return -EBUSY;
	return *adopts && !kernel ? -ENOTSUP : 0;
}

/*
 * A session is opened once: the entry of one that is open may be another's by now. And what was
 * ordered is a connection to a peer.
 */
static bool monitor_may_open(const struct monitor_request *request, const struct endpoint *peer,
			     const struct tag *tag)
{
	return tag->state == STATE_HANDSHAKE && monitor_record_fits(request, peer, tag) &&
	       (!request->dispatched || monitor_is_outbound(request, tag));
}

static const char *monitor_strerror(int err)
{
	return err == -ENOSPC ? "run-path has no room left for what its peer presented" :
				strerror(-err);
}

static int monitor_session(const struct monitor_request *request)
{
	struct agent *agent = request->worker->agent;
	const struct record *record = &request->message->record;
	struct record told;
	struct endpoint peer, local;
	struct tag tag;
	struct given *given = NULL;
	bool adopts = false;
	int err;

	if (!record_opens(record))
		return -EPROTO;
	err = monitor_identify(request, &peer, &tag);
	/* once: what is open, or was ended, is not opened again, nor its entry written anew */
	if (!err && !monitor_may_open(request, &peer, &tag))
		err = -EPERM;
	if (err == -EPERM)
		return err;
	if (!err)
		err = endpoint_local(request->client, &local);
	if (!err)
		err = monitor_adopts(request, &tag, &local, &adopts);
	/* the entries first: the gate opens when everything else is in place */
	if (!err && monitor_is_outbound(request, &tag))
		err = monitor_check_target(request, &peer, &tag);
	else if (!err && !adopts)
		err = monitor_enter_relay(request, &peer);
	if (err == -EPERM)
		return err;
	if (!err && adopts && !request->dispatched)
		err = adoption_hold(agent->adoption, request->worker->id, request->worker->netns,
				    &local, record->cookie, request->client, &given);
	else if (!err && request->dispatched)
		err = dispatch_hold(request->dispatched, request->client);
	/* decrypts into the reader's memory; TLS 1.2 has no padding to expect */
	if (!err && agent->features.has[KTLS_NO_PAD])
		ktls_expect_no_pad(request->client);
	if (!err)
		err = monitor_add_session(request, &peer, &local, adopts);
	if (!err)
		err = dataplane_verify(agent->dataplane, request->client);
	told = *record;
	snprintf(told.delivery, sizeof(told.delivery), "%s",
		 err ? "" : adopts ? "adopt" : "relay");
	if (err) {
		adoption_drop(given);
		monitor_forget(request);
		dataplane_session_remove(agent->dataplane, record->cookie);
		reverify_forget(agent->reverify, record->cookie);
		told.event = RECORD_FAILED;
		snprintf(told.reason, sizeof(told.reason), "the session cannot be opened: %s",
			 monitor_strerror(err));
	}
	dataplane_count_verdict(agent->dataplane, &told);
	monitor_audit(agent, &told);
	if (err && request->dispatched)
		dispatch_done(request->dispatched, -ECONNREFUSED);
	return err ? err : adopts ? MESSAGE_ADOPTED : 0;
}

static int monitor_undone(const struct monitor_request *request)
{
	const int32_t error = request->message->error;

	/* no errno: include/linux/err.h, MAX_ERRNO */
	if (error < -4095)
		return -EPROTO;
	/* it, and word that nobody waits for it, may have met on the way */
	if (request->dispatched)
		dispatch_done(request->dispatched, error);
	return 0;
}

static int monitor_let_go(const struct monitor_request *request)
{
	const struct message *message = request->message;

	if (request->dispatched)
		dispatch_done(request->dispatched, 0);
	else if (message->cookie)
		adoption_let_go(request->worker->agent->adoption, request->worker->id,
				message->cookie);
	return 0;
}

static int monitor_relay(const struct monitor_request *request)
{
	struct endpoint peer;
	struct tag tag;
	int err;

	err = monitor_identify(request, &peer, &tag);
	if (err)
		return err;
	if (tag.state != STATE_VERIFIED || !monitor_line(request, &tag) ||
	    monitor_is_outbound(request, &tag))
		return -EPERM;
	return monitor_enter_relay(request, &peer);
}

static int monitor_end(const struct monitor_request *request)
{
	struct agent *agent = request->worker->agent;
	const struct message *message = request->message;
	const struct monitor_end end = {
		.bytes_in = message->end.bytes_in,
		.bytes_out = message->end.bytes_out,
		.why = message->end.why,
	};
	struct session session;

	monitor_forget(request);
	/* of a session of this worker and of no other */
	if (dataplane_session(agent->dataplane, message->cookie, &session) == 0 &&
	    session.worker == request->worker->id)
		monitor_end_session(agent, message->cookie, &session, &end);
	return 0;
}

/* The app's side is there, and was shown whom it has to do with. */
static int monitor_check_app(const struct monitor_request *request, const struct endpoint *local)
{
	struct endpoint source, app;
	int err;

	err = endpoint_local(request->app, &source);
	if (!err)
		err = endpoint_peer(request->app, &app);
	if (err)
		return err;
	return dataplane_relay_has(request->worker->agent->dataplane, request->worker->netns,
				   &source, local->port) ?
		       -EAGAIN :
		       0;
}

static int monitor_carry(const struct monitor_request *request)
{
	struct agent *agent = request->worker->agent;
	const uint64_t cookie = request->message->cookie;
	struct endpoint peer, local;
	struct session session;
	struct tag tag;
	int err;

	err = monitor_identify(request, &peer, &tag);
	if (!err)
		err = endpoint_local(request->client, &local);
	if (!err)
		err = monitor_check_app(request, &local);
	if (!err)
		err = dataplane_session(agent->dataplane, cookie, &session);
	if (err)
		return err;
	/* of this worker; somebody else's, or one that is being ended, is not its to give away */
	if (tag.state != STATE_VERIFIED || session.worker != request->worker->id ||
	    !ktls_is_installed(request->client))
		return -ENOTSUP;
	return carriers_give(agent->carriers, cookie, &session, request->client, request->app,
			     &request->message->carry);
}

static int monitor_judged(const struct monitor_request *request)
{
	return reverify_judged(request->worker->agent->reverify, request->worker->id,
			       request->message);
}

/* a type without a row is one that only the main process sends */
static const struct monitor_row {
	int (*handle)(const struct monitor_request *request);
	bool answered;
	bool app_only;
} monitor_rows[MESSAGE_TYPE_COUNT] = {
	[MESSAGE_RECORD] = { monitor_record },
	[MESSAGE_RETAG] = { monitor_retag, .answered = true },
	[MESSAGE_DEPART] = { monitor_depart, .answered = true },
	[MESSAGE_SESSION] = { monitor_session, .answered = true },
	[MESSAGE_RELAY] = { monitor_relay, .answered = true },
	[MESSAGE_CARRY] = { monitor_carry, .answered = true },
	[MESSAGE_FORGET] = { monitor_forget, .app_only = true },
	[MESSAGE_END] = { monitor_end, .app_only = true },
	[MESSAGE_RETIRED] = { monitor_retired },
	[MESSAGE_LET_GO] = { monitor_let_go },
	[MESSAGE_UNDONE] = { monitor_undone },
	[MESSAGE_JUDGED] = { monitor_judged },
};

static struct dispatched *monitor_dispatched(const struct supervised *worker,
					     const struct message *message)
{
	const struct dispatch *dispatch = worker->agent->dispatch;

	return message->order && dispatch ? dispatch_find(dispatch, worker->id, message->order) :
					    NULL;
}

int monitor_handle(struct supervised *worker)
{
	struct message message, answer = { .type = MESSAGE_ANSWER };
	struct monitor_request request = { .worker = worker, .message = &message };
	const struct monitor_row *row;
	int fds[PACKET_FDS_MAX];
	int err;

	err = message_receive(worker->io.fd, &message, fds);
	if (err)
		return err;
	row = &monitor_rows[message.type];
	/* a message about the app's socket alone has that first */
	_cleanup_fd_ int client = fds[row->app_only ? 1 : 0];
	_cleanup_fd_ int app = fds[row->app_only ? 0 : 1];
	_cleanup_fd_ int presented = fds[2];

	/* what was ordered has no app's socket */
	if (message.type == MESSAGE_SESSION && message.order) {
		presented = app;
		app = -1;
	}
	request.client = client;
	request.app = app;
	request.presented = presented;
	if (!row->handle)
		return -EPROTO;
	request.dispatched = monitor_dispatched(worker, &message);
	/* nobody waits for it any more, which the worker may not have heard yet */
	if (message.order && !request.dispatched && row->answered)
		err = -ECANCELED;
	else
		err = row->handle(&request);
	if (message.type == MESSAGE_CARRY)
		carry_wipe(&message.carry);
	/* a worker that lies about a socket, or says what is not its to say */
	if (err == -EPERM || err == -EPROTO)
		return -EPROTO;
	if (!row->answered)
		return 0;
	answer.cookie = message.cookie;
	answer.error = err;
	err = message_send(worker->io.fd, &answer, NULL, 0);
	/* one that has ended hears no answer: what it said after that is heard all the same */
	return err == -EPIPE ? 0 : err;
}
