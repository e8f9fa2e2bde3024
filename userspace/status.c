// SPDX-License-Identifier: Apache-2.0
/* What the daemon says of itself: `linewarden status` and `linewarden sessions`. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "userspace/adoption.h"
#include "userspace/agent.h"
#include "userspace/carriers.h"
#include "userspace/expiry_json.h"
#include "userspace/function.h"
#include "userspace/reload.h"
#include "userspace/reverify.h"
#include "userspace/trust_json.h"

/* indexed by enum state */
static const char *const status_states[] = {
	[STATE_BLOCKED] = "blocked",
	[STATE_HANDSHAKE] = "handshake",
	[STATE_VERIFIED] = "verified",
	[STATE_REVOKED] = "revoked",
};
_Static_assert(sizeof(status_states) / sizeof(status_states[0]) == STATE_COUNT,
	       "every state has a name");

static json_t *status_ktls(const struct agent *agent)
{
	json_t *features = json_array();
	int i;

	for (i = 0; i < KTLS_FEATURE_COUNT; i++)
		json_array_append_new(
			features,
			json_pack("{s:s, s:b, s:s}", "feature", ktls_feature_name(i), "has",
				  agent->features.has[i], "reason", agent->features.reason[i]));
	return json_pack("{s:s, s:s, s:o}", "setting",
			 agent->config->ktls == CONFIG_KTLS_REQUIRE ? "require" : "prefer", "mode",
			 agent->kernel_tls ? "kernel" : "user-space", "features", features);
}

static json_t *status_workers(const struct agent *agent)
{
	const struct supervised *worker;
	json_t *list = json_array();
	const struct shift *shift;
	unsigned int i;

	LIST_FOREACH(shift, &agent->shifts, entry) {
		for (i = 0; i < shift->worker_count; i++) {
			worker = &shift->workers[i];
			if (shift->retired && !worker->pid)
				continue;
			json_array_append_new(
				list, json_pack("{s:i, s:i, s:i, s:b}", "worker", (int)worker->id,
						"pid", (int)worker->pid, "restarts",
						(int)worker->restarts, "retired", shift->retired));
		}
	}
	return list;
}

static json_t *status_reasons(const struct agent *agent, const struct config_line *line)
{
	json_t *reasons = json_object();
	uint64_t count;
	int check;

	for (check = 0; check <= CHECK_COUNT; check++) {
		const char *name = check < CHECK_COUNT ? check_name(check) : "no-verdict";

		count = dataplane_verdicts(agent->dataplane, line, name);
		if (count)
			json_object_set_new(reasons, name, json_integer((json_int_t)count));
	}
	return reasons;
}

static json_t *status_lines(const struct agent *agent)
{
	const struct config_line *line;
	struct line_counters counters;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < agent->config->line_count; i++) {
		line = &agent->config->lines[i];
		counters = dataplane_line_counters(agent->dataplane,
						   config_line_number(agent->config, line));
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:I, s:I, s:I, s:I, s:o}",
				  "line", line->name, "direction", direction_name(line->direction),
				  "mode", line->mode == CONFIG_OBSERVE ? "observe" : "enforce",
				  "namespace", agent->config->namespaces[line->netns].name,
				  "function", function_name(line->function), "port", line->port,
				  "level", level_name(line->rule.level), "connections",
				  (json_int_t)counters.established, "accepted",
				  (json_int_t)dataplane_verdicts(agent->dataplane, line, "accepted"),
				  "observed",
				  (json_int_t)dataplane_verdicts(agent->dataplane, line, "observed"),
				  "dropped_packets",
				  (json_int_t)(counters.dropped_in + counters.dropped_out),
				  "refused", status_reasons(agent, line)));
	}
	return list;
}

