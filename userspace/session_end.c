// SPDX-License-Identifier: Apache-2.0
#include "userspace/session_end.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "policy/cleanup.h"
#include "userspace/agent.h"
#include "userspace/destroy.h"
#include "userspace/log.h"
#include "userspace/netns.h"

#define SESSION_END_BEAT 4096

struct session_end {
	uint64_t cookie;
	struct session session; /* as it was */
	uint32_t netns;
	bool begun; /* its entry says that it is revoked */
	bool closed; /* its gate */
	bool gone; /* the kernel had no such connection */
	int err; /* 0: its connection is no more */
};

/*
 * In the kernel its end is nobody's to tell of while we end it. The entry stays until the end is
 * recorded: a daemon that comes after a crash finds it.
 */
static int session_end_begin(struct agent *agent, struct session_end *end)
{
	struct session ours;
	int err;

	err = dataplane_session(agent->dataplane, end->cookie, &end->session);
	end->gone = err;
	if (err)
		return err;
	/* of a daemon before this one, which had lines there */
	err = dataplane_netns(agent->dataplane, agent->config, end->session.netns, &end->netns);
	if (err)
		return -ENONET;
	ours = end->session;
	ours.worker = LW_WORKER_NONE;
	ours.state = STATE_REVOKED;
	err = dataplane_session_update(agent->dataplane, end->cookie, &ours);
	end->begun = !err;
	return err;
}

static void session_end_destroy(struct nl_sock *socket, struct session_end *end)
{
	const struct session *session = &end->session;
	struct endpoint local = { .port = session->local_port, .scope = session->scope };
	struct endpoint peer = { .port = session->peer_port };

	memcpy(local.addr, session->local_addr, sizeof(local.addr));
	memcpy(peer.addr, session->peer_addr, sizeof(peer.addr));
	end->err = socket ? destroy_connection(socket, &local, &peer, end->cookie) : -EIO;
	end->gone = end->err == -ENOENT || end->err == -ESTALE;
}

/* A hundred thousand take longer than the service manager waits for a sign of life. */
static void session_end_beat(size_t done)
{
	if (done % SESSION_END_BEAT == SESSION_END_BEAT - 1)
		sd_notify(0, "WATCHDOG=1");
}

/* All gates before the first reset: while one is reset, no other one's peer is heard. */
static int session_end_in(struct agent *agent, uint32_t netns, struct session_end *ends,
			  size_t count, uint64_t *closed_at)
{
	struct nl_sock *socket;
	size_t i;
	int back, err;

	err = netns_enter(agent->config->namespaces[netns].path, &back);
	if (err)
		return err;
	for (i = 0; i < count; i++) {
		if (ends[i].err != -EINPROGRESS || ends[i].netns != netns)
			continue;
		ends[i].closed = dataplane_revoke(agent->dataplane, ends[i].cookie,
						  ends[i].session.scope) == 0;
		if (ends[i].closed)
			*closed_at = loop_clock();
	}
	socket = destroy_open();
	for (i = 0; i < count; i++) {
		session_end_beat(i);
		if (ends[i].err == -EINPROGRESS && ends[i].netns == netns)
			session_end_destroy(socket, &ends[i]);
	}
	destroy_close(socket);
	netns_leave(back);
	return 0;
}

/* Returns when the last gate was closed. */
static uint64_t session_end_all(struct agent *agent, struct session_end *ends, size_t count)
{
	uint64_t closed_at = 0;
	uint32_t netns;
	size_t i;
	int err;

	for (i = 0; i < count; i++) {
		err = session_end_begin(agent, &ends[i]);
		ends[i].err = err ? err : -EINPROGRESS;
	}
	for (netns = 0; netns < agent->config->namespace_count; netns++) {
		err = session_end_in(agent, netns, ends, count, &closed_at);
		for (i = 0; err && i < count; i++)
			if (ends[i].err == -EINPROGRESS && ends[i].netns == netns)
				ends[i].err = err;
	}
	return closed_at;
}

static void session_end_tell(struct agent *agent, const struct session_end *end, const char *why)
{
	if (end->err && !end->gone)
		log_line(LOG_ERR, "line %s: the connection with %s cannot be %s: %s",
			 end->session.line, end->session.peer,
			 end->closed ? "reset, its gate is closed" : "ended, and goes on",
			 strerror(-end->err));
	/*
	 * Behind a closed gate it has ended, as far as anybody can tell. One that goes on keeps its
	 * entry, which is found at the next change, or start, and tried again.
	 */
	if (end->begun && (!end->err || end->gone || end->closed))
		monitor_end_cookie(agent, end->cookie, why);
}

uint64_t session_end_many(struct agent *agent, const uint64_t *cookies, size_t count,
			  const char *why)
{
	struct session_end *ends _cleanup_free_ = calloc(count, sizeof(*ends));
	uint64_t closed_at = 0;
	size_t i;

	/* without memory for all, one after the other */
	for (i = 0; !ends && i < count; i++) {
		struct session_end end = { .cookie = cookies[i] };

		closed_at = session_end_all(agent, &end, 1);
		session_end_tell(agent, &end, why);
	}
	if (!ends)
		return closed_at;
	for (i = 0; i < count; i++)
		ends[i].cookie = cookies[i];
	closed_at = session_end_all(agent, ends, count);
	for (i = 0; i < count; i++) {
		session_end_beat(i);
		session_end_tell(agent, &ends[i], why);
	}
	return closed_at;
}

int session_end_one(struct agent *agent, uint64_t cookie, const char *why)
{
	struct session_end end = { .cookie = cookie };

	session_end_all(agent, &end, 1);
	/* an app's: the kernel told nobody of an end in between, and nobody else is going to */
	if (end.begun && end.gone && end.session.worker == LW_WORKER_ADOPTED)
		session_end_tell(agent, &end, "closed");
	else if (end.begun && end.err && !end.closed)
		dataplane_session_update(agent->dataplane, cookie, &end.session);
	else
		session_end_tell(agent, &end, why);
	return end.err;
}
