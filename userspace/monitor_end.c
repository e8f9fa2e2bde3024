// SPDX-License-Identifier: Apache-2.0
/* What is said of a session when it ends, or is let live: once, by whoever takes its entry away. */
#include <stdio.h>
#include <string.h>

#include "userspace/agent.h"
#include "userspace/carriers.h"
#include "userspace/log.h"
#include "userspace/reverify.h"

void monitor_audit(struct agent *agent, const struct record *record)
{
	int err = audit_write(agent->audit, record);

	if (!err)
		return;
	/* once: a full disk is not to fill the journal as well */
	if (!agent->audit_lost++)
		log_line(LOG_ERR, "audit log %s: %s; records are being lost",
			 agent->config->audit_log, strerror(-err));
}

void monitor_record_end(struct agent *agent, uint64_t cookie, const struct session *session,
			const struct monitor_end *end)
{
	struct record record = {
		.time_ms = record_clock_ms(),
		.cookie = cookie,
		.event = RECORD_ENDED,
		.bytes_in = end->bytes_in,
		.bytes_out = end->bytes_out,
	};

	record_set_session(&record, session);
	snprintf(record.reason, sizeof(record.reason), "%s", end->why);
	reverify_forget(agent->reverify, cookie);
	monitor_audit(agent, &record);
}

void monitor_spared(struct agent *agent, uint64_t cookie, const struct session *session,
		    const char *why)
{
	struct record record = {
		.time_ms = record_clock_ms(),
		.cookie = cookie,
		.event = RECORD_SPARED,
	};

	record_set_session(&record, session);
	snprintf(record.reason, sizeof(record.reason), "%s", why);
	monitor_audit(agent, &record);
}

bool monitor_end_session(struct agent *agent, uint64_t cookie, const struct session *session,
			 const struct monitor_end *end)
{
	/* whoever takes the entry away tells of the end: the kernel does so, too */
	if (dataplane_session_remove(agent->dataplane, cookie) < 0)
		return false;
	monitor_record_end(agent, cookie, session, end);
	return true;
}

void monitor_ended(struct agent *agent, const struct ending *ending)
{
	const struct monitor_end end = {
		.bytes_in = ending->bytes_in,
		.bytes_out = ending->bytes_out,
		.why = "closed",
	};

	if (ending->session.worker == LW_WORKER_CARRIED)
		carriers_ending(agent->carriers, ending);
	else
		monitor_record_end(agent, ending->cookie, &ending->session, &end);
}

void monitor_end_cookie(struct agent *agent, uint64_t cookie, const char *why)
{
	const struct monitor_end end = { .why = why };
	struct session session;

	if (dataplane_session(agent->dataplane, cookie, &session) < 0)
		return;
	monitor_end_session(agent, cookie, &session, &end);
}

struct monitor_orphans {
	struct agent *agent;
	uint32_t worker;
	struct monitor_end end;
	unsigned int count;
};

static void monitor_end_orphan(uint64_t cookie, const struct session *session, void *arg)
{
	struct monitor_orphans *orphans = arg;

	if (session->worker != orphans->worker)
		return;
	monitor_end_session(orphans->agent, cookie, session, &orphans->end);
	orphans->count++;
}

unsigned int monitor_end_sessions(struct agent *agent, uint32_t worker, const char *why)
{
	struct monitor_orphans orphans = { .agent = agent, .worker = worker, .end.why = why };

	dataplane_relays_forget(agent->dataplane, worker);
	dataplane_sessions(agent->dataplane, monitor_end_orphan, &orphans);
	return orphans.count;
}