static json_t *status_ports(const struct agent *agent)
{
	const struct listener_port *port;
	struct port_counters counters;
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < agent->listeners->port_count; i++) {
		port = &agent->listeners->ports[i];
		if (port->direction != DIRECTION_INBOUND)
			continue;
		counters = dataplane_port_counters(agent->dataplane, port);
		json_array_append_new(list, json_pack("{s:i, s:s, s:I, s:I, s:I}", "port",
						      port->port, "namespace",
						      agent->config->namespaces[port->netns].name,
						      "steered",
						      (json_int_t)counters.steered, "relayed",
						      (json_int_t)counters.relayed, "refused",
						      (json_int_t)counters.refused));
	}
	return list;
}

static void status_count(uint64_t cookie, const struct session *session, void *arg)
{
	(void)cookie;
	(void)session;
	++*(unsigned int *)arg;
}

json_t *status_to_json(const struct agent *agent)
{
	struct line_counters none = dataplane_line_counters(agent->dataplane, 0);
	unsigned int sessions = 0;
	json_t *status;

	dataplane_sessions(agent->dataplane, status_count, &sessions);
	status = json_pack("{s:s, s:i, s:I, s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "version", LINEWARDEN_VERSION, "pid", (int)getpid(), "started",
			 (json_int_t)agent->started, "configuration", reload_to_json(agent->reload),
			 "audit_log", agent->config->audit_log,
			 "audit_records_lost", (json_int_t)agent->audit_lost,
			 "audit_records_suppressed", (json_int_t)agent->audit_suppressed, "sessions",
			 (json_int_t)sessions, "no_line", (json_int_t)none.blocked, "trust_store",
			 trust_report_to_json(&agent->config->trust_report), "expiry",
			 expiry_to_json(agent->config), "ktls",
			 status_ktls(agent), "workers", status_workers(agent), "ports",
			 status_ports(agent), "apps", adoption_to_json(agent->adoption), "lines",
			 status_lines(agent));
	if (status) {
		json_object_set_new(status, "carriers", carriers_to_json(agent->carriers));
		json_object_set_new(status, "chains", reverify_to_json(agent->reverify));
	}
	return status;
}

struct status_sessions {
	const struct agent *agent;
	json_t *list;
};

static const char *status_namespace(const struct agent *agent, const struct session *session)
{
	uint32_t netns;

	return dataplane_netns(agent->dataplane, agent->config, session->netns, &netns) < 0 ?
		       "" :
		       agent->config->namespaces[netns].name;
}

static void status_add_session(uint64_t cookie, const struct session *session, void *arg)
{
	enum state state = session->state < STATE_COUNT ? session->state : STATE_BLOCKED;
	const struct status_sessions *sessions = arg;
	char chain[2 * LW_CHAIN_LEN + 1];
	size_t i;

	for (i = 0; i < LW_CHAIN_LEN; i++)
		snprintf(chain + 2 * i, 3, "%02x", session->chain[i]);
	json_array_append_new(
		sessions->list,
		json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, "
			  "s:b, s:s, s:s, s:i, s:i}",
			  "cookie", (json_int_t)cookie, "line", session->line, "direction",
			  session->direction == DIRECTION_OUTBOUND ? "outbound" : "inbound",
			  "namespace", status_namespace(sessions->agent, session), "function",
			  function_name(session->function), "level",
			  level_name((enum level)session->level), "state", status_states[state],
			  "peer", session->peer, "local", session->local, "opened",
			  (json_int_t)session->opened, "not_after", (json_int_t)session->not_after,
			  "sha256", session->fingerprint, "chain", chain, "tls", session->tls,
			  "cipher", session->cipher, "ktls", !strcmp(session->ktls, "yes"),
			  "delivery", session->delivery, "reason", session->reason, "worker", (int)session->worker, "carrier",
			  (int)session->carrier));
}

json_t *sessions_to_json(const struct agent *agent)
{
	struct status_sessions sessions = { agent, json_array() };

	if (sessions.list)
		dataplane_sessions(agent->dataplane, status_add_session, &sessions);
	return sessions.list;
}
